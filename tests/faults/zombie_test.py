#!/usr/bin/env python3
"""Row 4: a process stands still after its COMMIT and before it publishes; another one adopts its outbox and ends
its work; then it wakes and publishes late.  Nothing happens twice, nothing is lost."""

import signal
import time

from faulted import LONG, Faulted
from runtime import timed_main, until

SECONDS_LATE = 150 if LONG else 10
ADOPTED = "what it had not published goes on its way"
ROLES = {"a door": ("--steps", "http"), "a whole process": ()}


def stands_still(process):
    """Whether it has stopped itself, as SIGSTOP does."""
    with open(f"/proc/{process.pid}/stat", encoding="utf-8") as stat:
        return stat.read().rpartition(")")[2].split()[0] == "T"


class AFormerOwnerThatDoesNotKnowIt(Faulted):
    def test_row_04_a_zombie_that_publishes_late_what_another_has_adopted(self):
        steady = self.start()
        for name, role in ROLES.items():
            with self.subTest(name):
                self.late(steady, name, role)
        self.adds_up(steady)

    def late(self, steady, name, role):
        told = steady.log.count(ADOPTED)
        zombie = self.start(options=(*role, "--fault", f"produce:before:hit={self.chance.randint(20, 60)}:stop"))
        with self.doomed(zombie, name.replace(" ", "-")):
            until("it stands still", lambda: stands_still(zombie.process), within=60)
            began = time.monotonic()
            until("its outbox is adopted", lambda: steady.log.count(ADOPTED) > told, within=60)
        self.nothing_waits_for_an_owner(steady)
        self.try_again(steady, self.book)
        self.settled(steady)
        self.wait(max(0.0, SECONDS_LATE - (time.monotonic() - began)))
        before = self.published()
        zombie.process.send_signal(signal.SIGCONT)

        def late():
            after = self.published()
            return sum(after[message] > times for message, times in before.items())
        print(f"{name}: {until('it publishes what long was', late, within=60)} records came "
              f"{time.monotonic() - began:.0f} s late, for the second time", flush=True)
        until("it is ready again", zombie._ready, within=60)
        zombie.token(f"after-{name.split()[-1]}")
        self.assertEqual(zombie.stop(within=20), 0, zombie.log)


if __name__ == "__main__":
    timed_main()
