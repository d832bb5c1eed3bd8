#!/usr/bin/env python3
"""Kafka, PostgreSQL and Redis are killed, paused and started again under load, and PostgreSQL's connection is
cut in the middle of COMMIT: the runtime comes back by itself, nothing accepted is lost and nothing happens twice.

It has servers of its own (tests/cluster/servers.py), which it may kill.
"""

import contextlib
import http.client
import os
import pathlib
import random
import re
import socket
import struct
import sys
import tempfile
import threading
import time
import unittest

os.environ["REPRISE_E2E_ENGINE"] = "cluster"
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cluster"))

import crash_test  # noqa: E402  (it reads the engine when it is read)
import processes  # noqa: E402
from parts import PARTS  # noqa: E402
from runtime import STEPS, Client, Cluster, Runtime, timed_main, until  # noqa: E402
from servers import Servers  # noqa: E402
from wire import Wire  # noqa: E402

ENV = {"START_POINTS": str(crash_test.START_POINTS), "QUEUE_ADMIT_PER_SECOND": "1000000", "SEAT_ROWS": "10",
       "SEAT_PER_ROW": "50", "QUEUE_VALID_FOR": "24h", "QUEUE_JWT_SECRET": "of-a-test-of-outages-32-bytes-ok",
       "REPRISE_PARTITIONS": "2"}


class Customer(crash_test.Customer):
    """Queues, reserves and pays until it is told to stop; 503 is an answer it may meet at any time."""

    comes_again_after_503 = True

    def __init__(self, runtime, book, name, chance, stopped, pause):
        super().__init__(runtime, book, name, chance)
        self.stopped, self.pause, self.refused = stopped, pause, 0

    def run(self):
        try:
            with contextlib.closing(Client(self.runtime.port, timeout=30)) as client:
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


