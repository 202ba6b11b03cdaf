"""Sends one of each other kind of item."""

import sending
import sentry_sdk
from sentry_sdk.crons import capture_checkin

sending.begin(traces_sample_rate=1.0, enable_logs=True)

sentry_sdk.start_session()
with sentry_sdk.new_scope() as scope:
    scope.add_attachment(bytes=b"two apples", filename="cart.txt", content_type="text/plain")
    sentry_sdk.capture_message("look at this cart", level="warning")
with sentry_sdk.start_transaction(op="task", name="nightly"):
    with sentry_sdk.start_span(op="db", name="select"):
        pass
capture_checkin(monitor_slug="nightly", status="ok", duration=1.5)
sentry_sdk.logger.warning("the till is {state}", state="open")
sentry_sdk.metrics.count("carts", 3)
sentry_sdk.end_session()
sending.end()
