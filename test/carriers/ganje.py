#!/usr/bin/python3
"""A stand-in for Ganje, the smart-locker carrier, for the tests and the demo.

It follows docs.ganje.net: token, pre-order, occupancy, cancel, and the payload
of the webhook.  Where the documents say nothing it takes the stricter choice:
  - a path is right only with the trailing slash (or its absence) as printed
  - a pre-order is not an occupancy: GET answers 404 until a station is chosen
  - a webhook's "id" is the occupancy's number and stays the same for all its
    status changes, so it does not tell one change from another
  - expire_duration is in seconds, local times without zone are UTC
  - of several parcels under one external_id the occupancy call tells the first

Controls beside those of standin.py, all POST but the first:
  GET  /_control/occupancies
  /_control/expire-tokens
  /_control/move {"external_id" or "uuid", "to": status, "force": false,
        "station": {...}, "check_in", "check_out", "parcels": n}
     "to" is reserved (the customer chose a station), occupied, unoccupied,
     expired or returned; answers {"webhook": payload}.  A step that the
     documents do not allow is refused unless "force" is true.
  /_control/select {"external_id", "station": {...}}
     What a customer does behind the order_link: reserves.  Answers
     {"selection": what the plugin gives the page, "webhook": payload}.
  /_control/add-parcel {"external_id"}
     One more parcel of a reserved order, with a uuid of its own; answers
     {"webhook": payload}.
  /_control/forget {"uuid"}
     The occupancy is gone: nobody finds it any more.
"""

import datetime
import re
import secrets
import sys
import time
import urllib.parse
import uuid

sys.dont_write_bytecode = True
import standin  # noqa: E402
from standin import Answer  # noqa: E402

LOGIN_PATH = "/v1.1/account/jwt/create/"
PRE_ORDER_PATH = "/v1.1/hub-management/occupancies/pre-order"
OCCUPANCY_PATH = re.compile(r"/v1\.1/hub-management/occupancies/([^/]+)/")
CANCEL_PATH = re.compile(r"/v1\.1/lastmile/occupancy/transit-by-supplier/([^/]+)/cancel/")
RESERVE_PATH = re.compile(r"/reserve/([0-9]+)")
PHONE_NUMBER = re.compile(r"\+98[0-9]{10}")

# The steps that the status list of the webhook page implies.
STEPS = {
    "pre-order": ("reserved",), "reserved": ("occupied",),
    "occupied": ("unoccupied", "expired"), "expired": ("returned",),
    "unoccupied": (), "returned": (), "canceled": ()}
STATUSES = ("reserved", "occupied", "unoccupied", "expired", "returned")

STATION = {
    "pk": 21, "uuid": "d7ac9174-6e9c-4f51-9a0a-3f1f0e2b7c55",
    "nickname": "Station Name", "address": "Station Address",
    "location": "35.70820037199022, 51.46982257116468",
    "slug": "85943805", "postal_code": None, "images": []}


def not_found():
    return Answer.of(404, {"detail": "Not found"})


def local_time(seconds):
    """Ganje's way to print a time: no zone, no fraction."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


class Occupancy:
    """One order's stay in a locker, from its pre-order on."""

    def __init__(self, number, external_id, phone_number):
        self.number = number
        self.uuid = str(uuid.uuid4())
        self.external_id = external_id
        self.phone_number = phone_number
        self.status = "pre-order"
        self.station = None
        self.parcels = 1
        self.expected_check_in = None
        self.expected_check_out = None
        self.check_in = None
        self.check_out = None

    def move(self, to, wish):
        """Take a step and keep the times that belong to it."""
        now = time.time()
        self.status = to
        if to == "reserved":
            self.station = dict(STATION, **wish.get("station", {}))
            self.parcels = int(wish.get("parcels", 1))
            self.expected_check_in = local_time(now + 3600)
            self.expected_check_out = local_time(now + 3600 + 86400)
        elif to == "occupied":
            self.check_in = wish.get("check_in") or local_time(now)
        elif to in ("unoccupied", "returned"):
            self.check_out = wish.get("check_out") or local_time(now)
        if self.station is None:
            self.station = dict(STATION)

    def selection(self):
        """What the plugin gives to returnSelectedGanje: texts, all of it."""
        return {
            "selectedStation": {key: self.station[key] for key in
                                ("uuid", "nickname", "address", "location")},
            "selectedTimeScope": {"expected_check_in": self.expected_check_in,
                                  "expected_duration": "24"}}

    def info(self):
        """What GET answers."""
        station = {key: self.station[key] for key in
                   ("uuid", "nickname", "address", "location", "postal_code")}
        return {
            "uuid": self.uuid, "process": "lastmile", "verbose_id": None,
            "shipment": {"external_id": self.external_id, "parcels": [
                {"external_id": "%s_%d" % (self.external_id, i + 1)}
                for i in range(self.parcels)]},
            "station": station, "status": self.status,
            "picker": {"phone_number": self.phone_number, "full_name": None},
            "extra_information": {},
            "expected_check_in": self.expected_check_in,
            "expected_check_out": self.expected_check_out,
            "check_in": self.check_in, "check_out": self.check_out}

    def webhook(self):
        """What Ganje sends when the status changes, spelled as it spells it."""
        station = {key: self.station[key] for key in
                   ("pk", "address", "location", "nickname", "slug", "images")}
        return {
            "id": str(self.number), "uuid": self.uuid, "process": "lastmile",
            "status": self.status,
            "shipment": {"external_id": self.external_id, "parcels": [
                {"pk": self.number * 100 + i,
                 "external_id": "%s_%d" % (self.external_id, i + 1),
                 "size": None, "weight": None, "value": None, "content": None}
                for i in range(self.parcels)]},
            "station": station, "external_id": self.external_id,
            "check_in": self.check_in, "check_out": self.check_out,
            "human_readable_expeced_duration": 1,
            "pick_up_web_app_url": "?stationSlug=" + self.station["slug"],
            "sms_type": "Ganje_Received", "sms_title": self.status}


