#!/usr/bin/python3
"""A stand-in for HesapKurye, the courier service, for the tests.

It follows apidocs.hesapkurye.com: check-credential, SavePackage,
GetPaymentMethods, GetPackage, Cancel, RestaurantInfos; every one a POST of a
JSON object with the keys in it.  Replies are written as the documentation
prints them, comments and superfluous commas included.  Where the documents
say nothing it takes the stricter choice:
  - every documented field must be there, with its documented type, and no
    other; a repeated RemoteOrderNumber is refused, and so is a payment method
    or a PackageType that is not in the lists
  - wrong keys are answered 400 with the documented end of the sentence, a
    wrong login 401, an unknown package 404
  - a package that is delivered or cancelled can not be cancelled

Controls beside those of standin.py:
  GET  /_control/packages
  POST /_control/move {"number", "to": StatusValue, "courier", "payments"}
  POST /_control/methods [[id, name], ...]     replaces the payment methods
  POST /_control/keys {"key", "secret"}        others are wrong from now on
"""

import json
import re
import sys

sys.dont_write_bytecode = True
import standin  # noqa: E402
from standin import Answer  # noqa: E402

PACKAGE_TYPES = (
    "Yemeksepeti", "Trendyol Yemek", "Getir Yemek", "Migros Yemek", "Diğer",
    "Yemeksepeti Market", "Trendyol Market", "Getir Market", "Migros Market",
    "Diğer Market")
STATUSES = {
    1: "Sipariş oluşturuldu", 2: "Sipariş hazırlanıyor",
    3: "Sipariş kuryeye atandı", 4: "Kurye siparişi kabul etti",
    5: "Kurye siparişi reddetti", 6: "Sipariş teslimata çıktı",
    7: "Sipariş müşteriye doğru yola çıktı", 8: "Sipariş teslim edildi",
    9: "Sipariş iptal edildi"}
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}")
DEGREES = re.compile(r"(-?[0-9]{1,3}(\.[0-9]+)?)?")

# Fields of the requests with the types of the documentation.
KEYS = {"ApiKey": "string", "ApiSecret": "string"}
RESTAURANT = dict(KEYS, RestaurantID="string")
ORDER = dict(
    RESTAURANT, OutSourceID="int", RemoteOrderNumber="string", Address="string",
    AddressDetail="string", Latitude="string", Longitude="string",
    PackageType="string", PaymentMethodId="int", PaymentMethod="string",
    PackagePrice="decimal", OrderNote="string", CustomerName="string",
    CustomerPhone="string", CreateDate="string", TargetDate="string",
    PrepareTime="int", IsFutureOrder="bool", IsPickUpOrder="bool", Products="list")
PRODUCT = {
    "quantity": "decimal", "unitPrice": "decimal", "productName": "string",
    "productOptions": "string", "productNote": "string", "totalAmount": "decimal"}
FIELDS = {
    "check-credential": RESTAURANT, "SavePackage": ORDER,
    "GetPaymentMethods": KEYS,
    "GetPackage": dict(RESTAURANT, remoteOrderNumber="string"),
    "Cancel": dict(RESTAURANT, remoteOrderNumber="string", OutSourceID="int",
                   Reason="string"),
    "RestaurantInfos": {"ProjectID": "int", "UserName": "string", "Password": "string"}}

# What is left of the documented refusals: the ends of their sentences.
BOTH_KEYS = ("GetPaymentMethods", "GetPackage")
SECRETS = ("ApiKey", "ApiSecret", "Password")


def is_of(value, kind):
    """Is this JSON value of a documented type?"""
    if kind == "string":
        return isinstance(value, str)
    if kind == "bool":
        return isinstance(value, bool)
    if kind == "list":
        return isinstance(value, list)
    if isinstance(value, bool):
        return False
    return isinstance(value, int) or (kind == "decimal" and isinstance(value, float))


def wrong_field(fields, documented, where=""):
    """What is wrong with an object's fields, or None."""
    if not isinstance(fields, dict):
        return "%s nesne değil" % (where or "istek")
    for name in sorted(set(fields) - set(documented)):
        return "bilinmeyen alan %s%s" % (where, name)
    for name, kind in documented.items():
        if name not in fields:
            return "eksik alan %s%s" % (where, name)
        if not is_of(fields[name], kind):
            return "yanlış tür %s%s" % (where, name)
    return None


def message(status, text):
    return Answer.of(status, {"message": text})


def loose(status, text):
    """An answer in the documentation's own JSON."""
    return Answer(status, text.encode("utf-8"))


