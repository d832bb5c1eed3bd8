#!/usr/bin/env python3
"""The machine's clock jumps by an hour and by a day, there and back, while timers and retries wait.

libfaketime moves the runtime's clock; its steady clock goes on.  On the cluster time is the database's, and the machine's
does not count.
"""

import glob
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from runtime import ENGINE, Runtime, timed_main, until  # noqa: E402

LIBRARY = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)
HOUR, DAY = 3600, 86400
ENV = {"QUEUE_ADMIT_PER_SECOND": "1000000", "QUEUE_VALID_FOR": "700h"}
# push.user parks four times before the customer is told.
PARKED = ("--fault", "reservation/tell-held.do=retry:4")


@unittest.skipIf(LIBRARY is None, "libfaketime is not installed")
class Clock(unittest.TestCase):
    def setUp(self):
        self.runtime = Runtime(options=PARKED)
        self.addCleanup(self.runtime.close)
        self.offset = self.runtime.folder / "offset"
        self.jump(0)
        self.runtime.env = {**self.runtime.env, **ENV, "LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": str(self.offset),
                            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        self.runtime.start()
        self.accepted = {}  # reservation -> token

    def jump(self, seconds):
        """From now on the machine's clock shows the real time and so much more."""
        new = self.offset.with_suffix(".new")
        new.write_text(f"{seconds:+d}")
        new.replace(self.offset)  # nobody reads half of it

    def saga(self, saga):
        found = self.runtime.ask("GET", f"/api/v1/sagas/{saga}").json()
        return found["shown"], {step["name"]: step for step in found["steps"]}

    def reserve(self):
        """A customer who is admitted holds a seat, within seconds, whatever the clock has done."""
        token = self.runtime.token(f"u{len(self.accepted)}")
        seat = next(s["seatId"] for s in self.runtime.ask("GET", "/seats").json() if s["status"] == "FREE")
        reservation = self.runtime.reserve(seat, token)
        self.accepted[reservation] = token
        return reservation

    def told(self, reservation):
        until("the retries that were parked go on", lambda: self.saga(reservation)[1]["tell-held"]["state"] == "done",
              within=60, every=0.05)

    def expired(self, reservation):
        """It is, once, and not before its time."""
        until(f"{reservation} has expired", lambda: self.saga(reservation)[0] == "done", within=60, every=0.05)
        shown = self.runtime.ask("GET", f"/reservations/{reservation}", bearer=self.accepted[reservation]).json()
        self.assertEqual(shown["status"], "EXPIRED")
        self.assertGreaterEqual(self.saga(reservation)[1]["release"]["done"], shown["expiresAt"])

    @unittest.skipIf(ENGINE == "cluster", "there time is the database's")
    def test_row_21_timers_fire_once_and_never_early_and_retries_go_on(self):
        for seconds in (HOUR, -HOUR, DAY, -DAY):
            with self.subTest(seconds):
                held = self.reserve()
                self.jump(seconds)
                fresh = self.reserve()
                if seconds > 0:
                    self.expired(held)
                else:
                    self.told(held)
                    self.assertEqual(self.saga(held)[1]["release"]["state"], "waiting")
                self.told(fresh)
                self.jump(0)  # set back, or right again
                self.told(self.reserve())
        self.assertEqual(self.runtime.log.count("the machine's clock was set back"), 2)

        # A start goes by the machine's clock as it is: what is held until a later time waits for it.
        waiting = [r for r in self.accepted if self.saga(r)[0] != "done"]
        self.assertEqual(self.runtime.stop(within=60), 0, self.runtime.log)
        self.runtime.start()
        self.assertEqual([r for r in self.accepted if self.saga(r)[0] != "done"], waiting)
        self.jump(3 * DAY)
        for reservation in self.accepted:
            self.expired(reservation)
        self.assertEqual(self.runtime.stop(within=60), 0, self.runtime.log)
        self.adds_up()

    @unittest.skipUnless(ENGINE == "cluster", "needs a database whose clock does not jump")
    def test_row_21_the_clock_of_a_process_counts_for_nothing_beside_the_databases(self):
        for seconds in (HOUR, -HOUR, DAY, -DAY):
            with self.subTest(seconds):
                held = self.reserve()
                self.jump(seconds)
                self.told(self.reserve())
                self.told(held)
                self.assertEqual(self.saga(held)[1]["release"]["state"], "waiting", "it is early")
                self.jump(0)
                self.told(self.reserve())
        self.assertEqual(self.runtime.stop(within=60), 0, self.runtime.log)
        self.runtime.start(options=("--clock-speed", "300"))
        for reservation in self.accepted:
            self.expired(reservation)
        self.assertEqual(self.runtime.stop(within=60), 0, self.runtime.log)
        self.adds_up()

    def adds_up(self):
        def one(sql):
            return int(self.runtime.rows(sql)[0][0])
        self.assertEqual(one("SELECT count(*) FROM push_user WHERE event = 'reservation.expired'"),
                         len(self.accepted), "each customer was told once")
        self.assertEqual(one("SELECT count(*) FROM rp_due"), 0)
        self.assertEqual(one("SELECT count(*) FROM seat_row WHERE status <> 'FREE'"), 0)
        self.assertEqual(self.runtime.audit(), (0, ""))


if __name__ == "__main__":
    timed_main()
