#!/usr/bin/env python3
"""Row 7: PostgreSQL loses its last commits, as when a replica takes over that was behind: its folder is put back to
a copy that is some seconds old, while Kafka and Redis remember.  What the database knows goes on and adds up; of what
it has forgotten no effect is left or comes back, and its messages become dead letters."""

import shutil
import subprocess

from faulted import Faulted
from runtime import STEPS, timed_main, until

LOST = 6  # seconds


class ADatabaseThatLostItsLastCommits(Faulted):
    def test_row_07_while_the_processes_go_on(self):
        self.loses(self.roles())

    def test_row_07_and_the_processes_die_with_it(self):
        self.loses(self.roles(), die=True)

    def roles(self):
        """Two that share the steps and one for HTTP, so that messages take the wire."""
        steps = ["--steps", ",".join(STEPS)]
        return [self.start(options=["--steps", "http"]) if n == 2 else self.start(options=steps) for n in range(3)][::-1]

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
            ghosts = door.rows(f"SELECT {column} FROM {table} WHERE {column}::text NOT IN (SELECT id::text FROM rp_saga)")
            self.assertEqual(ghosts, [], f"of what was forgotten there is something in {table}")
        letters = door.rows("SELECT code, count(*), count(*) FILTER (WHERE saga IN (SELECT id FROM rp_saga)) "
                            "FROM rp_dead GROUP BY code")
        print(f"{len(lost)} of {len(self.book.accepted)} reservations were forgotten; dead letters {letters}", flush=True)
        self.assertEqual([row for row in letters if row[0] != "expired" or row[2] != "0"], [])
        self.cluster.sql("DELETE FROM rp_dead")  # as a person drops them
        self.book.accepted = {r: of for r, of in self.book.accepted.items() if r not in lost}
        self.book.payments = [payment for payment in self.book.payments if payment.reservation not in lost]
        for payment in self.book.payments:
            payment.answer = None  # it may have been forgotten as well, and is asked for again with its key


if __name__ == "__main__":
    timed_main()
