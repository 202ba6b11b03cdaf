"""Sends one error with everything that a scope can add to it."""

import sending
import sentry_sdk


class EmptyCart(ValueError):
    pass


def total(items):
    password = "correct horse"
    if not items:
        raise EmptyCart("the cart is empty")
    return len(items) + len(password)


def check_out():
    try:
        total([])
    except EmptyCart as cause:
        raise RuntimeError("no receipt") from cause


sending.begin()
sentry_sdk.set_user({"id": 42, "email": "ana@example.com", "username": "ana"})
sentry_sdk.set_tag("till", "left")
sentry_sdk.set_extra("items", 0)
sentry_sdk.set_context("order", {"number": 17})
sentry_sdk.add_breadcrumb(category="cart", message="opened the cart", level="info", data={"n": 1})
try:
    check_out()
except RuntimeError:
    sentry_sdk.capture_exception()
sending.end()
