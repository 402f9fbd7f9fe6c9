#!/usr/bin/python3
"""Self test of the subscriber's stand-in: run it directly or with unittest.

The vectors are those that the libraries of Standard Webhooks publish, so that
the judge of our signatures is itself judged by somebody else.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.dont_write_bytecode = True
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import subscriber  # noqa: E402

SECRET = "whsec_plJ3nmyCDGBKInavdOK15jsl"
OTHER = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class TestScheme(unittest.TestCase):

    def test_published_vectors(self):
        self.assertEqual(
            subscriber.signature(subscriber.key_of(SECRET), "msg_loFOjxBNrRLzqYUf", "1731705121",
                                 b'{"event_type":"ping","data":{"success":true}}'),
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0=")
        self.assertEqual(
            subscriber.signature(subscriber.key_of(OTHER), "msg_p5jXN8AQM9LWM0D4loKWxJek",
                                 "1614265330", b'{"test": 2432232314}'),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")

    def test_secrets(self):
        for secret in ("plJ3nmyCDGBKInavdOK15jsl", "whsec_?", "whsec_abc"):
            with self.assertRaises(ValueError):
                subscriber.key_of(secret)


class TestStandIn(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "subscriber.py"), "--port-file",
             os.path.join(self.folder.name, "port")], stdout=subprocess.PIPE, text=True)
        word, port = self.process.stdout.readline().split()
        self.assertEqual(word, "ready")
        self.connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=5)

    def tearDown(self):
        self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(5), 0)
        self.process.stdout.close()
        self.folder.cleanup()

    def call(self, method, path, body=None, headers=None):
        self.connection.request(method, path, body=body, headers=headers or {})
        response = self.connection.getresponse()
        return response.status, json.loads(response.read())

    def notify(self, body=b'{"id": "n1"}', stamp=None, *secrets, message_id="n1", sign=None):
        stamp = str(int(time.time() if stamp is None else stamp))
        signatures = [subscriber.signature(subscriber.key_of(secret), message_id, stamp,
                                           body if sign is None else sign) for secret in secrets]
        return self.call("POST", "/hook?x=1", body, {
            "Content-Type": "application/json", "webhook-id": message_id,
            "webhook-timestamp": stamp, "webhook-signature": " ".join(signatures)})

    def log(self):
        return self.call("GET", "/_control/log")[1]

    def test_verifies(self):
        self.assertEqual(self.notify(), (200, {"status": True}))
        self.assertEqual(self.call("POST", "/_control/secrets", json.dumps([SECRET, OTHER])),
                         (200, 2))
        now = time.time()
        for wanted, result in (
                (200, self.notify(b"{}", None, SECRET)), (200, self.notify(b"{}", None, OTHER)),
                (200, self.notify(b"{}", None, OTHER, SECRET)), (401, self.notify(b"{}", None)),
                (401, self.notify(b"{}", None, "whsec_AAAA")),
                (401, self.notify(b"{}", None, SECRET, sign=b"{ }")),
                (401, self.notify(b"{}", now - 310, SECRET)),
                (401, self.notify(b"{}", now + 310, SECRET)),
                (200, self.notify(b"{}", now - 290, SECRET))):
            self.assertEqual(result, (wanted, {"status": wanted == 200}))
        self.assertEqual([line["webhook"]["signed_by"] for line in self.log()],
                         [[], [0], [1], [0, 1], [], [], [], [0], [0], [0]])
        self.assertEqual(self.log()[3]["webhook"]["signatures"], 2)
        self.assertEqual(self.log()[0]["path"], "/hook?x=1")
        self.assertEqual(self.log()[0]["body"], {"id": "n1"})
        self.assertEqual(self.call("GET", "/hook"), (405, {"status": False}))
        self.assertEqual(self.call("POST", "/_control/secrets", '["nonsense"]')[0], 400)

    def test_misbehaves(self):
        for action, wanted in (({"action": "status", "code": 410}, 410),
                               ({"action": "status", "code": 500}, 500),
                               ({"action": "delay", "ms": 10}, 200)):
            self.call("POST", "/_control/faults", json.dumps([action]))
            self.assertEqual(self.notify()[0], wanted)
        self.assertEqual(self.notify()[0], 200)


if __name__ == "__main__":
    unittest.main()
