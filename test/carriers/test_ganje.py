#!/usr/bin/python3
"""Self test of the stand-ins: run it directly or with unittest.

The stand-in is started as the test runner starts it, as a process, and spoken
to with http.client and bare sockets.
"""

import gzip
import http.client
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
LOGIN = "/v1.1/account/jwt/create/"
PRE_ORDER = "/v1.1/hub-management/occupancies/pre-order"
INFO = "/v1.1/hub-management/occupancies/%s/"
CANCEL = "/v1.1/lastmile/occupancy/transit-by-supplier/%s/cancel/"
PHONE = "+989111111111"


class StandIn(unittest.TestCase):
    options = ()

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.log_path = os.path.join(self.folder.name, "log")
        port_file = os.path.join(self.folder.name, "port")
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "ganje.py"), "--log", self.log_path,
             "--port-file", port_file, *self.options],
            stdout=subprocess.PIPE, text=True)
        word, port = self.process.stdout.readline().split()
        self.assertEqual(word, "ready")
        self.port = int(port)
        with open(port_file, encoding="ascii") as file:
            self.assertEqual(int(file.read()), self.port)
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)

    def tearDown(self):
        self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        started = time.monotonic()
        self.assertEqual(self.process.wait(5), 0)
        self.assertLess(time.monotonic() - started, 2)
        self.process.stdout.close()
        self.folder.cleanup()

    def raw(self, method, path, body=None, headers=None, connection=None):
        """Status, headers and body bytes."""
        connection = connection or self.connection
        connection.request(method, path, body=body, headers=headers or {})
        response = connection.getresponse()
        return response.status, response.headers, response.read()

    def call(self, method, path, value=None, token=None, headers=None):
        """Status and JSON of a call with a JSON body."""
        headers = dict(headers or {})
        if value is not None:
            headers.setdefault("Content-Type", "application/json")
        if token is not None:
            headers["Authorization"] = "Bearer " + token
        body = None if value is None else json.dumps(value)
        status, _, text = self.raw(method, path, body, headers)
        return status, json.loads(text)

    def control(self, method, what, value=None):
        status, answer = self.call(method, "/_control/" + what, value)
        self.assertEqual(status, 200, answer)
        return answer

    def fault(self, action, **rest):
        self.control("POST", "faults", [dict(rest, action=action)])

    def token(self):
        status, answer = self.call("POST", LOGIN, {"username": "shop", "password": "secret"})
        self.assertEqual(status, 200)
        return answer["access"]

    def pre_order(self, token, external_id="order-1"):
        return self.call("POST", PRE_ORDER,
                         {"phone_number": PHONE, "external_id": external_id}, token)

    def move(self, to, **rest):
        return self.control("POST", "move", dict({"external_id": "order-1", "to": to}, **rest))


