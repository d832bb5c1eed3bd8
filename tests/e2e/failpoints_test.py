#!/usr/bin/env python3
"""kill -9 at every place that `run --fault` can name, before and after, in a do and in an undo, under load: each
fault strikes, and after the next start everything that was accepted is there and adds up.

`REPRISE_E2E_ENGINE=cluster` plays those that only the cluster passes, and a few of the others, with two processes: one for the
steps, one for HTTP, so that messages take the wire.
"""

import contextlib
import os
import random
import signal
import time
import unittest

import crash_test
from crash_test import CUSTOMERS, SEATS, START_POINTS, Book
from runtime import ENGINE, STEPS, Client, Runtime, command, until

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
# .. and in which of the two processes
CLUSTER = [("poll", (), 10, "worker"), ("produce", (), 40, "door"), ("acknowledged", (), 10, "door"),
           ("forget", (), 1, "worker"), ("adopt", (), 1, "worker"), ("take", (), 1, "worker"), ("answer", (), 40, "worker"), ("answer", (), 40, "door"),
           ("plugin:do", (), 60, "worker"), ("commit:undo", UNDO, 5, "worker")]
# Of those, what the embedded engine never passes, on one side each: for every change; all of them: `make faults`.
SMOKE = os.environ.get("REPRISE_SMOKE") == "1"
ONLY_CLUSTER = ("produce", "acknowledged", "forget", "adopt", "take")
ROLES = {"worker": ("--steps", ",".join(STEPS)), "door": ("--steps", "http")}


class Customer(crash_test.Customer):
    comes_again_after_503 = ENGINE == "cluster"  # a server may be slow; a file is not


class Failpoints(unittest.TestCase):
    def test_killed_at_every_place_nothing_is_lost_and_everything_adds_up(self):
        print(f"REPRISE_CRASH_SEED={SEED}", flush=True)
        self.chance, self.book = random.Random(SEED), Book()
        with contextlib.ExitStack() as stack:
            self.processes = self.made(stack)
            self.door = list(self.processes.values())[-1]
            for turn, (place, wrong, passes, where) in enumerate(self.places()):
                for side in (self.chance.choice(("before", "after")),) if SMOKE else ("before", "after"):
                    if (place, side) == ("poll", "before"):
                        continue  # as good as after
                    spec = f"{place}:{side}:hit={self.chance.randint(1, passes)}"
                    with self.subTest(f"{where} {spec}"):
                        self.strike(f"{turn}{side[0]}", where, spec, wrong)
            if not SMOKE:
                self.struck_while_it_stops()
            self.assertEqual(self.book.odd, [])
            self.settled()
            self.all_accepted_is_there(self.door, self.book)
            self.stop()
            self.adds_up(self.door)

    @staticmethod
    def made(stack):
        """The processes, in the order in which they become ready; the last of them speaks HTTP."""
        first = Runtime(env=ENV)
        stack.callback(first.close)
        if ENGINE == "embedded":
            return {"alone": first}
        second = Runtime(env=ENV, cluster=first.cluster)
        stack.callback(second.close)
        return {"worker": first, "door": second}

    @staticmethod
    def places():
        if ENGINE == "cluster":
            return [place for place in CLUSTER if not SMOKE or place[0] in ONLY_CLUSTER]
        return [(*place, "alone") for place in PLACES]

    def start(self, where=None, more=()):
        """All of them; `more` options for one."""
        for name, process in self.processes.items():
            options = (*ROLES.get(name, ()), *(more if name == where else ()))
            with contextlib.suppress(AssertionError) if where else contextlib.nullcontext():
                process.start(options=options, within=60)  # a fault may strike before it is ready
            if name == where and process.process.poll() is not None:
                return

    def stop(self):
        for process in reversed(self.processes.values()):
            if process.process and process.process.poll() is None:
                self.assertEqual(process.stop(), 0, process.log)

    def strike(self, turn, where, spec, wrong):
        """Load until the fault has struck; then a start without it, and what was not answered is asked again."""
        began = time.monotonic()
        self.stop()
        struck = self.processes[where]
        self.start(where, ("--fault", spec, *wrong))
        customers = [Customer(self.door, self.book, f"u{turn}-{i}", random.Random(self.chance.random()))
                     for i in range(CUSTOMERS)]
        for customer in customers:
            customer.start()
        until(f"{spec} strikes", lambda: struck.process.poll() is not None, within=60)
        self.assertEqual(struck.process.returncode, -signal.SIGKILL, struck.log[-3000:])
        for process in self.processes.values():
            if process.process and process.process.poll() is None:
                process.kill()  # so that the customers go home
        for customer in customers:
            customer.join(30)
            self.assertFalse(customer.is_alive())
        self.start()
        with contextlib.closing(Client(self.door.port)) as client:
            for payment in self.book.payments:
                if payment.answer is None:
                    until("a repeated payment is answered", lambda p=payment: p.ask(client))
                    if payment.answer.status not in (200, 402, 404, 409):
                        self.book.odd.append((spec, payment.answer))
        print(f"  {spec} struck; {len(self.book.accepted)} accepted, {time.monotonic() - began:.1f} s", flush=True)

    def struck_while_it_stops(self):
        for side in ("before", "after"):
            self.stop()
            self.start(list(self.processes)[-1], ("--fault", f"drain:{side}"))
            self.assertEqual(self.door.stop(), -signal.SIGKILL)
            self.stop()
            self.start()

    def settled(self):
        """Nothing moves: what is open waits for its deadline."""
        def lag(process):
            lines = process.ask("GET", "/metrics").body.decode().splitlines()
            return sum(float(line.split()[-1]) for line in lines if line.startswith("reprise_consumer_lag_messages"))

        def still():
            moving = [s for s in self.door.sagas() if s["shown"] not in ("done", "undone") and
                      (s["pipeline"], s["shown"]) != ("reservation", "running")]
            return not moving and sum(map(lag, self.processes.values())) == 0
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
        # On the wire most are killed before anybody has paid: e2e.cluster.crash pays.
        wanted = {"embedded": ("HELD", "CONFIRMED", "CANCELLED"), "cluster": ("HELD", "CANCELLED")}[ENGINE]
        for status in wanted[:1] if SMOKE else wanted:
            self.assertGreater(ends.get(status, 0), 0, ends)

    def adds_up(self, runtime):
        def one(sql):
            return int(runtime.rows(sql)[0][0])
        if runtime.cluster is None:
            self.assertEqual(runtime.rows("PRAGMA integrity_check"), [("ok",)])
            self.assertEqual(one("SELECT count(*) FROM rp_bus"), 0)
        self.assertEqual(runtime.audit(), (0, ""))
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
