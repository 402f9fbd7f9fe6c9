#!/usr/bin/python3
"""Self test of the stand-in for HesapKurye: run it directly or with unittest."""

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
KEYS = {"ApiKey": "JvaXPFXAQEqf7X5XegRxLw==", "ApiSecret": "92utiyfmPeXDSjHv8RiJ6w=="}
RESTAURANT = dict(KEYS, RestaurantID="ifLpIWj5WiOmp1Gm1H+uqQ==")
PRODUCT = {"quantity": 1.0, "unitPrice": 2.0, "productName": "sample string 3",
           "productOptions": "", "productNote": "sample string 4", "totalAmount": 5.0}
ORDER = dict(
    RESTAURANT, OutSourceID=5, RemoteOrderNumber="A-1", Address="sample string 0001",
    AddressDetail="", Latitude="38.6902", Longitude="35.5450", PackageType="Diğer",
    PaymentMethodId=1, PaymentMethod="Kapıda Nakit", PackagePrice=11.0, OrderNote="",
    CustomerName="sample string 14", CustomerPhone="sample string 15",
    CreateDate="2024-10-25 11:55", TargetDate="2024-10-25 13:00", PrepareTime=10,
    IsFutureOrder=False, IsPickUpOrder=False, Products=[PRODUCT, PRODUCT])


