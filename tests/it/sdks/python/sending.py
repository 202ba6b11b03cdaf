"""What every script of this folder begins and ends with."""

import sys

import sentry_sdk
import urllib3

# Every answer's status, for the test to check: the SDK itself only logs what goes wrong.
_send = urllib3.connectionpool.HTTPConnectionPool.urlopen


def _send_and_tell(*args, **kwargs):
    response = _send(*args, **kwargs)
    print("status", response.status)
    return response


urllib3.connectionpool.HTTPConnectionPool.urlopen = _send_and_tell


def begin(**options):
    sentry_sdk.init(
        dsn=sys.argv[1],
        release="shop@1.2.3",
        dist="7",
        environment="staging",
        server_name="till-1",
        **options,
    )


def end():
    sentry_sdk.get_client().close(timeout=30)
