"""Servers of a test's own, which it may kill, and customers who go on meanwhile; what must add up in the end."""

import contextlib
import os
import pathlib
import random
import re
import sys
import tempfile
import threading
import time

os.environ["REPRISE_E2E_ENGINE"] = "cluster"
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cluster"))

import crash_test  # noqa: E402  (it reads the engine when it is read)
import processes  # noqa: E402
from parts import PARTS  # noqa: E402
from runtime import Client, Cluster, Runtime, until  # noqa: E402
from servers import Servers  # noqa: E402

ENV = {"START_POINTS": str(crash_test.START_POINTS), "QUEUE_ADMIT_PER_SECOND": "1000000", "SEAT_ROWS": "10",
       "SEAT_PER_ROW": "50", "QUEUE_VALID_FOR": "24h", "QUEUE_JWT_SECRET": "of-a-test-of-outages-32-bytes-ok",
       "REPRISE_PARTITIONS": "2"}


class Customer(crash_test.Customer):
    """Queues, reserves and pays until it is told to stop; 503 is an answer it may meet at any time."""

    comes_again_after_503 = True
    patience = 30.0

    def __init__(self, runtime, book, name, chance, stopped, pause):
        super().__init__(runtime, book, name, chance)
        self.stopped, self.pause, self.refused = stopped, pause, 0

    def run(self):
        try:
            with contextlib.closing(Client(self.runtime.port, timeout=self.patience)) as client:
                while (token := self.queue(client)) is None and not self.stopped.is_set():
                    pass
                held = []
                while not self.stopped.wait(self.pause):  # or all is sold before the outage is over
                    self.reserve(client, token, held)
                    if held and self.chance.random() < 0.5:
                        self.pay(client, token, held.pop(self.chance.randrange(len(held))))
        except crash_test.GONE as gone:
            self.wrong("the runtime did not answer", gone)

    def queue(self, client):
        answer = client.ask("POST", "/queue", {"userId": self.user})
        if answer.status == 503:
            return self.refusal(answer)
        if answer.status != 200:
            return self.wrong("queue", answer)
        place = answer.json()
        with self.book.lock:
            self.book.tokens[self.user] = place["token"]
            self.book.positions.append(place["position"])
        return place["token"]

    def reserve(self, client, token, held):
        ask = client.ask

        def asked(*what, **more):
            answer = ask(*what, **more)
            if answer.status == 503:
                self.refusal(answer)
            return answer
        client.ask = asked  # so that no 503 of whatever request goes unseen
        try:
            super().reserve(client, token, held)
        finally:
            client.ask = ask

    def refusal(self, answer):
        """A 503 says when to come again, in the form of every other problem."""
        self.refused += 1
        if not answer.code or not re.fullmatch(r"\d+", answer.headers.get("retry-after", "")):
            self.wrong("a 503 that is no problem with Retry-After", answer)
        self.stopped.wait(0.05)


class Book(crash_test.Book):
    def __init__(self):
        super().__init__()
        self.positions = []


class Outage(crash_test.Crash):
    """Inherits what must add up in the end."""

    test_killed_twenty_times_under_load_everything_adds_up = None
    customer = Customer
    kinds = None  # of servers, where they are set up otherwise than they mostly are

    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="reprise-outage-"))
        cls.servers = Servers(cls.folder, cls.kinds)
        cls.addClassCleanup(cls.servers.stop)
        cls.servers.start(list(PARTS), processes.identity(os.getpid()))

    def setUp(self):
        print(f"REPRISE_CRASH_SEED={crash_test.SEED}", flush=True)
        self.chance = random.Random(crash_test.SEED)
        self.book = Book()
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.cluster = Cluster(self.servers.variables())
        self.stack.callback(self.cluster.close)
        self.stopped = threading.Event()
        self.customers = []

    def start(self, env=None, options=()):
        """One more runtime; alone, one that is only a door would never be ready."""
        runtime = Runtime(env={**ENV, **(env or {})}, options=options, cluster=self.cluster)
        self.stack.callback(runtime.close)
        return runtime.start(within=90)

    @contextlib.contextmanager
    def load(self, *runtimes):
        """Customers of every runtime, from before the outage until after it."""
        self.customers = [self.customer(runtime, self.book, f"u{n}-{i}", random.Random(self.chance.random()),
                                        self.stopped, 0.45 * len(runtimes))
                          for n, runtime in enumerate(runtimes) for i in range(3)]
        for customer in self.customers:
            customer.start()
        try:
            self.more_are_accepted()
            yield
            self.more_are_accepted()
        finally:
            self.stopped.set()
            for customer in self.customers:
                customer.join(30 + customer.patience)
        self.assertFalse(any(customer.is_alive() for customer in self.customers))
        self.assertEqual(self.book.odd, [])

    def more_are_accepted(self, within=60):
        seen = len(self.book.accepted)
        until("more reservations are accepted", lambda: len(self.book.accepted) > seen + 5, within)

    def adds_up(self, *runtimes):
        runtime = runtimes[0]
        self.try_again(runtime, self.book)
        self.assertEqual(self.book.odd, [])
        self.settled(runtime)
        self.everything_accepted_is_there(runtime, self.book)
        self.assertEqual(len(set(self.book.positions)), len(self.book.positions), "a position was given twice")
        for one in runtimes:
            self.assertEqual(one.stop(within=20), 0, one.log)
        self.the_journal_adds_up(runtime)
        self.audited(runtime)

    def audited(self, runtime):
        self.assertEqual(runtime.audit(within=120), (0, ""))

    def not_ready(self, runtime, part, within=30):
        """Waits until readiness names the part; answers its line."""
        def probe():
            with contextlib.suppress(OSError), contextlib.closing(Client(runtime.port, timeout=5)) as client:
                answer = client.ask("GET", "/readyz?verbose")
                found = re.search(rf"^\[-\]{part} failed: .*$", answer.body.decode(), re.MULTILINE)
                return found and answer.status == 503 and found[0]
            return False
        return until(f"/readyz says that {part} is down", probe, within, every=0.1)

    def refused(self, runtime, within=30):
        """Waits until a request that would begin something is answered 503."""
        def probe():
            with contextlib.closing(Client(runtime.port, timeout=30)) as client:
                return client.ask("POST", "/queue", {"userId": "late"}).status == 503
        until("the runtime says 503", probe, within, every=0.1)

    def ready_again(self, *runtimes, within=60):
        began = time.monotonic()
        for runtime in runtimes:
            until("the runtime is ready again", runtime._ready, within, every=0.1)
        print(f"ready again after {time.monotonic() - began:.1f} s", flush=True)

    def end_sessions(self):
        """Ends whatever session the runtimes have; how many."""
        return int(self.cluster.sql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()")[0][0])
