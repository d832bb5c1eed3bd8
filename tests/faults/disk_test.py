#!/usr/bin/env python3
"""A disk that fails under load: writes and syncs that end with EIO, once or from then on, and a process that dies in
the middle of one.  The runtime answers 503 or stops; after a clean start everything it accepted is there.

strace makes the system calls of the journal's files fail; `REPRISE_CRASH_SEED` plays the same ones again.
"""

import contextlib
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import crash_test
from crash_test import CUSTOMERS, GONE, START_POINTS, Book
from runtime import Client, Runtime, timed_main, until

SEED = int(os.environ.get("REPRISE_CRASH_SEED") or random.SystemRandom().randrange(2**32))
ENV = {"START_POINTS": str(START_POINTS), "QUEUE_ADMIT_PER_SECOND": "1000000", "SEAT_ROWS": "26",
       "SEAT_PER_ROW": "100", "QUEUE_VALID_FOR": "24h"}
# system call, what becomes of it, and how often it may have gone well before.  A "+" goes on for ever.
FAULTS = [("fdatasync", "error=EIO", 20, ""), ("fdatasync", "error=EIO", 20, "+"),
          ("pwrite64", "error=EIO", 120, ""), ("pwrite64", "error=EIO", 120, "+"),
          ("pwrite64", "signal=KILL", 120, ""), ("fdatasync", "signal=KILL", 20, "")]


def strace(*options):
    # -D: the tracer is a grandchild, so that the process that was started is the runtime's own.  Without --seccomp-bpf,
    # with which signals are not injected.
    return ["strace", "-D", "-f", "-qq", *options]


def refusal():
    """Why no system call can be made to fail here; empty if it can."""
    with tempfile.NamedTemporaryFile() as log, contextlib.suppress(OSError):
        done = subprocess.run(strace("-o", log.name, "-e", "trace=fsync", "-e", "inject=fsync:error=EIO", sys.executable,
                                     "-c", "import os; os.fsync(1)"), capture_output=True, text=True, check=False)
        return "" if "Errno 5" in done.stderr else f"strace may not trace: {done.stderr.strip()[-200:]}"
    return "strace is not installed"


class Customer(crash_test.Passing):
    comes_again_after_503 = True


class Disk(crash_test.Crash):
    """The books of e2e.crash, kept through faults of the disk."""

    seats = Customer.rows * Customer.places
    test_killed_twenty_times_under_load_everything_adds_up = None  # e2e.crash plays it

    def setUp(self):
        if why := refusal():
            self.skipTest(why)

    def test_row_19_writes_and_syncs_that_fail_lose_nothing_that_was_accepted(self):
        print(f"REPRISE_CRASH_SEED={SEED}", flush=True)
        self.chance, self.book = random.Random(SEED), Book()
        with contextlib.closing(Runtime(env=ENV)) as runtime:
            for turn, (call, what, passes, ever) in enumerate(FAULTS * 2):
                fault = f"inject={call}:{what}:when={self.chance.randint(1 + turn, passes)}{ever}"
                self.strike(runtime, turn, call, fault)
                runtime.start()
                self.try_again(runtime, self.book)
                self.assertEqual(runtime.stop(within=60), 0, runtime.log)
            runtime.start()
            self.assertEqual(self.book.odd, [])
            self.settled(runtime)
            self.everything_accepted_is_there(runtime, self.book)
            self.assertEqual(runtime.stop(), 0, runtime.log)
            self.the_journal_adds_up(runtime)
            self.assertEqual(runtime.audit(), (0, ""))

    def strike(self, runtime, turn, call, fault):
        trace = runtime.folder / f"strace-{turn}"
        # Only the journal's calls count; the first of them are of the start.
        files = [word for end in ("", "-wal") for word in ("-P", f"{runtime.file}{end}")]
        runtime.wrap = strace("-o", trace, *files, "-e", f"trace={call}", "-e", fault)
        with contextlib.suppress(AssertionError):  # "ended with 1", or killed
            runtime.start(within=60)
        runtime.wrap = []
        accepted = len(self.book.accepted)
        customers = [Customer(runtime, self.book, f"u{turn}-{i}", random.Random(self.chance.random()))
                     for i in range(CUSTOMERS)]
        for customer in customers:
            customer.start()
        until(f"{fault} strikes", lambda: runtime.process.poll() is not None or (
            trace.exists() and "INJECTED" in trace.read_text()), within=60)
        how = self.went_on(runtime, fault)
        for customer in customers:
            customer.join(60)
            self.assertFalse(customer.is_alive())
        print(f"  {fault}: {how}; {len(self.book.accepted) - accepted} accepted", flush=True)

    def went_on(self, runtime, fault):
        """What the runtime did; it is gone then."""
        if "KILL" in fault:
            self.assertEqual(runtime.process.wait(60), -signal.SIGKILL, runtime.log[-3000:])
            return "killed"
        if fault.endswith("+"):
            until("nothing is accepted", lambda: self.queued(runtime) in ("503", "stopped"), within=30, every=0.1)
        else:
            until("it accepts again, or has stopped", lambda: self.queued(runtime) in ("200", "stopped"),
                  within=30, every=0.1)
        seen = self.queued(runtime)
        if runtime.process.poll() is None:
            runtime.process.send_signal(signal.SIGTERM)
        code = runtime.process.wait(60)
        return f"{seen}, then ended with {code}"

    @staticmethod
    def queued(runtime):
        try:
            with contextlib.closing(Client(runtime.port, timeout=20)) as client:
                return str(client.ask("POST", "/queue", {"userId": "looks-on"}).status)
        except GONE:
            return "stopped" if runtime.process.poll() is not None else "no answer"


if __name__ == "__main__":
    timed_main()