class TestDocuments(StandIn):

    def test_login(self):
        status, answer = self.call("POST", LOGIN, {"username": "shop", "password": "secret"})
        self.assertEqual(status, 200)
        self.assertEqual(sorted(answer), ["access", "expire_duration", "expires_at", "pk",
                                          "refresh", "uuid"])
        for value, wanted in (({"username": "shop", "password": "wrong"}, 401),
                              ({"username": "shop"}, 400), ({"username": 1, "password": "x"}, 400),
                              ([], 400)):
            status, answer = self.call("POST", LOGIN, value)
            self.assertEqual((status, list(answer)), (wanted, ["detail"]))
        self.assertEqual(self.call("POST", LOGIN[:-1], {})[0], 404)
        self.assertEqual(self.call("GET", LOGIN)[0], 405)

    def test_pre_order(self):
        token = self.token()
        status, answer = self.pre_order(token)
        self.assertEqual((status, list(answer)), (200, ["order_link"]))
        self.assertRegex(answer["order_link"], r"^http://127\.0\.0\.1:%d/reserve/\d+$" % self.port)
        self.assertEqual(self.pre_order(token), (status, answer))
        self.assertNotEqual(self.pre_order(token, "order-2")[1], answer)
        self.assertEqual(self.raw("GET", answer["order_link"].split(str(self.port))[1])[0], 200)

    def test_pre_order_refusals(self):
        token = self.token()
        good = {"phone_number": PHONE, "external_id": "x"}
        for change, wanted in (({"phone_number": "09111111111"}, 400),
                               ({"phone_number": PHONE + "1"}, 400),
                               ({"phone_number": PHONE + "\n"}, 400),
                               ({"external_id": ""}, 400), ({"external_id": 5}, 400),
                               ({"note": 5}, 400), ({"note": "extra"}, 200)):
            self.assertEqual(self.call("POST", PRE_ORDER, dict(good, **change), token)[0], wanted)
        self.assertEqual(self.call("POST", PRE_ORDER, {"external_id": "x"}, token)[0], 400)
        self.assertEqual(self.call("POST", PRE_ORDER + "/", good, token)[0], 404)
        self.assertEqual(self.call("PUT", PRE_ORDER, good, token)[0], 405)
        self.assertEqual(self.call("POST", PRE_ORDER, good)[0], 401)
        self.assertEqual(self.call("POST", PRE_ORDER, good, "made-up")[0], 401)
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        self.assertEqual(self.call("POST", PRE_ORDER, good, token, form)[0], 415)
        self.assertEqual(self.control("GET", "occupancies"),
                         [dict(good, uuid=self.control("GET", "occupancies")[0]["uuid"],
                               status="pre-order")])

    def test_occupancy_and_cancel(self):
        token = self.token()
        self.pre_order(token)
        self.assertEqual(self.call("GET", INFO % "order-1", token=token),
                         (404, {"detail": "Not found"}))
        payload = self.move("reserved")["webhook"]
        status, info = self.call("GET", INFO % "order-1", token=token)
        self.assertEqual((status, info["status"], info["uuid"]),
                         (200, "reserved", payload["uuid"]))
        self.assertEqual(sorted(info), sorted((
            "uuid", "process", "verbose_id", "shipment", "station", "status", "picker",
            "extra_information", "expected_check_in", "expected_check_out", "check_in",
            "check_out")))
        self.assertEqual(self.call("GET", (INFO % "order-1")[:-1], token=token)[0], 404)
        self.assertEqual(self.call("POST", CANCEL % info["uuid"], {}, token)[0], 405)
        self.assertEqual(self.call("PATCH", CANCEL % "nobody", token=token)[0], 404)
        self.assertEqual(self.call("PATCH", CANCEL % info["uuid"], token=token),
                         (200, {"uuid": info["uuid"], "status": "canceled"}))
        self.assertEqual(self.call("PATCH", CANCEL % info["uuid"], token=token),
                         (400, {"detail": "This transition is not possible on this occupancy"}))

    def test_webhook_payload(self):
        self.pre_order(self.token())
        self.move("reserved")
        payload = self.move("occupied", check_in="2024-10-09 17:20:32")["webhook"]
        self.assertEqual(payload, {
            "id": "61", "uuid": payload["uuid"], "process": "lastmile", "status": "occupied",
            "shipment": {"external_id": "order-1", "parcels": [
                {"pk": 6100, "external_id": "order-1_1", "size": None, "weight": None,
                 "value": None, "content": None}]},
            "station": {"pk": 21, "address": "Station Address",
                        "location": "35.70820037199022, 51.46982257116468",
                        "nickname": "Station Name", "slug": "85943805", "images": []},
            "external_id": "order-1", "check_in": "2024-10-09 17:20:32", "check_out": None,
            "human_readable_expeced_duration": 1,
            "pick_up_web_app_url": "?stationSlug=85943805",
            "sms_type": "Ganje_Received", "sms_title": "occupied"})
        self.assertEqual(self.call("POST", "/_control/move",
                                   {"external_id": "order-1", "to": "returned"})[0], 400)
        self.move("expired")
        self.assertIsNotNone(self.move("returned")["webhook"]["check_out"])

    def test_selection(self):
        token = self.token()
        self.assertEqual(self.call("POST", "/_control/select", {"external_id": "order-1"})[0], 404)
        self.pre_order(token)
        answer = self.control("POST", "select", {"external_id": "order-1", "station": {"uuid": "u"}})
        self.assertEqual(sorted(answer["selection"]), ["selectedStation", "selectedTimeScope"])
        self.assertEqual(sorted(answer["selection"]["selectedStation"]),
                         ["address", "location", "nickname", "uuid"])
        self.assertEqual(sorted(answer["selection"]["selectedTimeScope"]),
                         ["expected_check_in", "expected_duration"])
        self.assertEqual(answer["selection"]["selectedStation"]["uuid"], "u")
        self.assertEqual(answer["webhook"]["status"], "reserved")
        info = self.call("GET", INFO % "order-1", token=token)[1]
        self.assertEqual((info["status"], info["station"]["uuid"], info["expected_check_in"]),
                         ("reserved", "u", answer["selection"]["selectedTimeScope"]["expected_check_in"]))

    def test_external_id_of_any_character(self):
        token = self.token()
        name = "a/b ?#%\u0641"
        self.pre_order(token, name)
        self.control("POST", "select", {"external_id": name})
        path = INFO % urllib.parse.quote(name, safe="")
        self.assertEqual(self.call("GET", path, token=token)[1]["shipment"]["external_id"], name)

    def test_parcels_and_forgotten(self):
        token = self.token()
        self.pre_order(token)
        first = self.move("reserved")["webhook"]["uuid"]
        second = self.control("POST", "add-parcel", {"external_id": "order-1"})["webhook"]
        self.assertEqual((second["shipment"]["external_id"], second["status"]), ("order-1", "reserved"))
        self.assertNotEqual(second["uuid"], first)
        self.assertEqual(self.control("POST", "move", {"uuid": second["uuid"], "to": "occupied"})
                         ["webhook"]["status"], "occupied")
        self.assertEqual(self.call("GET", INFO % "order-1", token=token)[1]["uuid"], first)
        self.assertEqual(self.call("PATCH", CANCEL % second["uuid"], token=token)[0], 400)
        self.control("POST", "forget", {"uuid": first})
        self.assertEqual(self.call("PATCH", CANCEL % first, token=token)[0], 404)
        self.assertEqual(self.call("GET", INFO % "order-1", token=token)[0], 404)

    def test_expire_all_tokens(self):
        token = self.token()
        self.control("POST", "expire-tokens")
        self.assertEqual(self.pre_order(token)[0], 401)
        self.assertEqual(self.pre_order(self.token())[0], 200)


