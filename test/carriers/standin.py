#!/usr/bin/python3
"""The server under every carrier stand-in of the tests and the demo.

A stand-in plays a carrier on 127.0.0.1 strictly by the carrier's documents,
writes down what it was sent (the tests judge by that log, not by what the
sender believes), and misbehaves on command.  HTTP/1.1 is spoken here on bare
sockets rather than through http.server, because a stand-in must be able to
reset, drip and hang at any byte.

A carrier is a subclass of Carrier: handle() answers a request, control()
answers what lies under /_control/ beyond the controls below, and redact()
takes secrets out of what is logged.

Controls (JSON, loopback only, never logged, never subject to faults):
  GET/POST/DELETE /_control/faults   the rules; POST takes a list (or
                                     {"rules": [...]}) that replaces them
  GET/DELETE /_control/log[?since=N] log lines with sequence > N
  GET /_control/counts               requests by "METHOD path" and by status

A rule: {"match": part of the path (default any), "method": optional,
"count": times, -1 for ever (default 1), "action": ...}; the first that fits
is used.  Actions, with what becomes of the request's work:
  delay {ms}              wait, then as usual
  reset                   TCP reset, work not done
  reset_mid_body          work done, half of the answer's body, TCP reset
  close_after_commit      work done, closed without a byte of answer
  status {code, headers, body}  this answer instead of the work
  wrong_json              work done, the answer's JSON cut in half
  html                    200 with an HTML page instead of the work
  huge {bytes}            200 with so many bytes of JSON text (-1: chunks
                          without end) instead of the work
  gzip_bomb {bytes}       as huge, as Content-Encoding: gzip
  drip {ms, part}         work done, a byte of the answer every ms (1000);
                          part "headers" drips from the status line on,
                          "body" (default) after the headers
  hang {part}             no answer until the client leaves, work not done;
                          part "headers" sends a status line and header lines
                          without end
  expire_tokens           all tokens expire, then as usual
"""

import argparse
import gzip
import json
import select
import signal
import socket
import socketserver
import ssl
import struct
import sys
import threading
import time
import urllib.parse

HEADER_BYTES_MAX = 64 * 1024
BODY_BYTES_MAX = 16 * 1024 * 1024
LOG_LINES_MAX = 200000
LOGGED_HEADERS = ("content-type", "idempotency-key", "user-agent")
ACTIONS = frozenset((
    "delay", "reset", "reset_mid_body", "close_after_commit", "status",
    "wrong_json", "html", "huge", "gzip_bomb", "drip", "hang",
    "expire_tokens"))
REASONS = {
    200: "OK", 201: "Created", 204: "No Content", 302: "Found",
    400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
    405: "Method Not Allowed", 408: "Request Timeout",
    413: "Content Too Large", 415: "Unsupported Media Type",
    429: "Too Many Requests", 500: "Internal Server Error",
    501: "Not Implemented", 503: "Service Unavailable"}


class Request:
    """One request as it was read: header names are lower-case."""

    def __init__(self, method, target, headers, body, connection):
        self.method = method
        self.target = target
        parts = urllib.parse.urlsplit(target)
        self.path = parts.path
        self.query = urllib.parse.parse_qs(parts.query)
        self.headers = headers
        self.body = body
        self.connection = connection
        self.time = time.time()
        self.sequence = 0
        self.notes = {}

    def json(self):
        """The body as JSON; ValueError when it is not."""
        return json.loads(self.body.decode("utf-8"))

    def content_type(self):
        """The media type without its parameters, lower-case."""
        return self.headers.get("content-type", "").split(";")[0].strip().lower()


class Answer:
    """Status, body (bytes) and extra headers of an answer."""

    def __init__(self, status, body=b"", content_type="application/json", headers=None):
        self.status = status
        self.body = body
        self.headers = {"Content-Type": content_type}
        self.headers.update(headers or {})

    @classmethod
    def of(cls, status, value, headers=None):
        """An answer whose body is this value as JSON."""
        return cls(status, json.dumps(value, ensure_ascii=False).encode("utf-8"),
                   headers=headers)

    def head(self, length=None):
        """The bytes up to the empty line; a length of None means chunked."""
        lines = ["HTTP/1.1 %d %s" % (self.status, REASONS.get(self.status, "Status"))]
        lines += ["%s: %s" % item for item in self.headers.items()]
        if length is None:
            lines.append("Transfer-Encoding: chunked")
        else:
            lines.append("Content-Length: %d" % length)
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class BadRequest(Exception):
    """What cannot be read as HTTP; the connection ends after the answer."""

    def __init__(self, status, detail):
        super().__init__(detail)
        self.status = status


