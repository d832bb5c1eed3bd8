"""What the stand-ins share: a real HTTP server on a loopback port, free or the one it is given, that prints its URL and keeps
what it was sent.

GET /received lists every accepted call.  POST /next {"status": 429, "times": 2, "retry_after": 1} makes the next calls fail.
"""
import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class StandIn(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    received = []
    next_answers = []

    def log_message(self, *arguments):
        pass

    def answer(self, status, body, headers=()):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def do_GET(self):
        self.answer(200, self.received) if self.path == "/received" else self.answer(404, {})

    def do_POST(self):
        length = int(self.headers.get("Content-Length", 0))
        try:
            body = json.loads(self.rfile.read(length) or b"{}")
        except ValueError:
            return self.answer(400, {"message": "the body is not JSON"})
        if self.path == "/next":
            self.next_answers.extend([(body["status"], body.get("retry_after"))] * body.get("times", 1))
            return self.answer(200, {})
        if self.next_answers:
            status, after = self.next_answers.pop(0)
            return self.answer(status, {"message": "as told"}, [("Retry-After", str(after))] if after else [])
        wrong = self.refusal(body)
        if wrong:
            return self.answer(wrong[0], {"message": wrong[1]})
        self.received.append({"path": self.path, "key": self.headers.get("Idempotency-Key"), "body": body})
        self.answer(200, self.accepted(body))

    do_PATCH = do_POST

    @classmethod
    def serve(cls):
        port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
        server = ThreadingHTTPServer(("127.0.0.1", port), cls)
        print(f"http://127.0.0.1:{server.server_port}", flush=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            sys.exit(0)