class Package:
    """One order that was saved."""

    def __init__(self, number, order):
        self.number = number
        self.order = order
        self.status = 1
        self.courier = ""
        self.payments = []
        self.reason = None

    def printed(self):
        """What GetPackage answers, spelled as the documentation spells it."""
        order = self.order
        quoted = {name: json.dumps(order[name], ensure_ascii=False) for name in (
            "RemoteOrderNumber", "Address", "AddressDetail", "Latitude", "Longitude",
            "PackageType", "PaymentMethod", "PackagePrice", "OrderNote",
            "CustomerName", "CustomerPhone", "IsFutureOrder", "IsPickUpOrder")}
        lines = [
            '"PackageID": %d' % self.number, '"OutSourceID": %d' % order["OutSourceID"],
            '"StatusValue": %d' % self.status,
            '"Status": "%s"' % STATUSES.get(self.status, "?"), '"RestaurantID": 456']
        lines += ['"%s": %s' % item for item in quoted.items() if item[0] != "PaymentMethod"]
        lines += [
            '// Sipariş kaydedilirlen gelen ilk ödeme yöntemi bilgisidir.\n'
            '"PaymentMethod": "%d"' % order["PaymentMethodId"],
            '"PaymentMethodString": %s' % quoted["PaymentMethod"],
            '"CreateDate": "%s:00"' % order["CreateDate"].replace(" ", "T"),
            '"TargetDate": "%s:00"' % order["TargetDate"].replace(" ", "T"),
            '"CourierName": %s' % json.dumps(self.courier, ensure_ascii=False),
            '"Products": %s' % json.dumps(order["Products"], ensure_ascii=False)]
        payments = ",\n".join(
            '{\n"PaymentMethod": %d,\n"PaymentMethodString": %s,,\n"Price": %s\n}'
            % (method, json.dumps(name, ensure_ascii=False), price)
            for method, name, price in self.payments)
        lines.append("// Siparişin ödemesi alınırken ödeme yöntemi değişebilir.\n"
                     '"LastPackagePayments": [\n%s\n]' % payments)
        return "{\n%s\n}" % ",\n".join(lines)


