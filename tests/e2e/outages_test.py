#!/usr/bin/env python3
"""Kafka, PostgreSQL and Redis are killed, paused and started again under load, and PostgreSQL's connection is
cut in the middle of COMMIT: the runtime comes back by itself, nothing accepted is lost and nothing happens twice.

It has servers of its own (outage.py), which it may kill.
"""

import contextlib
import http.client
import json
import re
import socket
import struct
import threading

from outage import ENV, Outage, crash_test
from runtime import STEPS, Client, Runtime, command, timed_main, until
from wire import Wire


class Outages(Outage):
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

    def test_a_runtime_that_is_there_before_its_servers_waits_for_them(self):
        runtime = Runtime(env=ENV, cluster=self.cluster)
        self.stack.callback(runtime.close)
        for part, named in (("postgres", "PostgreSQL"), ("kafka", "kafka: ")):
            self.servers.kill(part)
            with self.assertRaises(AssertionError):
                runtime.start(within=1)
            until("it says what it waits for",
                  lambda words=named: re.search("a server is not there yet.*" + words, runtime.log), within=60)
            self.servers.restart(part)
            until("it is ready", runtime._ready, within=60)
            self.assertEqual(runtime.stop(), 0, runtime.log)
        self.servers.kill("postgres")
        with self.assertRaises(AssertionError):
            runtime.start(within=2)
        self.assertEqual(runtime.stop(), 0, "a stop while it waits")
        self.servers.restart("postgres")

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
        asked = until("its session is a new one", lambda: (lambda a: a.status == 200 and a)(
            runtimes[1].ask("GET", "/users/mina")), within=30)
        self.assertEqual(asked.json()["points"], crash_test.START_POINTS - crash_test.PRICE * len(taken))

    def test_a_topic_that_was_made_anew_stops_its_lanes_until_a_person_lets_them_go_on(self):
        worker, door = self.start(options=["--steps", ",".join(STEPS)]), self.start(options=["--steps", "http"])
        bearer = door.token("mina")
        for seat in range(1, 7):
            door.reserve(f"A-{seat}", bearer)  # came to the worker over the wire
        for runtime in (door, worker):
            self.assertEqual(runtime.stop(within=20), 0, runtime.log)
        topic = f"{self.cluster.env()['REPRISE_PREFIX']}.reservation.reserve"
        self.delete_topic(topic)

        with contextlib.suppress(AssertionError):
            worker.start(within=1)  # makes the topic, and is ready at most until it looks into it
        print(self.not_ready(worker, "kafka", within=60), flush=True)

        door.start(within=90)

        def stopped():
            """The lanes' names, as any process says them, once all that were read of this topic stand still."""
            listed = command("lane", "list", "--all", "-o", "json", "--server", door.server)
            self.assertEqual(listed.returncode, 0, listed)
            lanes = [lane for lane in json.loads(listed.stdout)["lanes"] if lane["topic"] == topic]
            read = [lane["lane"] for lane in lanes if lane.get("next", -1) > 0]
            return read and read == [lane["lane"] for lane in lanes if "stopped" in lane] and read
        lanes = until("all lanes of the topic stand still", stopped, within=60, every=0.1)
        shown = command("lane", "list", "--server", door.server)
        self.assertIn("was truncated or made anew", shown.stdout)
        self.assertIn(f"next: reprise lane resume {lanes[0]} --why ..", shown.stderr)
        self.assertIn("stand still: reprise lane list", command("doctor", "--server", door.server).stdout)

        first = command("lane", "resume", lanes[0], "--why", "made anew", "--server", door.server)
        self.assertEqual((first.returncode, first.stdout), (0, f"{lanes[0]} goes on from offset 0\n"), first)
        self.assertEqual(command("lane", "resume", lanes[0], "--server", door.server).returncode, 1)
        if lanes[1:]:
            others = command("lane", "resume", topic, "--server", door.server)
            self.assertEqual(others.returncode, 0, others)
        self.ready_again(worker, door)
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
