// What every script of this folder begins and ends with.

const { subscribe } = require('node:diagnostics_channel');
const Sentry = require('@sentry/node');

// Every answer's status, for the test to check: the SDK itself only logs what goes wrong.
subscribe('http.client.response.finish', ({ response }) => {
  console.log('status', response.statusCode);
});

exports.begin = (options) =>
  Sentry.init({
    dsn: process.argv[2],
    release: 'shop@1.2.3',
    dist: '7',
    environment: 'staging',
    serverName: 'till-1',
    ...options,
  });

exports.end = () => Sentry.close(30_000);
