#!/usr/bin/env python3
"""Row 7: PostgreSQL loses its last commits, as when a replica takes over that was behind: its folder is put back to
a copy that is some seconds old, while Kafka and Redis remember.  What the database knows goes on and adds up; of what
it has forgotten no effect is left or comes back, and its messages become dead letters."""

import contextlib
import shutil
import subprocess

from faulted import Faulted
from outage import ENV
from runtime import STEPS, Runtime, timed_main, until

LOST = 6  # seconds


class ADatabaseThatLostItsLastCommits(Faulted):
    def test_row_07_while_the_processes_go_on(self):
        self.loses(self.roles())

    def test_row_07_and_the_processes_die_with_it(self):
        self.loses(self.roles(), die=True)

    def test_row_07_what_was_under_way_then_and_done_since_is_done_again(self):
        self.done_since(("held", "paying", "paid"))

    def test_row_07_what_was_under_way_then_and_taken_back_since_is_done_after_all(self):
        first = self.done_since(("cancelled", "paying", "paid"), "--fault", "reservation/deadline.do=fail")
        self.assertIn("an undo that its saga has not sent is dropped", first.log)

    def done_since(self, since, *fault):
        """The log has messages of steps that the database does not know to have run, and of those behind them."""
        rest = ["--steps", ",".join(step for step in STEPS if step != "reserve")]
        first = Runtime(env=ENV, options=["--steps", "reserve"], cluster=self.cluster)
        self.stack.callback(first.close)
        with contextlib.suppress(AssertionError):
            first.start(within=1)  # it is not ready before somebody does the rest
        second, door = self.start(options=rest), self.start(options=["--steps", "http"])
        with self.load(door):
            self.assertEqual(first.stop(within=20), 0, first.log)
            before = len(self.book.accepted)
            # More than can be paid for.
            until("many are under way", lambda: len(self.book.accepted) >= before + 25, within=60)
            under_way = set(self.book.accepted) - self.reserved(door, "held", "paying", "paid", "rejected")
            self.keep()
            self.again(second, *rest, *fault)
            first.start(within=90)
            until(f"what was under way is {since[0]}",
                  lambda: under_way <= self.reserved(door, *since, "rejected"), within=60)
            self.ready_again(door, second, within=90)
            self.more_are_accepted()
        lanes = self.lanes_of_two()
        first.kill()
        second.kill()
        self.put_back()
        # What followed from the first step is read before it is done again: to the database, out of nothing.
        self.again(second, *rest)
        until("the others' lanes are read", lambda: self.unread_but(lanes, "reserve") == 0, within=90, every=0.5)
        first.start(within=90)
        self.ready_again(door, second, within=90)
        self.forget(door)
        self.adds_up(door, first, second)
        return first

    @staticmethod
    def again(runtime, *options):
        """Not ready yet: another one is away."""
        if runtime.process.poll() is None:
            runtime.kill()
        with contextlib.suppress(AssertionError):
            runtime.start(options=options, within=1)

    @staticmethod
    def reserved(runtime, *statuses):
        among = ", ".join(f"'{status}'" for status in statuses)
        return {row[0] for row in runtime.rows(f"SELECT id FROM reservation_row WHERE status IN ({among})")}

    def lanes_of_two(self):
        """Those of the process that has one step, of two partitions."""
        lanes = self.cluster.sql("SELECT string_agg(id::text, ',') FROM rp_lane WHERE worker IS NOT NULL "
                                 "GROUP BY worker HAVING count(*) = 2")
        self.assertEqual(len(lanes), 1)
        return lanes[0][0]

    def unread_but(self, lanes, step):
        """How many records no lane has come to, but for these lanes, which are this step's."""
        topic = f"{self.cluster.env()['REPRISE_PREFIX']}.reservation.{step}"
        there = sum(record["topic"] != topic for record in self.of_steps())
        return there - int(self.cluster.sql(
            f"SELECT sum(greatest(next_offset, 0)) FROM rp_lane WHERE id NOT IN ({lanes})")[0][0])

    def roles(self):
        """Two that share the steps and one for HTTP, so that messages take the wire."""
        steps = ["--steps", ",".join(STEPS)]
        workers = [self.start(options=steps) for _ in range(2)]
        return [self.start(options=["--steps", "http"]), *workers]

    def loses(self, runtimes, die=False):
        door = runtimes[0]
        with self.load(door):
            self.keep()
            self.ready_again(*runtimes, within=90)
            self.more_are_accepted()
            self.wait(LOST)
            self.put_back(*(runtimes[1:] if die else []))
            self.ready_again(*runtimes, within=90)
            self.more_are_accepted()
        self.forget(door)
        self.adds_up(*runtimes)

    def data(self):
        return self.servers.part("postgres").folder / "data"

    def copy(self, source, target):
        """As it is on the disk, owners and all."""
        shutil.rmtree(target, ignore_errors=True)
        subprocess.run(["cp", "-a", source, target], check=True, timeout=120)

    def keep(self):
        self.servers.kill("postgres")
        self.copy(self.data(), self.servers.part("postgres").folder / "older")
        self.servers.restart("postgres")

    def put_back(self, *dying):
        for runtime in dying:
            runtime.kill()
        self.servers.kill("postgres")
        self.copy(self.servers.part("postgres").folder / "older", self.data())
        self.servers.restart("postgres")
        for runtime in reversed(dying):
            runtime.start(within=90)

    def forget(self, door):
        """The book holds what the database knows; of the rest there is nothing but dead letters."""
        self.try_again(door, self.book)
        self.settled(door)
        known = {saga["id"] for saga in door.sagas()}
        lost = {reservation for reservation in self.book.accepted if reservation not in known}
        self.assertTrue(lost, "nothing was lost, so nothing was tried")
        for table, column in (("reservation_row", "id"), ("rp_step", "saga"), ("rp_due", "saga"),
                              ("rp_idempotency", "saga"), ("payment_taken", "payment_id")):
            ghosts = door.rows(
                f"SELECT {column} FROM {table} WHERE {column}::text NOT IN (SELECT id::text FROM rp_saga)")
            self.assertEqual(ghosts, [], f"of what was forgotten there is something in {table}")
        letters = door.rows("SELECT code, count(*), count(*) FILTER (WHERE saga IN (SELECT id FROM rp_saga)) "
                            "FROM rp_dead GROUP BY code")
        print(f"{len(lost)} of {len(self.book.accepted)} reservations were forgotten; dead letters {letters}",
              flush=True)
        self.assertEqual([row for row in letters if row[0] != "expired" or row[2] != "0"], [])
        self.cluster.sql("DELETE FROM rp_dead")  # as a person drops them
        self.book.accepted = {r: of for r, of in self.book.accepted.items() if r not in lost}
        self.book.payments = [payment for payment in self.book.payments if payment.reservation not in lost]
        for payment in self.book.payments:
            payment.answer = None  # it may have been forgotten as well, and is asked for again with its key


if __name__ == "__main__":
    timed_main()