class HesapKurye(standin.Carrier):
    """The documented calls; standin.py holds the lock around each."""

    name = "hesapkurye"

    def __init__(self, options):
        super().__init__(options)
        self.key = options.api_key
        self.secret = options.api_secret
        self.methods = [[1, "Kapıda Nakit"], [2, "Kredi Kartı"]]
        self.packages = {}

    def handle(self, request):
        call = request.path[len("/OutSource/"):]
        if not request.path.startswith("/OutSource/") or call not in FIELDS:
            return message(404, "Not found")
        if request.method != "POST":
            return message(405, "POST")
        if request.content_type() != "application/json":
            return message(415, "application/json")
        try:
            fields = request.json()
        except ValueError:
            return message(400, "JSON okunamadı")
        problem = wrong_field(fields, FIELDS[call])
        if problem is not None:
            return self.refuse(request, problem)
        if call == "RestaurantInfos":
            return self.restaurant_infos(fields)
        if not self.keys_are_good(fields):
            return message(400, "Hatalı ApiKey veya ApiSecret." if call in BOTH_KEYS
                           else "Hatalı ApiKey, ApiSecret veya RestaurantID.")
        return {"check-credential": self.check_credential, "SavePackage": self.save_package,
                "GetPaymentMethods": self.payment_methods, "GetPackage": self.get_package,
                "Cancel": self.cancel}[call](request, fields)

    @staticmethod
    def refuse(request, problem):
        request.notes["problem"] = problem
        return message(400, problem)

    def keys_are_good(self, fields):
        return (fields["ApiKey"], fields["ApiSecret"]) == (self.key, self.secret) \
            and fields.get("RestaurantID", self.options.restaurant) == self.options.restaurant

    # What may be logged

    def redact(self, request, value):
        if isinstance(value, dict):
            return {key: "(redacted)" if key in SECRETS else item for key, item in value.items()}
        return super().redact(request, value)

    def describe_authorization(self, request):
        try:
            fields = request.json()
        except ValueError:
            return None
        if not isinstance(fields, dict) or "ApiKey" not in fields:
            return None
        return "good keys" if fields.get("ApiKey") == self.key \
            and fields.get("ApiSecret") == self.secret else "wrong keys"

    # Calls

    def restaurant_infos(self, fields):
        if (fields["UserName"], fields["Password"]) != (self.options.username,
                                                        self.options.password) \
                or fields["ProjectID"] not in (3, 4):
            return message(401, "Kullanıcı adı veya şifre hatalı.")
        return loose(200, '{\n"RestaurantID": %s,\n"ApiKey": %s,\n"ApiSecret": %s,\n}' % tuple(
            json.dumps(one) for one in (self.options.restaurant, self.key, self.secret)))

    def check_credential(self, request, fields):
        return message(200, "Başarılı.")

    def payment_methods(self, request, fields):
        printed = ",\n".join('{\n"PaymentMethod": %d,\n"PaymentName": %s,\n}'
                             % (method, json.dumps(name, ensure_ascii=False))
                             for method, name in self.methods)
        return loose(200, printed if len(self.methods) == 1 else "[\n%s,\n]" % printed)

    def wrong_order(self, order):
        """What is wrong with the values of an order, or None."""
        for place, product in enumerate(order["Products"]):
            problem = wrong_field(product, PRODUCT, "Products[%d]." % place)
            if problem is not None:
                return problem
        if order["PackageType"] not in PACKAGE_TYPES:
            return "PackageType geçersiz"
        if [order["PaymentMethodId"], order["PaymentMethod"]] not in self.methods:
            return "ödeme yöntemi geçersiz"
        for name in ("CreateDate", "TargetDate"):
            if not DATE.fullmatch(order[name]):
                return "%s geçersiz" % name
        for name in ("Latitude", "Longitude"):
            if not DEGREES.fullmatch(order[name]):
                return "%s geçersiz" % name
        for name in ("RemoteOrderNumber", "Address"):
            if not order[name].strip():
                return "%s boş" % name
        if order["OutSourceID"] != self.options.out_source:
            return "OutSourceID geçersiz"
        return None

    def save_package(self, request, order):
        problem = self.wrong_order(order)
        if problem is None and order["RemoteOrderNumber"] in self.packages:
            problem = "bu RemoteOrderNumber zaten kayıtlı"
        if problem is not None:
            return self.refuse(request, problem)
        package = Package(1000 + len(self.packages), order)
        self.packages[order["RemoteOrderNumber"]] = package
        return message(200, "Paket kaydedildi.")

    def get_package(self, request, fields):
        package = self.packages.get(fields["remoteOrderNumber"])
        if package is None:
            return message(404, "Paket bulunamadı.")
        request.notes["answered"] = package.status
        return loose(200, package.printed())

    def cancel(self, request, fields):
        package = self.packages.get(fields["remoteOrderNumber"])
        if package is None:
            return message(404, "Paket bulunamadı.")
        if fields["OutSourceID"] != self.options.out_source:
            return self.refuse(request, "OutSourceID geçersiz")
        if package.status in (8, 9):
            return message(400, "Paket iptal edilemez.")
        package.status = 9
        package.reason = fields["Reason"]
        return loose(200, '{\n"message": "Paket iptal edildi."\n}')

    # Controls

    def control(self, request, parameters):
        what = (request.method, request.path[len("/_control/"):])
        if what == ("GET", "packages"):
            return Answer.of(200, [
                {"number": number, "status": one.status, "reason": one.reason,
                 "order": {key: value for key, value in one.order.items()
                           if key not in SECRETS}}
                for number, one in self.packages.items()])
        if what == ("POST", "move"):
            package = self.packages[parameters["number"]]
            package.status = int(parameters["to"])
            package.courier = parameters.get("courier", package.courier)
            package.payments = parameters.get("payments", package.payments)
            return Answer.of(200, {})
        if what == ("POST", "methods"):
            self.methods = [[int(method), str(name)] for method, name in parameters]
            return Answer.of(200, {})
        if what == ("POST", "keys"):
            self.key, self.secret = parameters["key"], parameters["secret"]
            return Answer.of(200, {})
        return None


def main():
    parser = standin.arguments("stand-in for the carrier HesapKurye")
    parser.add_argument("--username", default="abc")
    parser.add_argument("--password", default="xyz-password")
    parser.add_argument("--api-key", default="JvaXPFXAQEqf7X5XegRxLw==")
    parser.add_argument("--api-secret", default="92utiyfmPeXDSjHv8RiJ6w==")
    parser.add_argument("--restaurant", default="ifLpIWj5WiOmp1Gm1H+uqQ==")
    parser.add_argument("--out-source", type=int, default=5)
    options = parser.parse_args()
    return standin.run(HesapKurye(options), options)


if __name__ == "__main__":
    sys.exit(main())
