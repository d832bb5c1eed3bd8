#!/usr/bin/env python3
"""Clients that mean no good: thousands that say nothing, some that say a byte at a time, some that never read, and
requests that two servers would read in two ways.  Each is told or dropped; a normal client is served meanwhile."""

import contextlib
import pathlib
import resource
import socket
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from runtime import Client, Runtime, timed_main, until  # noqa: E402

CONNECTIONS_MAX = 10000  # runtime/http/server.h
ASKED = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


def raise_limit():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


class Crowd(unittest.TestCase):
    def setUp(self):
        self.files = raise_limit()
        self.runtime = self.enterContext(Runtime(env={"SEAT_ROWS": "26", "SEAT_PER_ROW": "100"}, preexec=raise_limit))
        self.opened = self.enterContext(contextlib.ExitStack())

    def connect(self, within=60.0, room=None):
        to = socket.socket()
        self.opened.callback(to.close)
        if room:
            to.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
        to.settimeout(within)
        to.connect(("127.0.0.1", self.runtime.port))
        return to

    def p99(self, what, count=300):
        """In ms, of a client that asks one thing after the other; each answer comes within seconds."""
        took = []
        with contextlib.closing(Client(self.runtime.port, timeout=30)) as client:
            for i in range(count):
                began = time.monotonic()
                answer = client.ask("POST", "/queue", {"userId": f"u{i}"}) if i % 2 else client.ask("GET", "/users/u1")
                took.append(time.monotonic() - began)
                self.assertEqual(answer.status, 200, answer)
        took.sort()
        print(f"  {what}: p50 {took[count // 2] * 1000:.1f} ms, p99 {took[count * 99 // 100] * 1000:.1f} ms, "
              f"at most {took[-1] * 1000:.1f} ms", flush=True)
        self.assertLess(took[-1], 10)

    def idle(self, count):
        """Connections that asked once, were answered, and are kept."""
        for _ in range(count):
            to = self.connect()
            to.sendall(ASKED)
            self.assertIn(b" 200 ", to.recv(4096)[:16])

    def drip(self, text, stop):
        """A byte of it now and then, until somebody answers."""
        to = self.connect()
        to.settimeout(0.5)
        for byte in text:
            if stop.is_set():
                return b""
            with contextlib.suppress(OSError):
                to.sendall(bytes([byte]))
            try:
                return to.recv(4096)
            except TimeoutError:
                continue
            except OSError:
                return b""
        return b""

    def test_row_31_a_normal_client_is_served_beside_all_of_them(self):
        self.p99("alone")
        count = min(CONNECTIONS_MAX, self.files) - 1000
        print(f"  {count} idle connections", flush=True)
        self.idle(count)
        self.p99("beside the idle")
        stop, answers = threading.Event(), []
        heads = b"GET /seats HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"a" * 10000
        slow = [threading.Thread(target=lambda: answers.append(self.drip(heads, stop)), daemon=True) for _ in range(50)]
        for thread in slow:
            thread.start()
        deaf = [self.connect(room=4096) for _ in range(20)]
        for to in deaf:
            to.settimeout(0.1)
            with contextlib.suppress(OSError):
                to.sendall(b"GET /seats HTTP/1.1\r\nHost: x\r\n\r\n" * 2000)  # some 300 MB of answers
        self.p99("beside the slow, the deaf and the idle")
        for thread in slow:
            thread.join(60)  # a head has 10 s
            self.assertFalse(thread.is_alive())
        for answer in answers:
            self.assertTrue(answer.startswith(b"HTTP/1.1 408 "), answer[:60])
        stop.set()
        for to in deaf:  # a response has 30 s; then the connection is over, whatever is left in the buffers
            until("a client that never reads is dropped", lambda t=to: self.dropped(t), within=90, every=0.5)
        self.p99("when those are gone")
        self.opened.close()
        self.assertEqual(self.runtime.ask("GET", "/readyz").status, 200)
        self.assertEqual(self.runtime.stop(within=60), 0, self.runtime.log)

    @staticmethod
    def dropped(to):
        """Whether what is sent meets nobody."""
        try:
            to.send(b"G")
        except TimeoutError:
            return False
        except OSError:
            return True
        return False

    def test_row_31_a_body_that_never_comes_is_408(self):
        to = self.connect(within=90)
        to.sendall(b"POST /queue HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{")
        self.assertTrue(to.recv(4096).startswith(b"HTTP/1.1 408 "))

    def test_row_31_what_two_servers_would_read_in_two_ways_is_refused(self):
        head = b"POST /queue HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        chunk = b'10\r\n{"userId":"ann"}\r\n0\r\n\r\n'
        smuggled = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"
        for lines, status in ((b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", 400),
                              (b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400),
                              (b"Content-Length: 5\r\nContent-Length: 6\r\n", 400),
                              (b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", 400),
                              (b"Transfer-Encoding: chunked, identity\r\n", 501), (b"Transfer-Encoding : chunked\r\n", 400),
                              (b"Content-Length: +16\r\n", 400), (b"Host: y\r\nContent-Length: 16\r\n", 400),
                              (b"X-Large: " + b"y" * 9000 + b"\r\n", 431), (b"Content-Length: 1048577\r\n", 413)):
            with self.subTest(lines[:60]):
                to = self.connect(within=30)
                to.sendall(head + lines + b"\r\n" + chunk + smuggled)
                said = b""
                with contextlib.suppress(ConnectionError):
                    while more := to.recv(65536):
                        said += more
                self.assertTrue(said.startswith(b"HTTP/1.1 %d " % status), said[:200])
                self.assertEqual(said.count(b"HTTP/1.1 "), 1, "what follows is nobody's request")
        self.assertEqual(self.runtime.ask("GET", "/livez").status, 200)


if __name__ == "__main__":
    timed_main()
