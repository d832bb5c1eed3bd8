#!/usr/bin/env python3
"""SIGTERM in full load, again and again: it ends with 0, soon, and what was accepted is there, once.  On both engines.

`REPRISE_ROUNDS` plays more of them; `REPRISE_CRASH_SEED` plays the same moments again.
"""

import os
import pathlib
import random
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import crash_test  # noqa: E402
from crash_test import CUSTOMERS, START_POINTS, Book, Passing  # noqa: E402
from runtime import Runtime, timed_main, until  # noqa: E402

SEED = int(os.environ.get("REPRISE_CRASH_SEED") or random.SystemRandom().randrange(2**32))
ROUNDS = int(os.environ.get("REPRISE_ROUNDS", "5"))
ENV = {"START_POINTS": str(START_POINTS), "QUEUE_ADMIT_PER_SECOND": "1000000", "SEAT_ROWS": "26",
       "SEAT_PER_ROW": "100", "QUEUE_VALID_FOR": "24h"}


class Stop(crash_test.Crash):
    """The books of e2e.crash, kept through ends that were asked for."""

    seats = Passing.rows * Passing.places
    test_killed_twenty_times_under_load_everything_adds_up = None  # e2e.crash plays it

    def test_row_35_a_sigterm_in_full_load_is_a_clean_end_every_time(self):
        print(f"REPRISE_CRASH_SEED={SEED}", flush=True)
        chance, book, took = random.Random(SEED), Book(), []
        with Runtime(env=ENV) as runtime:
            for turn in range(ROUNDS):
                took.append(self.load_and_stop(runtime, book, turn, chance))
                runtime.start()
                self.try_again(runtime, book)
            print(f"  ended within {max(took):.1f} s, {sum(took) / len(took):.1f} s on average", flush=True)
            self.assertEqual(book.odd, [])
            self.settled(runtime)
            self.everything_accepted_is_there(runtime, book)
            self.nothing_else_is_there(runtime, book)
            self.assertEqual(runtime.stop(within=60), 0, runtime.log)
            self.the_journal_adds_up(runtime)
            self.assertEqual(runtime.audit(), (0, ""))

    def load_and_stop(self, runtime, book, turn, chance):
        """How long the end took."""
        customers = [Passing(runtime, book, f"u{turn}-{i}", random.Random(chance.random())) for i in range(CUSTOMERS)]
        enough = len(book.accepted) + chance.randint(1, 2000 // ROUNDS)
        for customer in customers:
            customer.start()
        until(f"{enough} are accepted", lambda: len(book.accepted) >= enough, within=60)
        began = time.monotonic()
        self.assertEqual(runtime.stop(within=60), 0, runtime.log[-3000:])  # 10 s on a machine of its own
        took = time.monotonic() - began
        for customer in customers:
            customer.join(60)
            self.assertFalse(customer.is_alive())
        return took

    def nothing_else_is_there(self, runtime, book):
        """A request that is answered by nobody would be a saga that nobody was told of."""
        begun = {saga["id"] for saga in runtime.sagas(pipeline="reservation")}
        self.assertEqual(begun, set(book.accepted))


if __name__ == "__main__":
    timed_main()
