#!/usr/bin/env python3
"""Bodies and records that no reader should meet: each is refused with its reason, and whatever comes after it goes on.

`REPRISE_E2E_ENGINE=cluster`: also as records of others' topics and of the topics between steps.
"""

import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import topics_test  # noqa: E402
from runtime import ENGINE, Runtime, timed_main, until  # noqa: E402
from topics_test import order  # noqa: E402

DEPTH = 10000
# What is no JSON object at all.
BODIES = (b"{", b"}", b"nul", b"not json", b"[]", b"1", b'"text"', b"null", b"{'a': 1}", b'{"a": 1,}', b'{"a": 1} x', b"\x00",
          b'{"\x00": 1}', b"\xff\xfe\x00{", b"\xef\xbb\xbf[]", b"[" * DEPTH, b'{"a":' * DEPTH, b"[" * DEPTH + b"]" * DEPTH,
          b'{"a": NaN}', b'{"a": Infinity}', b'{"a": 01}', b'{"a": "\t"}')
# What no field of any type takes, nor a body that has none of this name.
VALUES = (b"1e400", b"-1e400", b"12345678901234567890123", b"-12345678901234567890123", b"1.5", b"null", b"[]", b"{}", b"true",
          b'"a\\u0000b"', b'"a\x00b"', b'"\xff"', b'"\xc0\x80"', b'"\xed\xa0\x80"', b'"\\ud800"', b'"\\udc00\\ud800"', b'"\\x"',
          b'"unended', b"[" * DEPTH + b"]" * DEPTH, b'{"a":' * DEPTH + b"1" + b"}" * DEPTH, b'1, "a": 2, "a": 3')


def bodies(field):
    """All of them for a route that takes this field."""
    twice = b'{"%s": "a", "%s": "b"}' % (field, field)
    return (*BODIES, *(b'{"%s": %s}' % (field, value) for value in VALUES), twice)


class Requests(unittest.TestCase):
    def test_row_24_bodies_that_cannot_be_read_are_400_with_a_reason_on_every_route(self):
        with Runtime(env={"QUEUE_ADMIT_PER_SECOND": "1000000"}) as runtime:
            token = runtime.token("ann")
            before = runtime.ask("GET", "/seats").json()
            for path, field in (("/queue", b"userId"), ("/queue/status", b"token"), ("/reservations", b"seatId"),
                                ("/payments", b"reservationId"), ("/users/ann/points", b"amount"),
                                ("/api/v1/sagas/x/undo", b"why")):
                for number, body in enumerate(bodies(field)):
                    if body == b'{"why": null}':
                        continue  # is read, as no reason
                    with self.subTest(path=path, body=body[:60]):
                        answer = runtime.ask("POST", path, body, bearer=token, key=f"k{number}")
                        self.assertEqual(answer.status, 400, answer)
                        self.assertEqual(answer.code.partition(".")[0], "body", answer)
                        self.assertTrue(answer.json()["detail"], answer)
            self.assertEqual(runtime.ask("GET", "/seats").json(), before)
            runtime.reserve("A-1", token)
            self.assertEqual(len(runtime.sagas(pipeline="reservation")), 1)
            self.assertEqual(runtime.ask("GET", "/api/v1/dlq").json()["letters"], [])
            self.assertEqual(runtime.stop(within=60), 0, runtime.log)


@unittest.skipUnless(ENGINE == "cluster", "needs Kafka")
class Records(topics_test.OnKafka):
    """Of its base only the tools: e2e.cluster.topics plays its tests."""

    def poison(self, topic, values, partition=0):
        """One record each, whatever bytes they are."""
        subprocess.run(["kcat", "-P", "-b", self.brokers, "-t", topic, "-p", str(partition), "-k", "K", "-D", "\x01\x02"],
                       input=b"\x01\x02".join(values), check=True, timeout=60)

    def letters_of(self, runtime, count):
        return until(f"{count} dead letters", lambda: (
            lambda all: all if len(all) >= count else None)(runtime.ask("GET", "/api/v1/dlq?limit=500").json()["letters"]), within=60)

    def test_row_24_records_that_cannot_be_read_are_dead_letters_and_their_lane_goes_on(self):
        runtime = self.start()
        poison = [*BODIES, *(b'{"reservationId": "R", "seatId": "S", "userId": "u", "price": %s}' % v for v in VALUES)]
        self.poison(f"{self.name}.orders", poison)
        self.send(f"{self.name}.orders", [order(1)], key="K", partition=0)
        self.until_done(runtime, 1)
        letters = self.letters_of(runtime, len(poison))
        self.assertEqual(len(letters), len(poison))
        for letter in letters:
            self.assertEqual((letter["code"], letter["step"]), ("unreadable", f"topic {self.name}.orders"))
            self.assertTrue(letter["detail"], letter)
        self.assertEqual(len(self.sagas(runtime)), 1)
        self.assertEqual(runtime.stop(within=60), 0, runtime.log)

    def test_row_24_records_between_steps_that_cannot_be_read_are_dead_letters_and_their_lane_goes_on(self):
        runtime = self.start()
        poison = [*BODIES, b'{"reservationId": "R1"}', *(b'{"reservationId": %s}' % v for v in VALUES)]
        for partition in range(4):
            self.poison(f"{self.prefix}.intake.tell", poison, partition)
        self.send(f"{self.name}.orders", [order(n) for n in range(20)])
        self.until_done(runtime, 20)
        letters = self.letters_of(runtime, 4 * len(poison))
        self.assertEqual(len(letters), 4 * len(poison))
        for letter in letters:
            self.assertTrue(letter["code"] and letter["detail"], letter)
        self.assertEqual(len(self.sagas(runtime)), 20)
        self.assertEqual(runtime.stop(within=60), 0, runtime.log)


for name in [name for name in dir(topics_test.OnKafka) if name.startswith("test_")]:
    setattr(Records, name, None)


if __name__ == "__main__":
    timed_main()
