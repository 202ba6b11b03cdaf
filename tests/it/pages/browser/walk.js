// Walks through the pages as people do, in a real browser, and looks at each in every light.
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { chromium } = require('playwright-core');

const { ADDRESS, FIRST_RUN, NOW, PICTURES } = process.env;
const JANE = 'jane@example.com';
const JOE = 'joe@example.com';
const PASSWORD = 'correct horse battery staple';
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const SIZES = { wide: { width: 1280, height: 900 }, narrow: { width: 390, height: 844 } };

// What must not happen on any page; what a step expects is taken off by it.
const faults = [];

function check(condition, words) {
  if (!condition) throw new Error(words);
}

// The code that an app with this secret (base32) shows at a time (RFC 6238).
function codeOf(secret, seconds) {
  const bits = [...secret].map((letter) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const key = Buffer.from(bits.match(/.{8}/g).map((byte) => parseInt(byte, 2)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(Math.floor(seconds / 30)));
  const hash = crypto.createHmac('sha1', key).update(counter).digest();
  const number = hash.readUInt32BE(hash[19] & 15) & 0x7fffffff;
  return String(number % 1e6).padStart(6, '0');
}

// A person's browser, watched.
async function open(browser) {
  const context = await browser.newContext({
    viewport: SIZES.wide, colorScheme: 'light', reducedMotion: 'reduce',
  });
  await context.addInitScript({ path: require.resolve('axe-core/axe.min.js') });
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      console.error(`against the policy: ${event.violatedDirective} ${event.blockedURI}`);
    });
  });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) faults.push(`console: ${message.text()}`);
  });
  page.on('pageerror', (error) => faults.push(`script: ${error}`));
  page.on('requestfailed', (request) => faults.push(`failed: ${request.url()}`));
  page.on('request', (request) => {
    if (!request.url().startsWith(ADDRESS)) faults.push(`elsewhere: ${request.url()}`);
  });
  page.on('response', (answer) => {
    if (answer.status() >= 400) faults.push(`${answer.status()}: ${answer.url()}`);
  });
  return page;
}

// Does what is refused with a status: the browser says so, and nothing else may be said.
async function refused(status, action) {
  check(faults.length === 0, faults.join('\n'));
  await action();
  const expected = (fault) => fault.startsWith(`${status}: `)
    || fault.includes(`responded with a status of ${status} `);
  check(faults.some(expected), `nothing was answered with ${status}`);
  const others = faults.filter((fault) => !expected(fault));
  faults.splice(0, faults.length, ...others);
}