class TestHesapKurye(unittest.TestCase):

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.log_path = os.path.join(self.folder.name, "log")
        self.process = subprocess.Popen(
            [sys.executable, os.path.join(HERE, "hesapkurye.py"), "--log", self.log_path],
            stdout=subprocess.PIPE, text=True)
        word, port = self.process.stdout.readline().split()
        self.assertEqual(word, "ready")
        self.connection = http.client.HTTPConnection("127.0.0.1", int(port), timeout=5)

    def tearDown(self):
        self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.process.wait(5), 0)
        self.process.stdout.close()
        self.folder.cleanup()

    def raw(self, method, path, value, content_type="application/json"):
        self.connection.request(method, path, body=json.dumps(value),
                                headers={"Content-Type": content_type})
        response = self.connection.getresponse()
        return response.status, response.read().decode("utf-8")

    def call(self, name, value):
        return self.raw("POST", "/OutSource/" + name, value)

    def control(self, what, value):
        status, text = self.raw("POST", "/_control/" + what, value)
        self.assertEqual(status, 200, text)

    def refused(self, status, text, name, value):
        answer = self.call(name, value)
        self.assertEqual(answer[0], status)
        self.assertRegex(json.loads(answer[1])["message"], text)

    def package(self, number="A-1"):
        return self.call("GetPackage", dict(RESTAURANT, remoteOrderNumber=number))

    def test_save_and_get(self):
        self.assertEqual(self.call("SavePackage", ORDER)[0], 200)
        self.refused(400, "zaten", "SavePackage", ORDER)
        self.control("move", {"number": "A-1", "to": 8, "courier": "John Doe",
                              "payments": [[1, "Nakit", 2.5], [2, "Kart", 8.5]]})
        status, text = self.package()
        self.assertEqual(status, 200)
        with self.assertRaises(ValueError):
            json.loads(text)
        strict = re.sub(r",(\s*,)+", ",", re.sub(r"//[^\n]*", "", text))
        value = json.loads(strict)
        self.assertEqual((value["StatusValue"], value["Status"], value["CourierName"]),
                         (8, "Sipariş teslim edildi", "John Doe"))
        self.assertEqual(value["LastPackagePayments"][1],
                         {"PaymentMethod": 2, "PaymentMethodString": "Kart", "Price": 8.5})
        self.assertEqual((value["PaymentMethod"], value["CreateDate"], value["PackagePrice"]),
                         ("1", "2024-10-25T11:55:00", 11.0))
        self.assertEqual(self.package("nobody")[0], 404)

    def test_refuses_fields(self):
        for name in ORDER:
            without = {key: value for key, value in ORDER.items() if key != name}
            self.refused(400, "eksik alan " + name, "SavePackage", without)
            self.refused(400, "yanlış tür " + name, "SavePackage", dict(ORDER, **{name: {}}))
        self.refused(400, "bilinmeyen alan X", "SavePackage", dict(ORDER, X=1))
        for change, problem in (
                ({"Latitude": 38.6902}, "yanlış tür Latitude"),
                ({"PackagePrice": "11.0"}, "yanlış tür PackagePrice"),
                ({"PrepareTime": 10.0}, "yanlış tür PrepareTime"),
                ({"IsFutureOrder": "false"}, "yanlış tür IsFutureOrder"),
                ({"PaymentMethodId": True}, "yanlış tür PaymentMethodId"),
                ({"PackageType": "sample string 9"}, "PackageType"),
                ({"PaymentMethodId": 2}, "ödeme"), ({"CreateDate": "2024-10-25T11:55"}, "CreateDate"),
                ({"Latitude": "38,6"}, "Latitude"), ({"Address": " "}, "Address"),
                ({"OutSourceID": 6}, "OutSourceID"),
                ({"Products": [dict(PRODUCT, quantity="1")]}, r"Products\[0\].quantity"),
                ({"Products": [{}]}, "eksik alan"), ({"Products": [5]}, "nesne")):
            self.refused(400, problem, "SavePackage", dict(ORDER, **change))
        self.assertEqual(self.raw("GET", "/OutSource/SavePackage", ORDER)[0], 405)
        self.assertEqual(self.raw("POST", "/OutSource/SavePackage", ORDER, "text/plain")[0], 415)
        self.assertEqual(self.call("Nothing", {})[0], 404)

    def test_credentials(self):
        three = r"ApiKey, ApiSecret veya RestaurantID\.$"
        self.assertEqual(self.call("check-credential", RESTAURANT)[0], 200)
        for change in ({"ApiKey": "x"}, {"ApiSecret": "x"}, {"RestaurantID": "x"}):
            self.refused(400, three, "check-credential", dict(RESTAURANT, **change))
        self.refused(400, three, "SavePackage", dict(ORDER, ApiKey="x"))
        self.refused(400, r"ApiKey veya ApiSecret\.$", "GetPaymentMethods", dict(KEYS, ApiKey="x"))
        self.control("keys", {"key": "new", "secret": "new"})
        self.refused(400, three, "check-credential", RESTAURANT)
        login = {"ProjectID": 3, "UserName": "abc", "Password": "xyz-password"}
        status, text = self.call("RestaurantInfos", login)
        self.assertEqual(status, 200)
        self.assertEqual(json.loads(text.replace(",\n}", "}")),
                         {"RestaurantID": RESTAURANT["RestaurantID"], "ApiKey": "new",
                          "ApiSecret": "new"})
        self.refused(401, "hatalı", "RestaurantInfos", dict(login, Password="x"))
        self.refused(401, "hatalı", "RestaurantInfos", dict(login, ProjectID=5))
        with open(self.log_path, encoding="utf-8") as log:
            logged = log.read()
        for secret in (*KEYS.values(), "xyz-password"):
            self.assertNotIn(secret, logged)

    def test_methods_and_cancel(self):
        text = self.call("GetPaymentMethods", KEYS)[1]
        self.assertEqual(json.loads(re.sub(r",(\s*[}\]])", r"\1", text))[1],
                         {"PaymentMethod": 2, "PaymentName": "Kredi Kartı"})
        self.control("methods", [[7, "Kapıda Nakit"]])
        self.assertEqual(self.call("GetPaymentMethods", KEYS)[1],
                         '{\n"PaymentMethod": 7,\n"PaymentName": "Kapıda Nakit",\n}')
        self.call("SavePackage", dict(ORDER, PaymentMethodId=7))
        wish = dict(RESTAURANT, remoteOrderNumber="A-1", OutSourceID=5, Reason="Müşteri talebi")
        self.assertEqual(self.call("Cancel", wish),
                         (200, '{\n"message": "Paket iptal edildi."\n}'))
        self.refused(400, "edilemez", "Cancel", wish)
        self.refused(404, "bulunamadı", "Cancel", dict(wish, remoteOrderNumber="nobody"))
        self.assertIn('"StatusValue": 9', self.package()[1])


if __name__ == "__main__":
    unittest.main()
