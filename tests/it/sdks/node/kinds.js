// Sends one of each other kind of item.

const Sentry = require('@sentry/node');
const sending = require('./sending.js');

sending.begin({ tracesSampleRate: 1, enableLogs: true });

Sentry.startSession();
Sentry.withScope((scope) => {
  scope.addAttachment({ filename: 'cart.txt', data: 'two apples', contentType: 'text/plain' });
  Sentry.captureMessage('look at this cart', 'warning');
});
Sentry.startSpan({ op: 'task', name: 'nightly' }, () => {
  Sentry.startSpan({ op: 'db', name: 'select' }, () => {});
});
Sentry.captureCheckIn({ monitorSlug: 'nightly', status: 'ok', duration: 1.5 });
Sentry.captureFeedback({ name: 'Ana', email: 'ana@example.com', message: 'it did not work' });
Sentry.logger.warn('the till is open');
Sentry.metrics.count('carts', 3);
Sentry.endSession();
sending.end();