// Looks at a page in both themes and both sizes.
async function look(page, name) {
  for (const theme of ['light', 'dark']) {
    await page.emulateMedia({ colorScheme: theme });
    for (const [size, viewport] of Object.entries(SIZES)) {
      await page.setViewportSize(viewport);
      const where = `${name} (${theme}, ${size})`;
      const found = await page.evaluate((tags) => axe.run(document, {
        runOnly: { type: 'tag', values: tags },
        rules: { 'target-size': { enabled: true } },
        resultTypes: ['violations'],
      }), TAGS);
      for (const { id, help, nodes } of found.violations) {
        faults.push(`${where}: ${id}: ${help}: ${nodes.map((node) => `${node.html} ${node.failureSummary}`).join(' ')}`);
      }
      const width = await page.evaluate(() => document.documentElement.scrollWidth);
      if (width > viewport.width) faults.push(`${where}: it is ${width} pixels wide`);
      if (PICTURES) {
        const file = path.join(PICTURES, `${name}-${size}-${theme}.png`);
        await page.screenshot({ path: file, fullPage: true });
      }
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(SIZES.wide);
  check(faults.length === 0, `at ${name}:\n${faults.join('\n')}`);
  console.log(`looked at ${name}: ${await page.locator('h1').innerText()}`);
}

const press = (page, name) => page.getByRole('button', { name, exact: true }).click();
const follow = (page, name) => page.getByRole('link', { name, exact: true }).click();
const type = (page, label, text) => page.getByLabel(label, { exact: true }).fill(text);
const heading = (page, name) => page.getByRole('heading', { level: 1, name, exact: true }).waitFor();

async function fromMenu(page, entry) {
  await page.locator('button[popovertarget=account]').click();
  await page.locator('#account').getByText(entry, { exact: true }).click();
}

async function givePassword(page, email) {
  await type(page, 'E-mail address', email);
  await type(page, 'Password', PASSWORD);
  await press(page, 'Sign in');
}

async function begin(page) {
  await page.goto(FIRST_RUN);
  await heading(page, 'Welcome');
  await look(page, 'first-run');
  await type(page, 'Your e-mail address', JANE);
  await type(page, 'Password', PASSWORD);
  await type(page, 'Password again', PASSWORD);
  await type(page, 'Your organization', 'Example Shop');
  await press(page, 'Start');
  await heading(page, 'Status');
}

async function signOutAndIn(page) {
  await page.locator('button[popovertarget=account]').click();
  await look(page, 'menu');
  await page.locator('#account').getByText('Sign out', { exact: true }).click();
  await heading(page, 'You are signed out');
  await look(page, 'signed-out');
  await follow(page, 'Sign in again');
  await heading(page, 'Sign in');
  await look(page, 'sign-in');
  await refused(422, async () => {
    await type(page, 'E-mail address', JANE);
    await type(page, 'Password', 'wrong');
    await press(page, 'Sign in');
    await page.getByText('do not belong together').waitFor();
  });
  await look(page, 'sign-in-refused');
  await type(page, 'Password', PASSWORD);
  await press(page, 'Sign in');
  await heading(page, 'Status');
}

async function makeToken(page) {
  await fromMenu(page, 'API tokens');
  await heading(page, 'API tokens');
  await look(page, 'api-tokens');
  await type(page, 'Label', 'Deployments');
  await page.getByLabel('project:read').check();
  await press(page, 'Create token');
  await page.getByText('The token is made.').waitFor();
  await look(page, 'api-token-made');
  await press(page, 'Delete Deployments');
  await page.getByText('The token Deployments is deleted.').waitFor();
}

async function secure(page) {
  await fromMenu(page, 'Account security');
  await heading(page, 'Account security');
  await look(page, 'security');
  await page.getByRole('link', { name: 'Set up the authenticator app' }).click();
  await heading(page, 'Set up an authenticator app');
  await look(page, 'totp-setup');
  const secret = (await page.locator('#totp-secret').innerText()).replace(/\s/g, '');
  await type(page, 'Code', codeOf(secret, Number(NOW)));
  await press(page, 'Turn on');
  await heading(page, 'Your recovery codes');
  await look(page, 'recovery-codes');
  const codes = (await page.locator('#recovery-codes').innerText()).trim().split(/\s+/);
  await follow(page, 'I have kept them');
  await heading(page, 'Account security');
  await type(page, 'Name of the new passkey', 'Laptop');
  await press(page, 'Add a passkey');
  await page.getByText('Your passkey is added.').waitFor();
  await look(page, 'security-with-factors');
  await makeToken(page);
  await fromMenu(page, 'Account security');
  await heading(page, 'Account security');
  return codes;
}

async function useFactors(page, codes) {
  await fromMenu(page, 'Sign out');
  await follow(page, 'Sign in again');
  await press(page, 'Use a passkey');
  await heading(page, 'Status');
  await fromMenu(page, 'Sign out');
  await follow(page, 'Sign in again');
  await givePassword(page, JANE);
  await heading(page, 'Confirm that it is you');
  await look(page, 'second-factor');
  await refused(422, async () => {
    await type(page, 'Code', '000000');
    await press(page, 'Continue');
    await page.getByText('That code is wrong or was used already.').waitFor();
  });
  await look(page, 'second-factor-refused');
  await type(page, 'Code', codes[0]);
  await press(page, 'Continue');
  await heading(page, 'Status');
  await fromMenu(page, 'Sign out');
  await follow(page, 'Sign in again');
  await givePassword(page, JANE);
  await press(page, 'Use a passkey');
  await heading(page, 'Status');
}

async function chooseTheme(page) {
  const theme = () => page.locator('html').getAttribute('data-theme');
  const address = page.url();
  for (const [label, name] of [['Dark', 'dark'], ['Light', 'light'], ['System', null]]) {
    await press(page, label);
    await page.locator(`button[aria-pressed=true]:text-is("${label}")`).waitFor();
    check(await theme() === name, `the theme is not ${name}`);
    check(page.url() === address, `the theme leads to ${page.url()}`);
  }
}

async function administer(page) {
  const sections = page.getByRole('navigation', { name: 'Administration' });
  const names = await sections.getByRole('link').evaluateAll((links) =>
    links.map((link) => link.firstChild.textContent.trim()));
  check(names.length > 8, `sections: ${names}`);
  for (const name of names) {
    await sections.getByRole('link', { name }).first().click();
    await look(page, `admin-${name.toLowerCase().replace(/\s/g, '-')}`);
  }
  await sections.getByRole('link', { name: 'Users' }).click();
  await page.getByRole('main').getByRole('link', { name: JANE }).click();
  await look(page, 'admin-user');
  await sections.getByRole('link', { name: 'Organizations' }).click();
  await page.getByRole('main').getByRole('link', { name: 'Example Shop' }).click();
  await look(page, 'admin-organization');
}

async function invite(page) {
  await page.getByRole('main').getByRole('link', { name: /^Members/ }).first().click();
  await look(page, 'admin-members');
  await follow(page, 'Invite somebody');
  await look(page, 'admin-invite');
  await page.getByRole('textbox', { name: /address/i }).fill(JOE);
  await page.getByRole('main').getByRole('button', { name: 'Invite' }).click();
  await page.getByText(`${ADDRESS}/accept/`).waitFor();
  await look(page, 'admin-invitation');
  return page.locator('code', { hasText: '/accept/' }).innerText();
}

async function join(page, link) {
  await page.goto(link);
  await heading(page, 'You are invited');
  await look(page, 'invitation');
  await follow(page, 'Create an account');
  await heading(page, 'Create an account');
  await look(page, 'sign-up');
  await type(page, 'E-mail address', JOE);
  await type(page, 'Password', PASSWORD);
  await refused(422, async () => {
    await type(page, 'Password again', 'another one');
    await press(page, 'Create account');
    await page.getByText('The two passwords are not the same.').waitFor();
  });
  await look(page, 'sign-up-refused');
  await type(page, 'Password', PASSWORD);
  await type(page, 'Password again', PASSWORD);
  await press(page, 'Create account');
  await press(page, 'Join the organization');
  await heading(page, 'You have joined');
  await look(page, 'invitation-accepted');
  await follow(page, 'Continue');
  await heading(page, 'Account security');
  await look(page, 'security-unconfirmed');
}

async function forget(page) {
  await fromMenu(page, 'Sign out');
  await follow(page, 'Sign in again');
  await follow(page, 'Forgot your password?');
  await heading(page, 'Forgot your password?');
  await look(page, 'password-forgotten');
  await type(page, 'E-mail address', JOE);
  await press(page, 'Send a link');
  await heading(page, 'Look into your mail');
  await look(page, 'password-sent');
}

async function reset(admin, page) {
  await admin.goto(`${ADDRESS}/admin/users/`);
  await admin.getByRole('main').getByRole('link', { name: JOE }).click();
  await admin.getByRole('button', { name: 'Link for a new password' }).click();
  const link = await admin.locator('code', { hasText: '/reset-password/' }).innerText();
  await page.goto(link);
  await heading(page, 'Choose a new password');
  await look(page, 'password-reset');
  await type(page, 'New password', `${PASSWORD}!`);
  await type(page, 'New password again', `${PASSWORD}!`);
  await press(page, 'Set password');
  await page.getByText('Your password is changed.').waitFor();
  await look(page, 'password-changed');
  await refused(404, () => page.goto(link));
  await look(page, 'password-used-up');
}

async function getLost(page) {
  await refused(404, () => page.goto(`${ADDRESS}/nothing`));
  await look(page, 'nothing-there');
  await page.goto(`${ADDRESS}/api/docs`);
  await look(page, 'api-reference');
  await page.goto(`${ADDRESS}/api/docs/permissions`);
  await look(page, 'api-permissions');
}

async function walk(browser) {
  const jane = await open(browser);
  const session = await jane.context().newCDPSession(jane);
  await session.send('WebAuthn.enable');
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  await begin(jane);
  await signOutAndIn(jane);
  const codes = await secure(jane);
  await useFactors(jane, codes);
  await chooseTheme(jane);
  await administer(jane);
  const link = await invite(jane);
  await jane.goto(link);
  await look(jane, 'invitation-of-another');
  const joe = await open(browser);
  await join(joe, link);
  await forget(joe);
  await reset(jane, joe);
  await getLost(joe);
  check(faults.length === 0, faults.join('\n'));
}

(async () => {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'browser-'));
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM,
    headless: true,
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
      '--disable-background-networking', '--disable-component-update', '--disable-sync',
      `--disk-cache-dir=${profile}`,
    ],
  });
  try {
    await walk(browser);
    console.log('done');
  } finally {
    await browser.close();
    fs.rmSync(profile, { recursive: true, force: true });
  }
})().catch((error) => {
  console.error(error.stack);
  if (faults.length > 0) console.error(`before that:\n${faults.join('\n')}`);
  process.exitCode = 1;
});
