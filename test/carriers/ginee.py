#!/usr/bin/python3
"""A stand-in for Ginee, the marketplace order manager, for the tests.

It follows doc.ginee.com: the signature, the envelope of answers, list-order
(v2), batch-get, the three calls of shipping, and the payloads of the webhooks.
Where the documents say nothing it takes the stricter choice:
  - a refused signature is 200 with the code IAM_FAILED, as clients report it
  - unknown keys of a request are a PARAMETER_ERROR
  - a row of list-order has only what clients are seen to read of it: its
    order's id, status and number at the channel
  - list-order finds what is older than three months with historicalData, and
    only that; what is newer only without
  - an order is shipped once, and only from READY_TO_SHIP
  - a shipping is complete at the second question for its result

Controls beside those of standin.py:
  GET  /_control/orders
  POST /_control/orders {"orderId": {key: value, ...}, ...}  makes or changes
     orders; "orderStatus" and "lastUpdateAt" are given where they are not
  POST /_control/refuse-shipping {"orderId": message}  the task will fail
  POST /_control/webhook {"entity", "action", "payload": {...}}  answers
     {"webhook": {...}}: what Ginee would send, the given keys of the payload
     put over those of the documentation's sample (null takes a key out)
"""

import base64
import copy
import datetime
import hashlib
import hmac
import re
import sys

sys.dont_write_bytecode = True
import standin  # noqa: E402
from standin import Answer  # noqa: E402

COUNTRIES = ("ID", "CN", "PH", "VN", "TH", "MY")
STATUSES = ("PENDING_PAYMENT", "PARTIALLY_PAID", "PAID", "READY_TO_SHIP", "SHIPPING",
            "DELIVERED", "CANCELLED", "RETURNED")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
WINDOW = datetime.timedelta(days=15)
HISTORY = datetime.timedelta(days=91)
QUESTIONS_PER_TASK = 2

# What get-shipping-parameter offers: one order can be fetched or brought.
ADDRESSES = [{"addressId": 9, "address": "Jalan Sudirman 1", "pickupTimeList": [
    {"pickupTimeId": "1608890400", "timeText": "09:00-18:00"}]}]
LOGISTICS = [{"logisticsDeliveryType": "DROP_OFF", "logisticDetailList": [
    {"logisticsProviderId": "LP1", "logisticsProviderName": "JNE"}]}]

ADDRESS = {"name": "Vivin", "phoneNumber": "+62 81283278337", "country": "Indonesia",
           "province": "DKI Jakarta", "city": "Kota Administrasi Jakarta Barat",
           "district": "Grogol", "zipCode": "11440", "fullAddress": "Grogol, Jakarta"}
DELIVERY_ORDER = {
    "deliveryOrderSn": "2100011800000021", "sourceOrderSn": "2102261G58H1VJ",
    "deliveryOrderType": "SALE_ORDER", "deliveryOrderStatus": "NEW",
    "createAt": "2020-12-24T06:20:29.174Z", "lastUpdateAt": "2020-12-24T06:20:29.174Z",
    "warehouseProviderId": "WWP6000643B6B2F070001CD0E47",
    "warehouseId": "WW600064816B2F070001CD0E48", "warehouseCode": "CS624",
    "ownerId": "WO600064A26B2F070001CD0E49", "ownerCode": "GENIE",
    "channel": "TOKOPEDIA_ID", "waybillUrl": "https://waybill.example/13877966",
    "trackingNumber": "10000972949095", "logisticsProvider": "AnterAja",
    "shop": {"shopId": "", "shopName": "", "shopUrl": "", "externalShopId": ""},
    "shippingAddress": ADDRESS, "senderAddress": dict(ADDRESS, name="Shop"),
    "orderItems": [{"deliveryOrderItemId": "WDOI1", "inventoryId": "IN1", "inventorySku": "800151",
                    "quantity": 4, "inventoryName": "Xiaobailong1", "sourceOrderItemId": "OI1"}]}