class TestShortTokens(StandIn):
    options = ("--token-seconds", "1")

    def test_token_ages(self):
        token = self.token()
        self.assertEqual(self.pre_order(token)[0], 200)
        time.sleep(1.1)
        self.assertEqual(self.pre_order(token)[0], 401)


class TestTls(StandIn):

    @classmethod
    def setUpClass(cls):
        cls.certificates = tempfile.TemporaryDirectory()
        name = cls.certificates.name
        subprocess.run([os.path.join(HERE, "make_certificates"), name], check=True)
        cls.root = os.path.join(name, "ca.pem")
        cls.name = name

    @classmethod
    def tearDownClass(cls):
        cls.certificates.cleanup()

    def setUp(self):
        """Each test starts its own."""

    def tearDown(self):
        """Each test has stopped its own."""

    def connect(self, certificate):
        """Speak TLS to a stand-in with this certificate."""
        base = os.path.join(self.name, certificate)
        self.options = ("--tls-cert", base + ".pem", "--tls-key", base + ".key")
        super().setUp()
        context = ssl.create_default_context(cafile=self.root)
        self.connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=5,
                                                      context=context)
        try:
            token = self.token()
            self.assertRegex(self.pre_order(token)[1]["order_link"], "^https://")
            self.fault("reset")
            with self.assertRaises((OSError, http.client.HTTPException)):
                self.pre_order(token)
        finally:
            super().tearDown()

    def test_certificates(self):
        self.connect("good")
        for name, why in (("expired", "expired"), ("self-signed", "self.signed"),
                          ("wrong-host", "IP address mismatch")):
            with self.assertRaisesRegex(ssl.SSLCertVerificationError, why):
                self.connect(name)


class TestLog(StandIn):

    def test_log_has_no_secret(self):
        token = self.token()
        self.raw("POST", LOGIN, '{"password": "secret', {"Content-Type": "application/json"})
        self.call("POST", PRE_ORDER, {"phone_number": PHONE, "external_id": "a"}, token,
                  {"Idempotency-Key": "key-1", "User-Agent": "test"})
        self.call("POST", PRE_ORDER, {}, token + "x")
        with open(self.log_path, encoding="utf-8") as file:
            text = file.read()
        self.assertNotIn("secret", text)
        self.assertNotIn(token, text)
        lines = [json.loads(line) for line in text.splitlines()]
        self.assertEqual(lines, self.control("GET", "log"))
        self.assertEqual([line["sequence"] for line in lines], [1, 2, 3, 4])
        self.assertEqual([line["status"] for line in lines], [200, 400, 200, 401])
        self.assertEqual(len({line["connection"] for line in lines}), 1)
        self.assertEqual(lines[0]["token_given"], 1)
        self.assertEqual(lines[2]["authorization"], "token 1")
        self.assertEqual(lines[3]["authorization"], "unknown token")
        self.assertEqual(lines[2]["headers"]["idempotency-key"], "key-1")
        self.assertEqual(self.control("GET", "log?since=3"), lines[3:])
        counts = self.control("GET", "counts")
        self.assertEqual((counts["total"], counts["by_status"]["200"]), (4, 2))
        self.assertEqual(counts["by_request"]["POST " + PRE_ORDER], 2)

    def test_not_http(self):
        for text in (b"GET / HTTP/1.0\r\n\r\n", b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
                     b"GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"):
            with socket.create_connection(("127.0.0.1", self.port), 5) as one:
                one.sendall(text)
                self.assertIn(one.recv(100).split(b" ")[1], (b"400", b"501"))
        self.assertEqual(len(self.control("GET", "log")), 5)


