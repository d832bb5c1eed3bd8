#!/usr/bin/env python3
"""kill -9 at every place that `run --fault` can name, before and after, in a do and in an undo, under load: each
fault strikes, and after the next start everything that was accepted is there and adds up.

`REPRISE_E2E_ENGINE=cluster` plays those that only the cluster passes, and the first of the others.
"""

import contextlib
import os
import random
import signal
import time
import unittest

from crash_test import CUSTOMERS, SEATS, START_POINTS, Book, Customer
from runtime import ENGINE, Client, Runtime, command, until

SEED = int(os.environ.get("REPRISE_CRASH_SEED") or random.SystemRandom().randrange(2**32))
ENV = {"START_POINTS": str(START_POINTS), "QUEUE_ADMIT_PER_SECOND": "1000000", "SEAT_ROWS": "10",
       "SEAT_PER_ROW": "50", "QUEUE_VALID_FOR": "24h"}
# What must go wrong so that a place is passed at all.
UNDO = ("--fault", "reservation/deadline.do=fail")
AGAIN = ("--fault", "reservation/reserve.do=retry:3")
GIVES_UP = ("--fault", "reservation/record.do=fail")
# place, with what, and how often it may be passed before it strikes
PLACES = [("begin", (), 40), ("claim", (), 20), ("plugin:do", (), 60), ("plugin:undo", UNDO, 20),
          ("commit:do", (), 40), ("commit:undo", UNDO, 5), ("answer", (), 40), ("publish:do", (), 40),
          ("publish:undo", UNDO, 5), ("due", AGAIN, 10), ("call:do", UNDO, 5), ("letter", GIVES_UP, 20)]
CLUSTER = [("poll", (), 40), ("produce", (), 40), ("acknowledged", (), 10), ("take", (), 1), ("answer", (), 40),
           ("plugin:do", (), 60), ("commit:undo", UNDO, 5)]