# What the documentation's DELETE leaves out.
NOT_DELETED = ("deliveryOrderStatus", "logisticsProvider", "shop", "shippingAddress",
               "senderAddress", "orderItems")
ORDER = {"channel": "LAZADA_ID", "shopId": "shop_1", "externalShopId": "channel_shop_1",
         "orderStatus": "PAID", "createAt": "2020-12-24T06:20:29.174Z",
         "payAt": "2020-12-24T06:20:29.174Z", "lastUpdateAt": "2020-12-24T06:20:29.174Z"}


class Refused(Exception):
    """An error code and its message."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


def parameter_error(message):
    return Refused("PARAMETER_ERROR", "Parameter is invalid: " + message)


def parse_time(value, name):
    """A UTC time as the documentation writes it."""
    if not isinstance(value, str) or not TIME.fullmatch(value):
        raise parameter_error("%s is not a UTC time" % name)
    try:
        return datetime.datetime.fromisoformat(value[:-1] + "+00:00")
    except ValueError as error:
        raise parameter_error("%s: %s" % (name, error)) from error


def print_time(moment):
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (moment.microsecond // 1000)


def utc_now():
    return datetime.datetime.now(datetime.timezone.utc)


def signature(secret_key, method, path):
    """Base64 of the HMAC-SHA256 of METHOD$PATH$."""
    message = "%s$%s$" % (method.upper(), path)
    digest = hmac.new(secret_key.encode("utf-8"), message.encode("utf-8"), hashlib.sha256).digest()
    return base64.b64encode(digest).decode("ascii")


def webhook(number, entity, action, changes):
    """A notification as Ginee sends it."""
    payload = copy.deepcopy(ORDER if entity == "order" else DELIVERY_ORDER)
    if action == "DELETE":
        for key in NOT_DELETED:
            payload.pop(key, None)
    payload.update(changes)
    for key in [key for key, value in payload.items() if value is None]:
        del payload[key]
    return {"id": "GENIE%024d" % number, "userId": "U1", "entity": entity, "action": action,
            "createAt": print_time(utc_now()), "user": {"id": "U1", "email": ""},
            "payload": payload}


class Ginee(standin.Carrier):
    """The documented calls; standin.py holds the lock around each."""

    name = "ginee"

    def __init__(self, options):
        super().__init__(options)
        self.orders = {}
        self.tasks = {}
        self.refusals = {}
        self.transactions = 0
        self.webhooks = 0
        self.calls = {
            "/openapi/order/v2/list-order": self.list_order,
            "/openapi/order/v1/batch-get": self.batch_get,
            "/openapi/logistics/v1/get-shipping-parameter": self.shipping_parameter,
            "/openapi/order/v2/shipping": self.shipping,
            "/openapi/order/v1/get-shipping-result": self.shipping_result}

    # The envelope

    def envelope(self, code, message, data):
        self.transactions += 1
        return Answer.of(200, {
            "code": code, "message": message, "data": data, "extra": None,
            "transactionId": "%016x" % self.transactions, "pricingStrategy": "FREE"})

    def handle(self, request):
        call = self.calls.get(request.path)
        if call is None:
            return Answer.of(404, {"detail": "Not found"})
        try:
            if request.method != "POST":
                raise Refused("ERROR", "Request method '%s' not supported" % request.method)
            self.check_headers(request)
            try:
                fields = request.json()
            except ValueError as error:
                raise parameter_error("the body is not JSON") from error
            if not isinstance(fields, dict):
                raise parameter_error("the body is not an object")
            return self.envelope("SUCCESS", "OK", call(fields))
        except Refused as refused:
            request.notes["code"] = refused.code
            return self.envelope(refused.code, str(refused), None)

    def check_headers(self, request):
        if request.content_type() != "application/json":
            raise Refused("ERROR", "Content type is not supported")
        if request.headers.get("x-advai-country") not in COUNTRIES:
            raise parameter_error("X-Advai-Country")
        if self.describe_authorization(request) != "signed":
            raise Refused("IAM_FAILED", "Signature is not valid")

    def describe_authorization(self, request):
        """signed, wrong key, wrong signature, malformed, or None."""
        text = request.headers.get("authorization")
        if text is None:
            return None
        key, colon, given = text.partition(":")
        if not colon:
            return "malformed"
        if key != self.options.access_key:
            return "wrong key"
        right = signature(self.options.secret_key, request.method, request.path)
        return "signed" if hmac.compare_digest(given, right) else "wrong signature"

    @staticmethod
    def check_keys(fields, known, needed=()):
        """Refuse a key that the page does not have, and a missing one."""
        for key in fields:
            if key not in known:
                raise parameter_error("unknown parameter %s" % key)
        for key in needed:
            if fields.get(key) in (None, "", []):
                raise parameter_error("Parameter should not be empty: %s " % key)

    # Orders

    @staticmethod
    def window(fields, what):
        """The span that a request names with whatSince and whatTo."""
        since = parse_time(fields[what + "Since"], what + "Since")
        to = parse_time(fields[what + "To"], what + "To") if what + "To" in fields else since + WINDOW
        if to < since or to - since > WINDOW:
            raise parameter_error("the time span of %s is longer than 15 days" % what)
        return since, to

    def list_order(self, fields):
        self.check_keys(fields, (
            "size", "channel", "shopIdList", "orderNumbers", "orderStatus", "orderType",
            "createSince", "createTo", "lastUpdateSince", "lastUpdateTo", "nextCursor",
            "historicalData"))
        size = fields.get("size", 10)
        if isinstance(size, bool) or not isinstance(size, int) or not 1 <= size <= 100:
            raise parameter_error("size")
        if not isinstance(fields.get("historicalData", False), bool):
            raise parameter_error("historicalData")
        if "createSince" not in fields and "lastUpdateSince" not in fields:
            raise parameter_error("one of createSince and lastUpdateSince is required")
        rows = self.matching(fields)
        cursor = fields.get("nextCursor")
        if cursor is not None:
            if not isinstance(cursor, list) or len(cursor) != 2:
                raise parameter_error("nextCursor")
            rows = [row for row in rows if [row["lastUpdateAt"], row["orderId"]] > cursor]
        page = rows[:size]
        return {
            "content": [{"orderId": row["orderId"], "orderStatus": row["orderStatus"],
                         "externalOrderSn": row["externalOrderSn"]} for row in page],
            "more": len(rows) > size,
            "nextCursor": [page[-1]["lastUpdateAt"], page[-1]["orderId"]] if page else None}

    def matching(self, fields):
        """The orders in all the spans that were given, in order of change."""
        rows = list(self.orders.values())
        for what, key in (("create", "createAt"), ("lastUpdate", "lastUpdateAt")):
            if what + "Since" in fields:
                since, to = self.window(fields, what)
                rows = [row for row in rows if since <= parse_time(row[key], key) <= to]
        limit = utc_now() - HISTORY
        historical = fields.get("historicalData", False)
        rows = [row for row in rows
                if (parse_time(row["lastUpdateAt"], "lastUpdateAt") < limit) == historical]
        if "orderStatus" in fields:
            rows = [row for row in rows if row["orderStatus"] == fields["orderStatus"]]
        return sorted(rows, key=lambda row: (row["lastUpdateAt"], row["orderId"]))

    def batch_get(self, fields):
        self.check_keys(fields, ("orderIds", "shopId", "channelOrderIds", "historicalData",
                                 "includedSection"), ("orderIds",))
        ids = fields["orderIds"]
        if not isinstance(ids, list) or len(ids) > 100 or not all(isinstance(one, str) for one in ids):
            raise parameter_error("orderIds")
        return [dict(self.orders[one]) for one in ids if one in self.orders]

    # Shipping

    def order_of(self, fields):
        order = self.orders.get(fields["orderId"])
        if order is None:
            raise Refused("BUSINESS_ERROR", "The order does not exist")
        return order

    def shipping_parameter(self, fields):
        self.check_keys(fields, ("orderId",), ("orderId",))
        order = self.order_of(fields)
        pick_up = order["channel"] in ("SHOPEE_ID", "TIKTOK_ID")
        return {"deliveryType": "PICK_UP" if pick_up else "", "logisticsTrackingNumber": "",
                "logistics": [] if pick_up else LOGISTICS, "addresses": ADDRESSES if pick_up else []}

    def shipping(self, fields):
        self.check_keys(fields, ("orderId", "deliveryType", "pickupTimeId", "addressId",
                                 "shipmentProvider", "trackingNo"), ("orderId", "deliveryType"))
        order = self.order_of(fields)
        kind = fields["deliveryType"]
        if kind not in ("PICK_UP", "DROP_OFF", "MANUAL_SHIP"):
            raise parameter_error("deliveryType")
        if kind == "PICK_UP" and order["channel"] == "SHOPEE_ID" and (
                fields.get("addressId"), fields.get("pickupTimeId")) != (
                    ADDRESSES[0]["addressId"], ADDRESSES[0]["pickupTimeList"][0]["pickupTimeId"]):
            raise parameter_error("addressId or pickupTimeId")
        if kind == "DROP_OFF" and fields.get("shipmentProvider") != "JNE":
            raise parameter_error("shipmentProvider")
        if order["orderStatus"] != "READY_TO_SHIP" or order["orderId"] in self.tasks:
            raise Refused("BUSINESS_ERROR", "This order operation [%s] does not support"
                          % order["channel"])
        self.tasks[order["orderId"]] = QUESTIONS_PER_TASK
        return order["orderId"]

    def shipping_result(self, fields):
        self.check_keys(fields, ("taskId",), ("taskId",))
        task = fields["taskId"]
        if task not in self.tasks:
            raise Refused("BUSINESS_ERROR", "The task does not exist")
        self.tasks[task] -= 1
        if self.tasks[task] > 0:
            return {"taskId": task, "complete": False,
                    "detailList": [{"orderId": task, "status": "PROCESSING", "errorMessage": None}]}
        refusal = self.refusals.get(task)
        if refusal is None:
            self.change_order(task, {"orderStatus": "SHIPPING"})
        return {"taskId": task, "complete": True, "detailList": [
            {"orderId": task, "status": "SUCCESS" if refusal is None else "FAILED",
             "errorMessage": refusal}]}

    # Controls

    def change_order(self, order_id, changes):
        order = dict(self.orders.get(order_id, ORDER), orderId=order_id)
        order.setdefault("externalOrderSn", "SN-" + order_id)
        order["lastUpdateAt"] = print_time(utc_now())
        order.update(changes)
        parse_time(order["lastUpdateAt"], "lastUpdateAt")
        if order["orderStatus"] not in STATUSES:
            raise ValueError("no order status %r" % order["orderStatus"])
        self.orders[order_id] = order

    def control(self, request, parameters):
        what = (request.method, request.path[len("/_control/"):])
        if what == ("GET", "orders"):
            return Answer.of(200, self.orders)
        if what == ("POST", "orders"):
            for order_id, changes in parameters.items():
                self.change_order(order_id, changes)
            return Answer.of(200, {})
        if what == ("POST", "refuse-shipping"):
            self.refusals.update(parameters)
            return Answer.of(200, {})
        if what == ("POST", "webhook"):
            self.webhooks += 1
            return Answer.of(200, {"webhook": webhook(
                self.webhooks, parameters["entity"], parameters["action"],
                parameters.get("payload", {}))})
        return None


def main():
    parser = standin.arguments("stand-in for the marketplace order manager Ginee")
    parser.add_argument("--access-key", default="access")
    parser.add_argument("--secret-key", default="secret")
    options = parser.parse_args()
    return standin.run(Ginee(options), options)


if __name__ == "__main__":
    sys.exit(main())