class TestFaults(StandIn):

    def setUp(self):
        super().setUp()
        self.access = self.token()

    def occupancies(self):
        return len(self.control("GET", "occupancies"))

    def test_status_then_normal(self):
        self.fault("status", match="pre-order", code=503, count=2,
                   headers={"Retry-After": "7"}, body={"detail": "busy"})
        self.assertEqual(self.pre_order(self.access), (503, {"detail": "busy"}))
        self.connection.request("POST", PRE_ORDER)
        response = self.connection.getresponse()
        response.read()
        self.assertEqual((response.status, response.headers["Retry-After"]), (503, "7"))
        self.assertEqual(self.occupancies(), 0)
        self.assertEqual(self.pre_order(self.access)[0], 200)
        self.assertEqual(self.control("GET", "faults")[0]["left"], 0)

    def test_match_and_method(self):
        self.fault("status", code=500, count=-1, method="GET")
        self.assertEqual(self.pre_order(self.access)[0], 200)
        for _ in range(3):
            self.assertEqual(self.call("GET", INFO % "order-1", token=self.access)[0], 500)
        self.control("DELETE", "faults")
        self.assertEqual(self.call("GET", INFO % "order-1", token=self.access)[0], 404)
        self.assertEqual(self.call("POST", "/_control/faults", [{"action": "dance"}])[0], 400)

    def test_broken_connections(self):
        for action, done in (("reset", 0), ("close_after_commit", 1), ("reset_mid_body", 2)):
            self.fault(action)
            with self.assertRaises((ConnectionError, http.client.HTTPException), msg=action):
                self.pre_order(self.access, action)
            self.connection.close()
            self.assertEqual(self.occupancies(), done, action)
        self.assertEqual([line["fault"] for line in self.control("GET", "log")],
                         [None, "reset", "close_after_commit", "reset_mid_body"])

    def test_wrong_bodies(self):
        self.fault("wrong_json")
        with self.assertRaises(ValueError):
            self.pre_order(self.access)
        self.fault("html")
        status, headers, body = self.raw("GET", "/v1.1/x")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/html"))
        self.fault("huge", bytes=300000)
        self.assertEqual(len(self.raw("GET", "/v1.1/x")[2]), 300002)
        self.fault("gzip_bomb", bytes=300000)
        status, headers, body = self.raw("GET", "/v1.1/x")
        self.assertEqual(headers["Content-Encoding"], "gzip")
        self.assertEqual(len(gzip.decompress(body)), 300002)
        self.fault("huge", bytes=-1)
        self.connection.request("GET", "/v1.1/x")
        response = self.connection.getresponse()
        self.assertEqual(len(response.read(3000000)), 3000000)

    def test_slow(self):
        self.fault("delay", ms=300)
        started = time.monotonic()
        self.assertEqual(self.pre_order(self.access)[0], 200)
        self.assertGreater(time.monotonic() - started, 0.29)
        self.fault("drip", ms=10)
        started = time.monotonic()
        self.assertEqual(self.pre_order(self.access)[0], 200)
        self.assertGreater(time.monotonic() - started, 0.3)

    def test_hang(self):
        for part in ("body", "headers"):
            self.fault("hang", part=part)
            other = http.client.HTTPConnection("127.0.0.1", self.port, timeout=0.6)
            other.request("GET", "/v1.1/x")
            with self.assertRaises((TimeoutError, http.client.HTTPException)):
                other.sock.settimeout(0.6)
                started = time.monotonic()
                while time.monotonic() - started < 1:
                    if not other.sock.recv(1000):
                        self.fail("closed")
                raise TimeoutError()
            other.close()
            self.assertEqual(self.control("GET", "log")[-1]["fault"], "hang")

    def test_hang_does_not_delay_stop(self):
        self.fault("hang")
        with socket.create_connection(("127.0.0.1", self.port), 5) as one:
            one.sendall(b"GET /v1.1/x HTTP/1.1\r\nHost: a\r\n\r\n")
            time.sleep(0.2)

    def test_expire_tokens(self):
        self.fault("expire_tokens", match="pre-order")
        self.assertEqual(self.pre_order(self.access)[0], 401)
        self.assertEqual(self.pre_order(self.access)[0], 401)
        self.assertEqual(self.pre_order(self.token())[0], 200)


if __name__ == "__main__":
    unittest.main()
