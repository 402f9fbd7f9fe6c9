#!/usr/bin/python3
"""A stand-in for somebody who subscribed to notifications, for the tests.

It knows Standard Webhooks (standardwebhooks.com) by its specification alone,
with Python's hmac: a message is accepted when one of its signatures fits one
of the secrets given, and its timestamp is within five minutes; otherwise the
answer is 401.  Without secrets everything is accepted.  The log says of every
request which path, id and timestamp it had, how many signatures, and the
numbers of the secrets that they fit ("signed_by", from 0).

Controls beside those of standin.py:
  POST /_control/secrets ["whsec_…", …]   from now on these
"""

import base64
import binascii
import hashlib
import hmac
import sys
import time

sys.dont_write_bytecode = True
import standin  # noqa: E402
from standin import Answer  # noqa: E402

TOLERANCE_SECONDS = 300
NEEDED_HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")


def key_of(secret):
    """The key of a "whsec_…" secret; ValueError when it is none."""
    if not secret.startswith("whsec_"):
        raise ValueError("a secret begins with whsec_")
    try:
        return base64.b64decode(secret[len("whsec_"):], validate=True)
    except binascii.Error as error:
        raise ValueError("a secret is base64 after whsec_") from error


def signature(key, message_id, timestamp, body):
    """The signature of raw bytes, as the header has it."""
    signed = b"%s.%s." % (message_id.encode("ascii"), timestamp.encode("ascii")) + body
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode("ascii")


class Subscriber(standin.Carrier):
    """Takes notifications at any path; standin.py holds the lock."""

    name = "subscriber"

    def __init__(self, options):
        super().__init__(options)
        self.keys = []

    def handle(self, request):
        if request.method != "POST":
            return Answer.of(405, {"status": False})
        request.notes["webhook"] = webhook = self.examine(request)
        if self.keys and not (webhook["signed_by"] and webhook["fresh"]):
            return Answer.of(401, {"status": False})
        return Answer.of(200, {"status": True})

    def examine(self, request):
        """What the headers of the scheme say, and whether it is true."""
        given = {name: request.headers.get(name, "") for name in NEEDED_HEADERS}
        message_id, timestamp = given["webhook-id"], given["webhook-timestamp"]
        signatures = given["webhook-signature"].split()
        expected = [signature(key, message_id, timestamp, request.body) for key in self.keys]
        fresh = timestamp.isascii() and timestamp.isdigit() \
            and abs(time.time() - int(timestamp)) <= TOLERANCE_SECONDS
        return {
            "id": message_id, "timestamp": timestamp, "signature": given["webhook-signature"],
            "signatures": len(signatures), "fresh": fresh,
            "signed_by": [number for number, one in enumerate(expected)
                          if any(hmac.compare_digest(one, other) for other in signatures)]}

    def control(self, request, parameters):
        if (request.method, request.path) == ("POST", "/_control/secrets"):
            self.keys = [key_of(secret) for secret in parameters]
            return Answer.of(200, len(self.keys))
        return None


def main():
    options = standin.arguments(__doc__.splitlines()[0]).parse_args()
    return standin.run(Subscriber(options), options)


if __name__ == "__main__":
    sys.exit(main())