class Carrier:
    """What a carrier must say for itself; `lock` guards all its state."""

    name = "carrier"

    def __init__(self, options):
        self.options = options
        self.lock = threading.RLock()
        self.port = 0

    def handle(self, request):
        """Answer a request of the carrier's own interface."""
        raise NotImplementedError

    def control(self, request, parameters):
        """Answer a control, or None when there is no such control."""
        return None

    def expire_tokens(self):
        """Make every token given out so far worthless."""

    def redact(self, request, value):
        """What of a JSON body may be logged (value is None when not JSON)."""
        if value is None:
            return {"bytes": len(request.body)}
        if isinstance(value, dict):
            return {key: "(redacted)" if key == "password" else item
                    for key, item in value.items()}
        return value

    def describe_authorization(self, request):
        """What of the request's credentials may be logged."""
        return "present" if "authorization" in request.headers else None


class Journal:
    """What was received: lines in memory and, when asked, in a file."""

    def __init__(self, path):
        self.lock = threading.Lock()
        self.sequence = 0
        self.lines = []
        self.file = open(path, "a", encoding="utf-8") if path else None

    def number(self):
        with self.lock:
            self.sequence += 1
            return self.sequence

    def write(self, line):
        with self.lock:
            if len(self.lines) < LOG_LINES_MAX:
                self.lines.append(line)
            if self.file is not None:
                self.file.write(json.dumps(line, ensure_ascii=False) + "\n")
                self.file.flush()

    def since(self, sequence):
        with self.lock:
            return [line for line in self.lines if line["sequence"] > sequence]

    def clear(self):
        with self.lock:
            self.lines = []

    def counts(self):
        by_request, by_status = {}, {}
        with self.lock:
            for line in self.lines:
                key = "%s %s" % (line["method"], line["path"])
                by_request[key] = by_request.get(key, 0) + 1
                status = str(line["status"])
                by_status[status] = by_status.get(status, 0) + 1
            return {"total": len(self.lines), "by_request": by_request,
                    "by_status": by_status}


class Faults:
    """The rules of misbehaviour, first match first."""

    def __init__(self):
        self.lock = threading.Lock()
        self.rules = []

    def replace(self, rules):
        """Take new rules; ValueError when one makes no sense."""
        checked = []
        for rule in rules:
            if rule.get("action") not in ACTIONS:
                raise ValueError("unknown action %r" % rule.get("action"))
            if rule["action"] == "status" and not isinstance(rule.get("code"), int):
                raise ValueError("action status needs a code")
            checked.append(dict(rule, left=int(rule.get("count", 1))))
        with self.lock:
            self.rules = checked

    def list(self):
        with self.lock:
            return [dict(rule) for rule in self.rules]

    def take(self, request):
        """The rule for this request, its count lowered, or None."""
        with self.lock:
            for rule in self.rules:
                if rule["left"] == 0 or rule.get("match", "") not in request.target:
                    continue
                if rule.get("method") not in (None, request.method):
                    continue
                if rule["left"] > 0:
                    rule["left"] -= 1
                return dict(rule)
        return None


class ClosedByClient(Exception):
    """The client left while it was being kept waiting."""