class Outages(crash_test.Crash):
    """Inherits what must add up in the end."""

    test_killed_twenty_times_under_load_everything_adds_up = None

    @classmethod
    def setUpClass(cls):
        cls.folder = cls.enterClassContext(tempfile.TemporaryDirectory(prefix="reprise-outage-"))
        cls.servers = Servers(cls.folder)
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
        self.customers = [Customer(runtime, self.book, f"u{n}-{i}", random.Random(self.chance.random()), self.stopped,
                                   0.45 * len(runtimes)) for n, runtime in enumerate(runtimes) for i in range(3)]
        for customer in self.customers:
            customer.start()
        try:
            self.more_are_accepted()
            yield
            self.more_are_accepted()
        finally:
            self.stopped.set()
            for customer in self.customers:
                customer.join(60)
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

    def test_a_broker_that_is_killed_and_comes_back(self):
        runtime = self.start()
        with self.load(runtime):
            self.servers.kill("kafka")
            print(self.not_ready(runtime, "kafka"), flush=True)
            self.refused(runtime)
            self.assertIsNone(runtime.process.poll())
            self.servers.restart("kafka")
            self.ready_again(runtime)
        self.adds_up(runtime)

    def test_a_postgresql_that_is_killed_and_comes_back(self):
        runtimes = [self.start(), self.start()]
        with self.load(*runtimes):
            self.servers.kill("postgres")
            for runtime in runtimes:
                print(self.not_ready(runtime, "postgres"), flush=True)
                self.refused(runtime)
            self.servers.restart("postgres")
            self.ready_again(*runtimes)
        self.adds_up(*runtimes)

    def test_a_postgresql_that_stands_still(self):
        runtime = self.start()
        with self.load(runtime):
            self.servers.pause("postgres")
            self.addCleanup(self.servers.resume, "postgres")
            print(self.not_ready(runtime, "postgres"), flush=True)
            self.refused(runtime)
            self.servers.resume("postgres")
            self.ready_again(runtime)
        self.adds_up(runtime)

    def test_sessions_that_the_server_ends(self):
        runtime = self.start()
        with self.load(runtime):
            for _ in range(10):
                self.assertGreaterEqual(self.end_sessions(), 1)
                self.more_are_accepted()
        self.adds_up(runtime)

    def test_a_redis_that_is_killed_and_comes_back_empty(self):
        runtimes = [self.start(), self.start()]
        with self.load(*runtimes):
            for part in range(3):
                self.servers.kill("redis")
                for runtime in runtimes:
                    self.more_places(runtime, f"away{part}")
                    until("readiness tells of it", lambda r=runtime: "[+]redis ok: away" in r.ask(
                        "GET", "/readyz?verbose").body.decode(), within=15)
                    self.assertTrue(runtime._ready(), "Redis is no reason to be away")
                self.servers.restart("redis", empty=True)
                for runtime in runtimes:
                    self.more_places(runtime, f"back{part}")
                    until("redis is back", lambda r=runtime: "[+]redis ok\n" in r.ask(
                        "GET", "/readyz?verbose").body.decode(), within=30)
                    self.more_places(runtime, f"empty{part}")
        self.assertEqual(sum(customer.refused for customer in self.customers), 0)
        self.adds_up(*runtimes)

    def more_places(self, runtime, name):
        for i in range(20):
            answer = runtime.ask("POST", "/queue", {"userId": f"{name}-{i}-{runtime.port}"})
            self.assertEqual(answer.status, 200, answer)
            with self.book.lock:
                self.book.positions.append(answer.json()["position"])

    def test_no_lock_that_is_lost_lets_two_payments_through(self):
        """One customer pays each reservation four times at once, at two processes; there are points for four."""
        runtimes = [self.start(), self.start()]
        bearer = runtimes[0].token("mina")
        reservations = [runtimes[0].reserve(f"A-{i}", bearer) for i in range(1, 11)]
        done, payments = threading.Event(), []

        def pay(runtime, payment):
            with contextlib.closing(Client(runtime.port, timeout=60)) as client:
                until("a payment is answered", lambda: payment.ask(client), within=120, every=0.02)

        def disturb():
            while not done.is_set():
                self.servers.kill("redis")
                self.end_sessions()
                self.servers.restart("redis", empty=True)
                done.wait(0.3)
        trouble = threading.Thread(target=disturb)
        trouble.start()
        try:
            for reservation in reservations:
                now = [crash_test.Payment(reservation, bearer, f"{n}-{reservation}") for n in range(4)]
                threads = [threading.Thread(target=pay, args=(runtimes[n % 2], one)) for n, one in enumerate(now)]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join()
                payments += now
        finally:
            done.set()
            trouble.join()
        self.assertEqual([p.key for p in payments if p.answer is None], [], "each was answered")
        self.assertLessEqual({p.answer.status for p in payments}, {200, 402, 404, 409})
        for reservation in reservations:
            paid = {p.answer.json()["paymentId"] for p in payments
                    if p.reservation == reservation and p.answer.status == 200}
            self.assertLessEqual(len(paid), 1, "a reservation was paid twice")
        until("nothing moves", lambda: runtimes[0].rows(
            "SELECT count(*) FROM rp_saga WHERE state NOT IN (2, 3) AND id NOT IN (SELECT saga FROM rp_due)")
            == [("0",)], within=60, every=0.1)
        taken = runtimes[0].rows("SELECT reservation_id FROM payment_taken WHERE status = 'CAPTURED'")
        self.assertEqual(len(set(taken)), len(taken), "a reservation was paid twice")
        self.assertIn(len(taken), range(1, 5), "there were points for four")
        points = runtimes[1].ask("GET", "/users/mina").json()["points"]
        self.assertEqual(points, crash_test.START_POINTS - crash_test.PRICE * len(taken))

    def end_sessions(self):
        """Ends whatever session the runtimes have; how many."""
        return int(self.cluster.sql(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()")[0][0])

    def test_a_topic_that_was_made_anew_stops_its_lanes_until_a_person_lets_them_go_on(self):
        worker, door = self.start(options=["--steps", ",".join(STEPS)]), self.start(options=["--steps", "http"])
        bearer = door.token("mina")
        for seat in range(1, 7):
            door.reserve(f"A-{seat}", bearer)  # came to the worker over the wire
        for runtime in (door, worker):
            self.assertEqual(runtime.stop(within=20), 0, runtime.log)
        self.delete_topic(f"{self.cluster.env()['REPRISE_PREFIX']}.reservation.reserve")

        with self.assertRaises(AssertionError):
            worker.start(within=1)  # makes the topic, and is not ready
        print(self.not_ready(worker, "kafka", within=60), flush=True)

        def stopped():
            """The lanes' ids, once all that were read of this topic stand still."""
            line = self.not_ready(worker, "kafka")
            self.assertIn("was truncated or made anew", line)
            named = dict(re.findall(r"\[(\d)\] [(]rp_lane (-?\d+)[)]", line))
            first = min(int(lane) - int(partition) for partition, lane in named.items())
            read = self.cluster.sql(f"SELECT id FROM rp_lane WHERE next_offset > 0 AND id - {first} IN (0, 1)")
            return sorted(named.values()) == sorted(lane for lane, in read) and list(named.values())
        lanes = until("all lanes of the topic stand still", stopped, within=60)
        self.assertEqual(worker.stop(within=20), 0, worker.log)
        self.cluster.sql(f"UPDATE rp_lane SET next_offset = 0, last_message = NULL WHERE id IN ({', '.join(lanes)})")
        self.cluster.sql(f"DELETE FROM rp_lane_log WHERE lane IN ({', '.join(lanes)})")
        worker.start(within=90)
        door.start(within=90)
        for seat in range(7, 13):
            door.reserve(f"A-{seat}", bearer)

    def delete_topic(self, name):
        """DeleteTopics, version 1, of Kafka's protocol."""
        host, port = self.servers.variables()["REPRISE_KAFKA"].split(":")
        body = struct.pack(">hhih4sih", 20, 1, 1, 4, b"test", 1, len(name)) + name.encode() + struct.pack(">i", 30000)
        with socket.create_connection((host, int(port)), timeout=60) as to:
            to.sendall(struct.pack(">i", len(body)) + body)
            got = to.makefile("rb")
            answer = got.read(struct.unpack(">i", got.read(4))[0])
        self.assertEqual(struct.unpack(">h", answer[-2:])[0], 0, "Kafka deletes the topic")

    def wired(self):
        """A runtime whose way to PostgreSQL can be cut."""
        url = self.cluster.postgres
        port = int(re.search(r":(\d+)/", url)[1])
        wire = self.stack.enter_context(contextlib.closing(Wire(port)))
        return wire, self.start({"REPRISE_POSTGRES": url.replace(f":{port}/", f":{wire.port}/")})

    def fates(self, runtime, committed):
        return runtime.log.count(f"its fate was read from the journal committed={committed}")

    def test_a_connection_that_is_cut_in_the_middle_of_commit(self):
        wire, runtime = self.wired()
        with self.load(runtime):
            for turn in range(16):
                wire.cut_next_commit("after" if turn % 2 else "before")
                until("a COMMIT was cut", lambda t=turn: wire.cuts > t)
                self.more_are_accepted()
        fates = [self.fates(runtime, word) for word in ("true", "false")]
        print(f"{wire.cuts} cuts; fates: committed, not: {fates}", flush=True)
        self.assertTrue(all(fates), runtime.log[-3000:])
        self.adds_up(runtime)

    def test_while_the_fate_of_a_commit_cannot_be_known_nothing_is_accepted_and_a_stop_is_obeyed(self):
        wire, runtime = self.wired()
        with self.load(runtime):
            wire.cut_next_commit("after", then_down=True)
            until("a COMMIT was cut", lambda: wire.cuts == 1)
            print(self.not_ready(runtime, "postgres"), flush=True)
            self.refused(runtime)
            wire.down(False)
            self.ready_again(runtime)
        wire.cut_next_commit("after", then_down=True)
        # The COMMIT that is cut may be this request's own: then nobody can say yet what became of it, and it waits.
        with contextlib.closing(Client(runtime.port, timeout=60)) as waits:
            asking = threading.Thread(target=self.ask_and_forget, args=(waits,), daemon=True)
            asking.start()
            until("a COMMIT was cut", lambda: wire.cuts == 2)
            with contextlib.closing(Client(runtime.port, timeout=30)) as client:
                self.assertEqual(client.ask("POST", "/users/u0-0/points", {"amount": 1}).status, 503)
            self.assertEqual(runtime.stop(within=20), 0, runtime.log)
            asking.join(timeout=30)
        wire.down(False)

    @staticmethod
    def ask_and_forget(client):
        with contextlib.suppress(OSError, http.client.HTTPException):
            client.ask("POST", "/users/u0-0/points", {"amount": 1})


if __name__ == "__main__":
    timed_main()
