#!/usr/bin/python3
"""Self test of the Ginee stand-in: run it directly or with unittest."""

import http.client
import json
import os
import signal
import subprocess
import sys
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)
import ginee  # noqa: E402

LIST = "/openapi/order/v2/list-order"
GET = "/openapi/order/v1/batch-get"
PARAMETER = "/openapi/logistics/v1/get-shipping-parameter"
SHIP = "/openapi/order/v2/shipping"
RESULT = "/openapi/order/v1/get-shipping-result"


class StandIn(unittest.TestCase):

    def setUp(self):
        self.process = subprocess.Popen([sys.executable, os.path.join(HERE, "ginee.py")],
                                        stdout=subprocess.PIPE, text=True)
        word, port = self.process.stdout.readline().split()
        self.assertEqual(word, "ready")
        self.connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=5)

    def tearDown(self):
        self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(5), 0)
        self.process.stdout.close()

    def raw(self, method, path, value, headers):
        self.connection.request(method, path, body=json.dumps(value), headers=headers)
        response = self.connection.getresponse()
        return response.status, json.loads(response.read())

    def call(self, path, value, method="POST", **changes):
        """The code and the data of a signed call."""
        headers = {"Content-Type": "application/json", "X-Advai-Country": "ID",
                   "Authorization": "access:" + ginee.signature("secret", method, path)}
        headers.update(changes)
        status, answer = self.raw(method, path, value, headers)
        self.assertEqual(status, 200)
        self.assertEqual(sorted(answer), ["code", "data", "extra", "message", "pricingStrategy",
                                          "transactionId"])
        return answer["code"], answer["data"]

    def control(self, method, what, value=None):
        status, answer = self.raw(method, "/_control/" + what, value or {}, {})
        self.assertEqual(status, 200, answer)
        return answer

    def test_signature(self):
        self.assertEqual(ginee.signature("secret", "POST", LIST),
                         "4JBOEJ6lvcffOxmXSwYmC+tI2jM+I0WNhec0mglo0+A=")
        body = {"orderIds": ["a"]}
        self.assertEqual(self.call(GET, body), ("SUCCESS", []))
        for wrong in ("access:x", "other:" + ginee.signature("secret", "POST", GET), "access",
                      "access:" + ginee.signature("secret", "POST", LIST)):
            self.assertEqual(self.call(GET, body, Authorization=wrong)[0], "IAM_FAILED")
        self.assertEqual(self.call(GET, body, **{"X-Advai-Country": "TR"})[0], "PARAMETER_ERROR")
        self.assertEqual(self.call(GET, body, **{"Content-Type": "text/plain"})[0], "ERROR")
        self.assertEqual(self.call(GET, body, method="PUT")[0], "ERROR")
        log = self.control("GET", "log")
        self.assertEqual([line["authorization"] for line in log[:3]],
                         ["signed", "wrong signature", "wrong key"])
        self.assertNotIn("4JBO", json.dumps(log))

    def test_list(self):
        self.control("POST", "orders", {"o%d" % n: {"lastUpdateAt": "2021-01-0%dT00:00:00Z" % n}
                                        for n in range(1, 6)})
        span = {"lastUpdateSince": "2021-01-01T00:00:00Z", "lastUpdateTo": "2021-01-10T00:00:00Z",
                "historicalData": True, "size": 2}
        found, cursor = [], None
        for _ in range(3):
            code, data = self.call(LIST, span if cursor is None else dict(span, nextCursor=cursor))
            self.assertEqual(code, "SUCCESS")
            found += [row["orderId"] for row in data["content"]]
            cursor = data["nextCursor"]
        self.assertEqual(found, ["o1", "o2", "o3", "o4", "o5"])
        self.assertFalse(data["more"])
        self.assertEqual(self.call(LIST, dict(span, historicalData=False))[1]["content"], [])
        for change in ({"lastUpdateTo": "2021-01-17T00:00:00Z"}, {"size": 101}, {"size": "2"},
                       {"lastUpdateSince": "2021-01-01"}, {"typo": 1}, {"nextCursor": "x"}):
            self.assertEqual(self.call(LIST, dict(span, **change))[0], "PARAMETER_ERROR", change)
        self.assertEqual(self.call(LIST, {"size": 2})[0], "PARAMETER_ERROR")
        self.assertEqual(self.call(GET, {"orderIds": ["o%d" % n for n in range(101)]})[0],
                         "PARAMETER_ERROR")
        self.assertEqual(self.call(GET, {"orderIds": ["o1", "nobody"]})[1][0]["orderStatus"], "PAID")

    def test_shipping(self):
        self.control("POST", "orders", {
            "s": {"orderStatus": "READY_TO_SHIP", "channel": "SHOPEE_ID"},
            "l": {"orderStatus": "READY_TO_SHIP"}, "paid": {}})
        self.control("POST", "refuse-shipping", {"l": "no stock"})
        data = self.call(PARAMETER, {"orderId": "s"})[1]
        self.assertEqual(data["deliveryType"], "PICK_UP")
        wish = {"orderId": "s", "deliveryType": "PICK_UP"}
        self.assertEqual(self.call(SHIP, wish)[0], "PARAMETER_ERROR")
        wish.update(addressId=data["addresses"][0]["addressId"],
                    pickupTimeId=data["addresses"][0]["pickupTimeList"][0]["pickupTimeId"])
        self.assertEqual(self.call(SHIP, wish), ("SUCCESS", "s"))
        self.assertEqual(self.call(SHIP, wish)[0], "BUSINESS_ERROR")
        self.assertFalse(self.call(RESULT, {"taskId": "s"})[1]["complete"])
        self.assertTrue(self.call(RESULT, {"taskId": "s"})[1]["complete"])
        self.assertEqual(self.control("GET", "orders")["s"]["orderStatus"], "SHIPPING")
        drop = {"orderId": "l", "deliveryType": "DROP_OFF", "shipmentProvider": "JNE"}
        self.assertEqual(self.call(SHIP, drop), ("SUCCESS", "l"))
        self.call(RESULT, {"taskId": "l"})
        self.assertEqual(self.call(RESULT, {"taskId": "l"})[1]["detailList"][0]["status"], "FAILED")
        self.assertEqual(self.call(SHIP, dict(drop, orderId="paid"))[0], "BUSINESS_ERROR")
        self.assertEqual(self.call(SHIP, dict(drop, orderId="nobody"))[0], "BUSINESS_ERROR")
        self.assertEqual(self.call(RESULT, {"taskId": "nobody"})[0], "BUSINESS_ERROR")

    def test_webhooks(self):
        made = self.control("POST", "webhook", {"entity": "delivery-order", "action": "DELETE",
                                                "payload": {"deliveryOrderId": "d", "channel": None}})
        self.assertEqual(made["webhook"]["payload"]["deliveryOrderId"], "d")
        self.assertNotIn("orderItems", made["webhook"]["payload"])
        self.assertNotIn("channel", made["webhook"]["payload"])
        other = self.control("POST", "webhook", {"entity": "order", "action": "CREATE"})
        self.assertNotEqual(other["webhook"]["id"], made["webhook"]["id"])


if __name__ == "__main__":
    unittest.main()