class Connection(socketserver.BaseRequestHandler):
    """One client connection: requests one after the other until it ends."""

    protocols = ["http/1.1"]

    def setup(self):
        with self.server.connection_lock:
            self.server.connections += 1
            self.number = self.server.connections
        self.request.settimeout(None)
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def handle(self):
        try:
            if self.server.tls is not None:
                self.request = self.server.tls.wrap_socket(self.request, server_side=True)
            while not self.server.stopping.is_set():
                request = self.read_request()
                if request is None or not self.serve(request):
                    break
        except BadRequest as bad:
            self.refuse(bad)
        except (OSError, ClosedByClient):
            pass

    def finish(self):
        try:
            self.request.close()
        except OSError:
            pass

    # Reading

    def fill(self):
        data = self.request.recv(65536)
        self.buffer += data
        return bool(data)

    def read_request(self):
        """The next request, or None when the client closed between two."""
        while b"\r\n\r\n" not in self.buffer:
            if len(self.buffer) > HEADER_BYTES_MAX:
                raise BadRequest(400, "headers are too long")
            if not self.fill():
                if self.buffer:
                    raise BadRequest(400, "closed within the headers")
                return None
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        words = lines[0].split(" ")
        if len(words) != 3 or words[2] != "HTTP/1.1" or not words[1].startswith("/"):
            raise BadRequest(400, "not an HTTP/1.1 request line")
        headers = self.parse_headers(lines[1:])
        body = self.read_body(headers)
        return Request(words[0], words[1], headers, body, self.number)

    @staticmethod
    def parse_headers(lines):
        headers = {}
        for line in lines:
            name, colon, value = line.partition(":")
            if not colon or name != name.strip() or not name:
                raise BadRequest(400, "malformed header line")
            if name.lower() in headers:
                raise BadRequest(400, "header %s given twice" % name)
            headers[name.lower()] = value.strip()
        if "host" not in headers:
            raise BadRequest(400, "no host header")
        return headers

    def read_body(self, headers):
        if "transfer-encoding" in headers:
            raise BadRequest(501, "chunked requests are not documented")
        text = headers.get("content-length", "0")
        if not text.isascii() or not text.isdigit():
            raise BadRequest(400, "malformed content-length")
        length = int(text)
        if length > BODY_BYTES_MAX:
            raise BadRequest(413, "body is too long")
        if headers.get("expect", "").lower() == "100-continue":
            self.request.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while len(self.buffer) < length:
            if not self.fill():
                raise BadRequest(400, "closed within the body")
        body, self.buffer = self.buffer[:length], self.buffer[length:]
        return body

    # Answering

    def refuse(self, bad):
        self.server.journal.write({
            "time": time.time(), "sequence": self.server.journal.number(),
            "connection": self.number,
            "method": None, "path": None, "status": bad.status, "fault": None,
            "error": str(bad)})
        answer = Answer.of(bad.status, {"detail": str(bad)}, {"Connection": "close"})
        try:
            self.request.sendall(answer.head(len(answer.body)) + answer.body)
        except OSError:
            pass

    def serve(self, request):
        """Answer one request; False when the connection must end."""
        if request.path.startswith("/_control/"):
            answer = self.server.control(request, self.client_address[0])
            return self.send(request, answer)
        request.sequence = self.server.journal.number()
        rule = self.server.faults.take(request)
        if rule is not None:
            return getattr(self, "fault_" + rule["action"])(request, rule)
        return self.send(request, self.work(request, None))

    def work(self, request, fault):
        """Let the carrier do its work, and log it before anything is sent."""
        try:
            with self.server.carrier.lock:
                answer = self.server.carrier.handle(request)
        except Exception as error:
            answer = Answer.of(500, {"detail": "stand-in failed: %r" % error})
        self.log(request, answer.status, fault)
        return answer

    def log(self, request, status, fault):
        carrier = self.server.carrier
        try:
            value = request.json() if request.body else None
        except ValueError:
            value = None
        line = {
            "time": request.time, "sequence": request.sequence,
            "connection": request.connection, "method": request.method,
            "path": request.target,
            "authorization": carrier.describe_authorization(request),
            "headers": {name: request.headers[name] for name in LOGGED_HEADERS
                        if name in request.headers},
            "body": carrier.redact(request, value) if request.body else None,
            "status": status, "fault": fault}
        line.update(request.notes)
        self.server.journal.write(line)

    def send(self, request, answer):
        self.request.sendall(answer.head(len(answer.body)) + answer.body)
        return request.headers.get("connection", "").lower() != "close"

    def wait(self, seconds):
        """Sleep, but wake when the stand-in stops or the client leaves."""
        until = time.monotonic() + seconds
        while not self.server.stopping.is_set():
            left = until - time.monotonic()
            if left <= 0:
                return
            ready, _, _ = select.select([self.request], [], [], min(left, 0.2))
            if ready and self.server.tls is None \
                    and self.request.recv(1, socket.MSG_PEEK) == b"":
                raise ClosedByClient()
            if ready:
                time.sleep(min(left, 0.05))
        raise ClosedByClient()

    def abort(self):
        """End the connection with a TCP reset."""
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack("ii", 1, 0))
        self.request.close()
        return False

    # Faults: each answers whether the connection goes on.

    def fault_delay(self, request, rule):
        self.wait(rule.get("ms", 1000) / 1000)
        return self.send(request, self.work(request, "delay"))

    def fault_reset(self, request, rule):
        self.log(request, None, "reset")
        return self.abort()

    def fault_reset_mid_body(self, request, rule):
        answer = self.work(request, "reset_mid_body")
        half = answer.body[:len(answer.body) // 2]
        self.request.sendall(answer.head(len(answer.body)) + half)
        self.wait(0.05)
        return self.abort()

    def fault_close_after_commit(self, request, rule):
        self.work(request, "close_after_commit")
        return False

    def fault_status(self, request, rule):
        self.log(request, rule["code"], "status")
        body = rule.get("body", {"detail": "fault"})
        headers = {name: str(value) for name, value in rule.get("headers", {}).items()}
        if isinstance(body, str):
            answer = Answer(rule["code"], body.encode("utf-8"), headers=headers)
        else:
            answer = Answer.of(rule["code"], body, headers)
        return self.send(request, answer)

    def fault_wrong_json(self, request, rule):
        answer = self.work(request, "wrong_json")
        answer.body = answer.body[:len(answer.body) // 2]
        return self.send(request, answer)

    def fault_html(self, request, rule):
        self.log(request, 200, "html")
        page = b"<!DOCTYPE html><html><body>Please sign in</body></html>"
        return self.send(request, Answer(200, page, "text/html"))

    def fault_huge(self, request, rule):
        self.log(request, 200, "huge")
        size = rule.get("bytes", 100 * 1024 * 1024)
        answer = Answer(200)
        piece = b"x" * 65536
        self.request.sendall(answer.head(size + 2 if size >= 0 else None))
        if size < 0:
            while not self.server.stopping.is_set():
                self.request.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
            return False
        self.request.sendall(b'"')
        for start in range(0, size, len(piece)):
            self.request.sendall(piece[:size - start])
        self.request.sendall(b'"')
        return True

    def fault_gzip_bomb(self, request, rule):
        self.log(request, 200, "gzip_bomb")
        body = gzip.compress(b'"' + b"x" * rule.get("bytes", 100 * 1024 * 1024) + b'"')
        return self.send(request, Answer(200, body, headers={"Content-Encoding": "gzip"}))

    def fault_drip(self, request, rule):
        answer = self.work(request, "drip")
        head, body = answer.head(len(answer.body)), answer.body
        if rule.get("part") == "headers":
            head, body = b"", head + body
        self.request.sendall(head)
        for byte in body:
            self.request.sendall(bytes((byte,)))
            self.wait(rule.get("ms", 1000) / 1000)
        return True

    def fault_hang(self, request, rule):
        self.log(request, None, "hang")
        if rule.get("part") == "headers":
            self.request.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            self.wait(0.2)
            if rule.get("part") == "headers":
                self.request.sendall(b"X-More: 1\r\n")

    def fault_expire_tokens(self, request, rule):
        with self.server.carrier.lock:
            self.server.carrier.expire_tokens()
        return self.send(request, self.work(request, "expire_tokens"))


class Server(socketserver.ThreadingTCPServer):
    """Listens on 127.0.0.1 only; one thread per connection."""

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(self, carrier, port=0, log=None, tls=None, connection=Connection):
        super().__init__(("127.0.0.1", port), connection)
        self.carrier = carrier
        self.tls = tls
        self.journal = Journal(log)
        self.faults = Faults()
        self.stopping = threading.Event()
        self.connection_lock = threading.Lock()
        self.connections = 0
        self.port = self.server_address[1]
        carrier.port = self.port
        carrier.scheme = "http" if tls is None else "https"

    def handle_error(self, request, client_address):
        """A broken connection is the client's business, not our stderr's."""

    def control(self, request, address):
        """Answer a request under /_control/."""
        if not address.startswith("127."):
            return Answer.of(404, {"detail": "Not found"})
        try:
            parameters = request.json() if request.body else {}
            answer = self.common_control(request, parameters)
            if answer is None:
                with self.carrier.lock:
                    answer = self.carrier.control(request, parameters)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return Answer.of(400, {"detail": "%s: %s" % (type(error).__name__, error)})
        return answer or Answer.of(404, {"detail": "no such control"})

    def common_control(self, request, parameters):
        what = (request.method, request.path[len("/_control/"):])
        if what == ("POST", "faults"):
            self.faults.replace(parameters["rules"] if isinstance(parameters, dict)
                                else parameters)
        elif what == ("DELETE", "faults"):
            self.faults.replace([])
        elif what == ("GET", "log"):
            return Answer.of(200, self.journal.since(int(request.query.get("since", ["0"])[0])))
        elif what == ("DELETE", "log"):
            self.journal.clear()
            return Answer.of(200, {})
        elif what == ("GET", "counts"):
            return Answer.of(200, self.journal.counts())
        elif what != ("GET", "faults"):
            return None
        return Answer.of(200, self.faults.list())

    def stop(self):
        self.stopping.set()
        self.shutdown()


def arguments(description):
    """The options that every stand-in has; a carrier may add its own."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--port-file", help="write the port here once it listens")
    parser.add_argument("--log", help="append a JSON line per request to this file")
    parser.add_argument("--tls-cert", help="PEM certificate chain; makes it https")
    parser.add_argument("--tls-key", help="PEM key of --tls-cert")
    return parser


def run(carrier, options, connection=Connection):
    """Serve until SIGTERM or SIGINT; says "ready PORT" when it listens."""
    tls = None
    if options.tls_cert:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(options.tls_cert, options.tls_key)
        tls.set_alpn_protocols(connection.protocols)
    server = Server(carrier, options.port, options.log, tls, connection)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    done = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *unused: done.set())
    thread.start()
    if options.port_file:
        with open(options.port_file, "w", encoding="ascii") as file:
            file.write("%d\n" % server.port)
    print("ready %d" % server.port, flush=True)
    done.wait()
    server.stop()
    thread.join()
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit("standin.py is the shared part; run a carrier such as ganje.py")
