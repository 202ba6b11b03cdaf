"""A mail server on a port that is free: prints the port, then what happens, one line of JSON each.

With a certificate and a key it wants to be spoken with by STARTTLS, and to know by whom.
"""

import asyncio
import json
import logging
import ssl
import sys
from email import message_from_bytes, policy

from aiosmtpd.smtp import SMTP, AuthResult

USER, PASSWORD = b"mishap", b"open sesame / 1"

# Whoever writes to this address first has to come again; the other never existed.
GREYLISTED = "busy@example.com"
UNKNOWN = "nobody@example.com"

# It warns of itself when it looks at a password, and tells at length who did not trust it.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)


def tell(what):
    print(json.dumps(what), flush=True)


class PostOffice:
    def __init__(self):
        self.seen = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        answer = "250 OK"
        if address == UNKNOWN:
            answer = "550 5.1.1 there is no such mailbox"
        elif address == GREYLISTED and address not in self.seen:
            answer = "451 4.7.1 come again later"
        self.seen.add(address)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        else:
            tell({"refused": address, "code": int(answer[:3])})
        return answer

    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content, policy=policy.default)
        tell({
            "is_encrypted": session.ssl is not None,
            "is_known": session.authenticated is True,
            "sender": envelope.mail_from,
            "recipients": envelope.rcpt_tos,
            "headers": {name.lower(): str(value) for name, value in mail.items()},
            "kind": mail.get_content_type(),
            "parts": [
                {"kind": part.get_content_type(), "content": part.get_content()}
                for part in mail.iter_parts()
            ],
        })
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    return AuthResult(success=(data.login, data.password) == (USER, PASSWORD))


async def serve(certificate=None, key=None):
    options = {}
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        options = {
            "tls_context": context,
            "require_starttls": True,
            "auth_required": True,
            "authenticator": authenticate,
        }
    post_office = PostOffice()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(post_office, **options), "127.0.0.1", 0)
    tell({"port": server.sockets[0].getsockname()[1]})
    await server.serve_forever()


asyncio.run(serve(*sys.argv[1:]))
