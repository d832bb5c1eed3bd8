#!/usr/bin/env python3
"""Bodies of no byte, of the most that is allowed, of one more, and of 64 MiB; ten thousand events and records from one
message: what is too large is refused where it is made, with clear words, and others go on.  On both engines."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from hostile_test import Supervised  # noqa: E402
from runtime import Runtime, timed_main  # noqa: E402

MIB = 1 << 20


class Requests(unittest.TestCase):
    def test_row_25_a_body_may_have_a_mebibyte_and_not_one_byte_more(self):
        with Runtime(env={"QUEUE_ADMIT_PER_SECOND": "1000000"}) as runtime:
            def padded(size):
                return b'{"userId":"ann"' + b" " * (size - 16) + b"}"
            for size, status, code in ((0, 400, "body.missing_field"), (MIB - 1, 200, ""), (MIB, 200, ""),
                                       (MIB + 1, 413, "http.body_too_large"), (64 * MIB, 413, "http.body_too_large")):
                with self.subTest(size):
                    body = padded(size) if size else b""
                    self.assertEqual(len(body), size)
                    answer = self.sent(runtime, body)
                    self.assertEqual((answer.status, answer.code), (status, code), answer)
            for size, status in ((64 * MIB, 413), (MIB, 400)):  # the field itself, in one chunk after the other
                chunks = b"".join(b"%x\r\n%s\r\n" % (len(c), c) for c in self.pieces(b'{"userId":"' + b"x" * size + b'"}'))
                answer = runtime.raw(b"POST /queue HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                                     b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n", within=60)
                self.assertIn(answer.status, (status, 413), answer)
            runtime.reserve("A-1", runtime.token("bea"))
            self.assertEqual(runtime.stop(within=60), 0, runtime.log)

    @staticmethod
    def pieces(text):
        return [text[i:i + 65536] for i in range(0, len(text), 65536)]

    @staticmethod
    def sent(runtime, body):
        head = (f"POST /queue HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                "Connection: close\r\n\r\n")
        return runtime.raw(head.encode() + body, within=60)


class Emissions(unittest.TestCase):
    def test_row_25_what_one_message_may_emit_and_send_is_bounded(self):
        with Supervised() as runtime:
            child = self.memory(runtime)
            for kind, code in (("huge", "refused_call"), ("emit-10000", "refused_call"), ("send-10000", "refused_call"),
                               ("send-large", "refused_call"), ("send-huge", "refused_call")):
                with self.subTest(kind):
                    saga = runtime.ends(self.act(runtime, kind), "undone")
                    self.assertEqual(saga["code"], code, saga)
                    why = next(step["detail"] for step in saga["steps"] if step["name"] == "act")
                    self.assertTrue(why, saga)
                    print(f"  {kind}: {why}", flush=True)
                    runtime.ends(self.act(runtime, "fine"), "done")
            runtime.ends(self.act(runtime, "send-some"), "done")
            self.assertEqual(runtime.restarts(), 0)
            print(f"  {child} KiB before, {self.memory(runtime)} KiB at most", flush=True)
            self.assertEqual(runtime.stop(within=60), 0, runtime.log)

    turn = 0

    def act(self, runtime, kind):
        Emissions.turn += 1
        answer = runtime.send("/acts", {"kind": kind, "who": f"{kind}-{Emissions.turn}"})
        self.assertEqual(answer.status, 202, answer)
        return answer.json()["sagaId"]

    @staticmethod
    def memory(runtime):
        """The most that the process had, in KiB."""
        pid = pathlib.Path(f"/proc/{runtime.process.pid}/task/{runtime.process.pid}/children").read_text().split()[0]
        line = next(t for t in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines() if t.startswith("VmHWM"))
        return int(line.split()[1])


if __name__ == "__main__":
    timed_main()
