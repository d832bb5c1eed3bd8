#!/usr/bin/env python3
"""Several processes of one deployment on Kafka, PostgreSQL and Redis: they share the work, and whichever of
them is killed, stopped or paused, nothing accepted is lost and nothing happens twice.

The servers are those of servers.env in the build folder (tests/cluster/servers.py start).
"""

import contextlib
import os
import pathlib
import random
import shutil
import signal
import tempfile
import threading
import time
import unittest

os.environ["REPRISE_E2E_ENGINE"] = "cluster"

import crash_test  # noqa: E402  (it reads the engine when it is read)
from runtime import CONCERT, Cluster, Runtime, Stream, timed_main, until  # noqa: E402

ENV = {"START_POINTS": str(crash_test.START_POINTS), "QUEUE_ADMIT_PER_SECOND": "1000000", "SEAT_ROWS": "10",
       "SEAT_PER_ROW": "50", "QUEUE_VALID_FOR": "24h", "QUEUE_JWT_SECRET": "of-three-processes-one-secret-32b"}


class Customer(crash_test.Customer):
    """A process that wakes from a pause says 503 until it knows what it still has."""

    comes_again_after_503 = True


class Several(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.cluster = Cluster()
        self.stack.callback(self.cluster.close)

    def start(self, *options):
        return self.stack.enter_context(Runtime(env=ENV, options=options, cluster=self.cluster))


class Shared(Several, crash_test.Crash):
    """Inherits what must add up in the end."""

    test_killed_twenty_times_under_load_everything_adds_up = None

    def load(self, runtimes, seconds, chance, book, turn, meanwhile):
        """Customers at every process while `meanwhile` happens; those of a process that dies end with it."""
        customers = [Customer(runtime, book, f"t{turn}-{n}-{i}", random.Random(chance.random()))
                     for n, runtime in enumerate(runtimes) for i in range(2)]
        for customer in customers:
            customer.start()
        threading.Event().wait(seconds)
        meanwhile()
        threading.Event().wait(seconds)
        return customers

    def test_three_share_the_work_and_none_is_missed_when_it_is_killed_stopped_or_paused(self):
        print(f"REPRISE_CRASH_SEED={crash_test.SEED}", flush=True)
        chance, book = random.Random(crash_test.SEED), crash_test.Book()
        runtimes = [self.start() for _ in range(3)]
        ended = []

        ended += self.load(runtimes, 1.0, chance, book, 0, runtimes[0].kill)
        runtimes[0].start()

        def stop():
            began = time.monotonic()
            self.assertEqual(runtimes[1].stop(), 0, runtimes[1].log)
            print(f"a stop under load took {time.monotonic() - began:.1f} s", flush=True)
        ended += self.load(runtimes, 1.0, chance, book, 1, stop)
        runtimes[1].start()

        # Longer than its lease and Kafka's session: others have its lanes when it wakes.
        runtimes[2].process.send_signal(signal.SIGSTOP)
        ended += self.load(runtimes[:2], 6.0, chance, book, 2, lambda: None)
        runtimes[2].process.send_signal(signal.SIGCONT)

        for runtime in runtimes:  # ends the load; what is left of it is with the others
            runtime.kill()
        for customer in ended:
            customer.join(40)
            self.assertFalse(customer.is_alive())
        for runtime in runtimes:
            runtime.start()
        self.try_again(runtimes[1], book)
        self.assertEqual(book.odd, [])
        self.settled(runtimes[1])
        self.everything_accepted_is_there(runtimes[2], book)
        self.journal_is_quiet(runtimes[0])
        for runtime in runtimes:
            self.assertEqual(runtime.stop(), 0, runtime.log)
        self.the_journal_adds_up(runtimes[0])

    def journal_is_quiet(self, runtime):
        until("what dead workers left was published, and they are buried", lambda: runtime.rows(
            "SELECT count(*) FROM rp_worker WHERE dead AND sealed IS NOT NULL") == [("0",)], within=30)


class Divided(Several):
    def test_a_process_without_http_and_one_with_nothing_else_do_it_together(self):
        door = self.stack.enter_context(contextlib.closing(
            Runtime(env=ENV, options=["--steps", "http"], cluster=self.cluster)))
        with self.assertRaises(AssertionError):
            door.start(within=4)  # not ready: no one does the steps
        verbose = door.ask("GET", "/readyz?verbose").body.decode()
        self.assertRegex(verbose, r"\[-\]steps failed: no process works on .*reservation\.reserve")
        worker = self.start("--steps", "reserve,hold-seat,deadline,tell-held,release,free-seat,tell-rejected,"
                            "tell-expired,record,alert-admin,claim,pay,confirm-reservation,confirm-seat,tell-paid,"
                            "receipt,add")
        until("the door is ready", door._ready, within=20)
        bearer = door.token("mina")
        stream = Stream(door.port, bearer=bearer)
        reservation = door.reserve("A-1", bearer)
        stream.wait_for("reservation.held", reservationId=reservation, within=20)
        stream.close()
        self.assertEqual(worker.ask("GET", "/seats").status, 404)
        self.assertEqual(worker.ask("GET", "/readyz").status, 200)


class Rolling(Several):
    """Processes are replaced one by one: for a while some have newer files."""

    def newer_files(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="reprise-e2e-")))
        shutil.copytree(CONCERT, folder, dirs_exist_ok=True)
        file = folder / "reservation.yaml"
        note = '  note: { plugin: push.user, on: reserve.held, with: { event: reservation.noted } }'
        file.write_text(file.read_text().replace("for: 5m", "for: 4m").replace("\nside:\n", f"\nside:\n{note}\n"))
        return folder

    def test_a_process_with_older_files_does_its_steps_of_a_saga_that_began_with_newer_ones(self):
        old = self.start()
        new = self.stack.enter_context(
            Runtime(self.newer_files(), env=ENV, options=("--steps", "http,note"), cluster=self.cluster))
        bearer = new.token("mina")
        stream = Stream(new.port, bearer=bearer)
        reservation = new.reserve("A-1", bearer)
        stream.wait_for("reservation.held", reservationId=reservation, within=20)
        stream.wait_for("reservation.noted", reservationId=reservation, within=20)
        stream.close()
        self.assertEqual(new.rows("SELECT count(*) FROM rp_dead"), [("0",)])
        self.assertIn("learnt a plan that another process brought", old.log)


if __name__ == "__main__":
    timed_main()