class Failpoints(unittest.TestCase):
    def test_killed_at_every_place_nothing_is_lost_and_everything_adds_up(self):
        print(f"REPRISE_CRASH_SEED={SEED}", flush=True)
        chance, book = random.Random(SEED), Book()
        with Runtime(env=ENV) as runtime:
            for turn, (place, wrong, passes) in enumerate(PLACES if ENGINE == "embedded" else CLUSTER):
                for side in ("before", "after"):
                    if (place, side) == ("poll", "before"):
                        continue  # as good as after
                    spec = f"{place}:{side}:hit={chance.randint(1, passes)}"
                    with self.subTest(spec):
                        self.strike(runtime, book, f"{turn}{side[0]}", chance, spec, wrong)
            self.struck_while_it_stops(runtime)
            self.assertEqual(book.odd, [])
            self.settled(runtime)
            self.all_accepted_is_there(runtime, book)
            self.assertEqual(runtime.stop(), 0, runtime.log)
            self.adds_up(runtime)

    def strike(self, runtime, book, turn, chance, spec, wrong):
        """Load until the fault has struck; then a start without it, and what was not answered is asked again."""
        began = time.monotonic()
        if runtime.process and runtime.process.poll() is None:
            self.assertEqual(runtime.stop(), 0, runtime.log)
        with contextlib.suppress(AssertionError):  # it may strike before it is ready
            runtime.start(options=("--fault", spec, *wrong))
        customers = [Customer(runtime, book, f"u{turn}-{i}", random.Random(chance.random()))
                     for i in range(CUSTOMERS)]
        for customer in customers:
            customer.start()
        until(f"{spec} strikes", lambda: runtime.process.poll() is not None, within=60)
        self.assertEqual(runtime.process.returncode, -signal.SIGKILL, runtime.log[-3000:])
        for customer in customers:
            customer.join(30)
            self.assertFalse(customer.is_alive())
        runtime.start(options=())
        with contextlib.closing(Client(runtime.port)) as client:
            for payment in book.payments:
                if payment.answer is None:
                    until("a repeated payment is answered", lambda p=payment: p.ask(client))
                    if payment.answer.status not in (200, 402, 404, 409):
                        book.odd.append((spec, payment.answer))
        print(f"  {spec} struck; {len(book.accepted)} accepted, {time.monotonic() - began:.1f} s", flush=True)

    def struck_while_it_stops(self, runtime):
        for side in ("before", "after"):
            self.assertEqual(runtime.stop(), 0, runtime.log)
            runtime.start(options=("--fault", f"drain:{side}"))
            self.assertEqual(runtime.stop(), -signal.SIGKILL)
            runtime.start(options=())

    def settled(self, runtime):
        """Nothing moves: what is open waits for its deadline."""
        def still():
            moving = [s for s in runtime.sagas() if s["shown"] not in ("done", "undone") and
                      (s["pipeline"], s["shown"]) != ("reservation", "running")]
            waiting = runtime.ask("GET", "/metrics").body.decode().splitlines()
            lag = next(float(line.split()[-1]) for line in waiting if line.startswith("reprise_consumer_lag_messages"))
            return not moving and lag == 0
        until("all sagas are settled", still, within=60, every=0.1)

    def all_accepted_is_there(self, runtime, book):
        rows = runtime.sagas()
        sagas = {s["id"]: s for s in rows}
        self.assertEqual(len(sagas), len(rows), "no saga is listed twice")
        ends = {}
        for reservation, (user, seat) in book.accepted.items():
            self.assertIn(reservation, sagas, f"{user} was told 202 for {seat}")
            status = runtime.status_of(reservation, book.tokens[user])
            shown = sagas[reservation]["shown"]
            # What was paid before its deadline failed keeps its seat, although its saga is undone.
            wanted = {"REJECTED": ("done",), "CANCELLED": ("undone",), "CONFIRMED": ("running", "undone")}
            wanted = wanted.get(status, ("running",))
            self.assertIn(status, ("HELD", "CONFIRMED", "REJECTED", "CANCELLED"), reservation)
            self.assertIn(shown, wanted, (reservation, status))
            ends[status] = ends.get(status, 0) + 1
        print(f"{len(book.accepted)} accepted: {ends}", flush=True)
        for status in ("HELD", "CONFIRMED", "CANCELLED"):
            self.assertGreater(ends.get(status, 0), 0, ends)

    def adds_up(self, runtime):
        def one(sql):
            return int(runtime.rows(sql)[0][0])
        if runtime.cluster is None:
            self.assertEqual(runtime.rows("PRAGMA integrity_check"), [("ok",)])
            self.assertEqual(one("SELECT count(*) FROM rp_bus"), 0)
        captured = one("SELECT coalesce(sum(amount), 0) FROM payment_taken WHERE status = 'CAPTURED'")
        self.assertEqual(one("SELECT count(*) FROM payment_points") * START_POINTS,
                         one("SELECT coalesce(sum(points), 0) FROM payment_points") + captured, "points are conserved")
        for shown, status in (("SOLD", "paid"), ("HELD", "held")):
            self.assertEqual(
                runtime.rows(f"SELECT seat, reservation FROM seat_row WHERE status = '{shown}' ORDER BY 1"),
                runtime.rows(f"SELECT seat, id FROM reservation_row WHERE status = '{status}' ORDER BY 1"))
        self.assertEqual(one("SELECT count(*) FROM seat_row"), SEATS)
        self.assertEqual(one("SELECT count(*) FROM rp_saga WHERE open <> 0 AND state IN (2, 3)"), 0)
        self.assertEqual(one("SELECT count(*) FROM rp_saga WHERE open = 0 AND state NOT IN (2, 3)"), 0)


class Start(unittest.TestCase):
    @unittest.skipIf(ENGINE == "cluster", "of the embedded engine's file")
    def test_killed_in_the_middle_of_the_migrations_the_next_start_does_the_rest(self):
        for side in ("before", "after"):
            for hit in (1, 4):
                with self.subTest(f"{side} the {hit}th"), contextlib.ExitStack() as stack:
                    runtime = Runtime(env=ENV)
                    stack.callback(runtime.close)
                    with self.assertRaisesRegex(AssertionError, "ended with -9"):
                        runtime.start(options=("--fault", f"migrate:{side}:hit={hit}"))
                    runtime.start(options=())
                    token = runtime.token("u")
                    runtime.reserve("A-1", token)
                    self.assertEqual(runtime.stop(), 0, runtime.log)

    def test_a_fault_that_never_struck_is_no_success(self):
        with Runtime(env=ENV, options=("--fault", "letter:hit=1000000")) as runtime:
            self.assertEqual(runtime.stop(), 1)
            self.assertIn("the fault 'letter:hit=1000000' never struck", runtime.log)

    def test_a_place_that_is_not_there_is_a_mistake_with_the_nearest_name(self):
        for spec, why in (("comit:before", "no fault"), ("commit:befor", "what is 'befor'?"),
                          ("begin:undo", "begin is not of a do or an undo"), ("commit:hit=0", "what is 'hit=0'?")):
            ended = command("run", "pipelines", "--fault", spec)
            self.assertEqual(ended.returncode, 2, ended)
            self.assertIn(why, ended.stderr)


if __name__ == "__main__":
    unittest.main()