class Ganje(standin.Carrier):
    """The documented calls; standin.py holds the lock around each."""

    name = "ganje"

    def __init__(self, options):
        super().__init__(options)
        self.tokens = {}
        self.tokens_given = 0
        self.numbers = 0
        self.occupancies = {}
        self.more = []

    def handle(self, request):
        path = request.path
        if path == LOGIN_PATH:
            return self.login(request)
        if RESERVE_PATH.fullmatch(path):
            return self.reserve_page(request)
        info, cancel = OCCUPANCY_PATH.fullmatch(path), CANCEL_PATH.fullmatch(path)
        if path == PRE_ORDER_PATH + "/" or not (path == PRE_ORDER_PATH or info or cancel):
            return not_found()
        if self.token_state(request) != "valid":
            return Answer.of(401, {"detail": "Given token not valid for any token type"})
        if info:
            return self.occupancy_info(request, urllib.parse.unquote(info.group(1)))
        if cancel:
            return self.cancel(request, cancel.group(1))
        return self.pre_order(request)

    # Tokens

    def bearer(self, request):
        """The token that the request carries, or None."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        return token if scheme == "Bearer" and token else None

    def token_state(self, request):
        """valid, expired, unknown or absent."""
        token = self.bearer(request)
        if token is None:
            return "absent"
        if token not in self.tokens:
            return "unknown"
        return "valid" if self.tokens[token]["expires"] > time.monotonic() else "expired"

    def describe_authorization(self, request):
        token = self.bearer(request)
        if token is None:
            return "malformed" if "authorization" in request.headers else None
        if token not in self.tokens:
            return "unknown token"
        return "token %d" % self.tokens[token]["id"]

    def expire_tokens(self):
        for token in self.tokens.values():
            token["expires"] = 0

    def login(self, request):
        fields, problem = self.read_fields(request, ("username", "password"))
        if problem is not None:
            return problem
        wanted = (self.options.username, self.options.password)
        if (fields["username"], fields["password"]) != wanted:
            return Answer.of(401, {
                "detail": "No active account found with the given credentials"})
        seconds = self.options.token_seconds
        access = "access-" + secrets.token_hex(24)
        self.tokens_given += 1
        self.tokens[access] = {"id": self.tokens_given,
                               "expires": time.monotonic() + seconds}
        request.notes["token_given"] = self.tokens_given
        expires_at = datetime.datetime.now(datetime.timezone.utc) \
            + datetime.timedelta(seconds=seconds)
        return Answer.of(200, {
            "refresh": "refresh-" + secrets.token_hex(24), "access": access,
            "pk": 7, "uuid": "0d2a9c33-8f0b-4c7c-9b1e-5a1df6f8b0aa",
            "expire_duration": seconds, "expires_at": expires_at.isoformat()})

    # Requests

    def read_fields(self, request, names):
        """The JSON object of a POST with these string fields, or a refusal."""
        if request.method != "POST":
            return None, self.wrong_method(request, "POST")
        if request.content_type() != "application/json":
            return None, Answer.of(415, {"detail": "Unsupported media type \"%s\" in request."
                                         % request.content_type()})
        try:
            fields = request.json()
        except ValueError:
            return None, Answer.of(400, {"detail": "JSON parse error"})
        if not isinstance(fields, dict):
            return None, Answer.of(400, {"detail": "Invalid data. Expected a dictionary."})
        unknown = sorted(set(fields) - set(names))
        if unknown:
            request.notes["unknown_fields"] = unknown
        for name in names:
            if name not in fields:
                return None, Answer.of(400, {"detail": "%s: This field is required." % name})
        for name, value in fields.items():
            if not isinstance(value, str):
                return None, Answer.of(400, {"detail": "%s: Not a valid string." % name})
        return fields, None

    @staticmethod
    def wrong_method(request, right):
        return Answer.of(405, {"detail": "Method \"%s\" not allowed." % request.method},
                         {"Allow": right})

    def pre_order(self, request):
        fields, problem = self.read_fields(request, ("phone_number", "external_id"))
        if problem is not None:
            return problem
        if not PHONE_NUMBER.fullmatch(fields["phone_number"]):
            return Answer.of(400, {"detail": "phone_number: Enter a valid phone number."})
        external_id = fields["external_id"]
        if not external_id.strip():
            return Answer.of(400, {"detail": "external_id: This field may not be blank."})
        occupancy = self.occupancies.get(external_id)
        request.notes["repeated"] = occupancy is not None
        if occupancy is None:
            occupancy = self.new_occupancy(external_id, fields["phone_number"])
            self.occupancies[external_id] = occupancy
        return Answer.of(200, {"order_link": "%s://127.0.0.1:%d/reserve/%d"
                               % (self.scheme, self.port, occupancy.number)})

    def occupancy_info(self, request, external_id):
        if request.method != "GET":
            return self.wrong_method(request, "GET")
        occupancy = self.occupancies.get(external_id)
        if occupancy is None or occupancy.status == "pre-order":
            return not_found()
        return Answer.of(200, occupancy.info())

    def cancel(self, request, key):
        if request.method != "PATCH":
            return self.wrong_method(request, "PATCH")
        occupancy = self.find(None, key)
        if occupancy is None or occupancy.status == "pre-order":
            return not_found()
        if occupancy.status != "reserved":
            return Answer.of(400, {
                "detail": "This transition is not possible on this occupancy"})
        occupancy.status = "canceled"
        return Answer.of(200, {"uuid": occupancy.uuid, "status": "canceled"})

    def reserve_page(self, request):
        """The page behind order_link, where a customer would choose."""
        number = int(RESERVE_PATH.fullmatch(request.path).group(1))
        if not any(one.number == number for one in self.occupancies.values()):
            return not_found()
        page = "<!DOCTYPE html><title>Ganje</title><p>Choose a locker for %d." % number
        return Answer(200, page.encode("utf-8"), "text/html")

    # Controls

    def everything(self):
        return list(self.occupancies.values()) + self.more

    def new_occupancy(self, external_id, phone_number):
        self.numbers += 1
        return Occupancy(60 + self.numbers, external_id, phone_number)

    def find(self, external_id, key):
        """The occupancy of this external_id or, when None, of this uuid."""
        if external_id is not None:
            return self.occupancies.get(external_id)
        for occupancy in self.everything():
            if occupancy.uuid == key:
                return occupancy
        return None

    def control(self, request, parameters):
        what = (request.method, request.path[len("/_control/"):])
        if what == ("GET", "occupancies"):
            return Answer.of(200, [
                {"uuid": one.uuid, "external_id": one.external_id,
                 "phone_number": one.phone_number, "status": one.status}
                for one in self.everything()])
        if what == ("POST", "expire-tokens"):
            self.expire_tokens()
            return Answer.of(200, {})
        steps = {"move": self.move, "select": self.select,
                 "add-parcel": self.add_parcel, "forget": self.forget}
        if request.method == "POST" and what[1] in steps:
            return steps[what[1]](parameters)
        return None

    def select(self, wish):
        answer = self.move(dict(wish, to="reserved"))
        if answer.status != 200:
            return answer
        occupancy = self.occupancies[wish["external_id"]]
        return Answer.of(200, {"selection": occupancy.selection(),
                               "webhook": occupancy.webhook()})

    def add_parcel(self, wish):
        first = self.occupancies.get(wish["external_id"])
        if first is None or first.status != "reserved":
            return Answer.of(400, {"detail": "nothing is reserved"})
        parcel = self.new_occupancy(first.external_id, first.phone_number)
        parcel.move("reserved", {"station": first.station})
        self.more.append(parcel)
        return Answer.of(200, {"webhook": parcel.webhook()})

    def forget(self, wish):
        gone = self.find(None, wish["uuid"])
        if gone is None:
            return Answer.of(404, {"detail": "no such occupancy"})
        self.more = [one for one in self.more if one is not gone]
        self.occupancies = {key: one for key, one in self.occupancies.items() if one is not gone}
        return Answer.of(200, {})

    def move(self, wish):
        occupancy = self.find(wish.get("external_id"), wish.get("uuid"))
        to = wish["to"]
        if occupancy is None:
            return Answer.of(404, {"detail": "no such occupancy"})
        if to not in STATUSES:
            return Answer.of(400, {"detail": "no such status"})
        if to not in STEPS[occupancy.status] and not wish.get("force"):
            return Answer.of(400, {"detail": "no step from %s to %s"
                                   % (occupancy.status, to)})
        occupancy.move(to, wish)
        return Answer.of(200, {"webhook": occupancy.webhook()})


def main():
    parser = standin.arguments("stand-in for the carrier Ganje")
    parser.add_argument("--username", default="shop")
    parser.add_argument("--password", default="secret")
    parser.add_argument("--token-seconds", type=int, default=3600)
    options = parser.parse_args()
    return standin.run(Ganje(options), options)


if __name__ == "__main__":
    sys.exit(main())
