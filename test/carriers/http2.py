#!/usr/bin/python3
"""A carrier behind an HTTP/2 server, for the tests.

It offers HTTP/2 by ALPN and speaks nothing else: who does not take it is
written down with the protocol that he chose, and hung up on.  Requests are
answered 20 ms after they came, so that several of a connection are open at
once.  The log says which connection and stream each came by, and how many
streams of its connection were open then.  Needs python3-h2.

  --goaway N   a connection is told to go away once N requests of it were
               answered; what came after them is dropped, as a server that
               reloads its configuration does
"""

import select
import socket
import socketserver
import sys
import time

import h2.config
import h2.connection
import h2.events

sys.dont_write_bytecode = True
import standin  # noqa: E402

ANSWER_SECONDS = 0.02
BODY = b'{"status": "ok"}'


class Connection(socketserver.BaseRequestHandler):
    """One client connection, of many streams."""

    protocols = ["h2"]

    def setup(self):
        with self.server.connection_lock:
            self.server.connections += 1
            self.number = self.server.connections
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.streams = {}  # by number: what is known of each request
        self.due = []      # (time, stream) of those that are complete
        self.answered = 0

    def handle(self):
        try:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
            protocol = self.request.selected_alpn_protocol()
            if protocol == "h2":
                self.serve()
            else:
                self.log(None, {"protocol": protocol})
        except OSError:
            pass

    def serve(self):
        self.http = h2.connection.H2Connection(
            h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        self.http.initiate_connection()
        while not self.server.stopping.is_set():
            self.answer_due()
            self.request.sendall(self.http.data_to_send())
            if self.is_leaving():
                self.http.close_connection()
                self.request.sendall(self.http.data_to_send())
                return
            if not self.request.pending() and not select.select([self.request], [], [], 0.005)[0]:
                continue
            data = self.request.recv(65536)
            if not data:
                return
            for event in self.http.receive_data(data):
                self.take(event)

    def is_leaving(self):
        return 0 < self.server.carrier.options.goaway <= self.answered

    def take(self, event):
        if isinstance(event, h2.events.RequestReceived):
            headers = {name: value for name, value in event.headers}
            self.streams[event.stream_id] = {"headers": headers, "body": b"", "time": time.time()}
        elif isinstance(event, h2.events.DataReceived):
            self.streams[event.stream_id]["body"] += event.data
            self.http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            self.due.append((time.monotonic() + ANSWER_SECONDS, event.stream_id))
        elif isinstance(event, h2.events.StreamReset):
            self.due = [one for one in self.due if one[1] != event.stream_id]
            self.streams.pop(event.stream_id, None)

    def answer_due(self):
        now = time.monotonic()
        while self.due and self.due[0][0] <= now and not self.is_leaving():
            _, stream = self.due.pop(0)
            self.log(stream, {"protocol": "h2", "open": len(self.streams)})
            del self.streams[stream]
            self.answered += 1
            self.http.send_headers(stream, [(":status", "200"), ("content-type", "application/json"),
                                            ("content-length", str(len(BODY)))])
            self.http.send_data(stream, BODY, end_stream=True)

    def log(self, stream, line):
        request = self.streams.get(stream)
        if request is not None:
            headers = request["headers"]
            line.update({
                "stream": stream, "time": request["time"],
                "method": headers[":method"], "path": headers[":path"],
                "authority": headers[":authority"], "body": request["body"].decode("utf-8"),
                "headers": {name: headers[name] for name in standin.LOGGED_HEADERS if name in headers}})
        line.update({"connection": self.number, "sequence": self.server.journal.number()})
        self.server.journal.write(line)


class Http2(standin.Carrier):
    """Takes everything."""

    name = "http2"


def main():
    parser = standin.arguments(__doc__.splitlines()[0])
    parser.add_argument("--goaway", type=int, default=0, help="requests of a connection, 0: any number")
    options = parser.parse_args()
    return standin.run(Http2(options), options, Connection)


if __name__ == "__main__":
    sys.exit(main())
