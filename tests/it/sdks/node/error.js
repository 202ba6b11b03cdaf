// Sends one error with everything that a scope can add to it.

const Sentry = require('@sentry/node');
const sending = require('./sending.js');

class EmptyCart extends Error {
  name = 'EmptyCart';
}

function total(items) {
  if (items.length === 0) {
    throw new EmptyCart('the cart is empty');
  }
  return items.length;
}

function checkOut() {
  try {
    return total([]);
  } catch (cause) {
    throw new Error('no receipt', { cause });
  }
}

sending.begin();
Sentry.setUser({ id: 42, email: 'ana@example.com', username: 'ana' });
Sentry.setTag('till', 'left');
Sentry.setExtra('items', 0);
Sentry.setContext('order', { number: 17 });
Sentry.addBreadcrumb({ category: 'cart', message: 'opened the cart', level: 'info', data: { n: 1 } });
try {
  checkOut();
} catch (error) {
  Sentry.captureException(error);
}
sending.end();
