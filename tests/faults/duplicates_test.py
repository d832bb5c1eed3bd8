#!/usr/bin/env python3
"""Row 13: everything that is in the topics of a finished run comes again, each record one to five times, in another
order, with its key and headers.  Nothing that was done changes.

`REPRISE_CRASH_SEED` plays the same order again.
"""

import collections

from faulted import Faulted
from producer import Producer
from runtime import STEPS, timed_main, until

# What a run leaves behind, as far as it is no book-keeping of who read how far.
EFFECTS = {
    "points": "SELECT * FROM payment_points ORDER BY 1",
    "payments": "SELECT * FROM payment_taken ORDER BY 1",
    "seats": "SELECT seat, status, reservation, version FROM seat_row ORDER BY 1",
    "reservations": "SELECT * FROM reservation_row ORDER BY 1",
    "pushes": "SELECT * FROM push_user ORDER BY 1, 2",
    "sagas": "SELECT id, state, open, ended FROM rp_saga ORDER BY 1",
    "steps": "SELECT saga, step, item, state, attempt, timers, done, do_id FROM rp_step ORDER BY 1, 2, 3",
    "timers": "SELECT saga, step, item, kind, event, due FROM rp_due ORDER BY 1, 2, 3, 4, 5",
    "dead letters": "SELECT code, detail FROM rp_dead",
}


class EverythingComesAgain(Faulted):
    def test_row_13_each_record_comes_again_one_to_five_times_in_any_order(self):
        worker, door = self.start(options=["--steps", ",".join(STEPS)]), self.start(options=["--steps", "http"])
        with self.load(door):
            until("there is something to come again", lambda: len(self.book.accepted) >= 60, within=120)
        self.try_again(door, self.book)
        self.settled(door)
        self.changes_nothing(door)
        self.adds_up(door, worker)

    def test_row_13_what_was_taken_back_stays_so(self):
        worker = self.start(options=["--steps", ",".join(STEPS), "--fault", "reservation/deadline.do=fail"])
        door = self.start(options=["--steps", "http"])
        with self.load(door):
            until("there is something to come again", lambda: len(self.book.accepted) >= 40, within=120)
        until("all sagas are over", lambda: {saga["shown"] for saga in door.sagas()} <= {"done", "undone"}, within=60,
              every=0.1)
        self.assertIn("undone", {saga["shown"] for saga in door.sagas()})
        self.changes_nothing(door)
        for runtime in (door, worker):
            self.assertEqual(runtime.stop(within=20), 0, runtime.log)
        self.audited(door)

    def changes_nothing(self, runtime):
        """Whatever comes again."""
        self.wait_until_still(runtime)
        before = self.effects(runtime)
        first, again = self.send_again()
        print(f"{first} records came {again} times more", flush=True)
        until("all of it was read", lambda: self.unread(runtime) == 0, within=120, every=0.5)
        self.wait_until_still(runtime)
        after = self.effects(runtime)
        for name, rows in before.items():
            self.assertEqual(collections.Counter(after[name]), collections.Counter(rows), name)

    @staticmethod
    def effects(runtime):
        return {name: runtime.rows(sql) for name, sql in EFFECTS.items()}

    def wait_until_still(self, runtime):
        """Side steps are no part of what a saga waits for."""
        seen = []

        def still():
            seen.append(self.effects(runtime))
            return len(seen) > 1 and seen[-1] == seen[-2]
        until("nothing changes any more", still, within=60, every=1)

    def send_again(self):
        """In the partition where it was, which is the lane of its key; how many there were, how many went out."""
        records = self.of_steps()
        self.assertGreater(len(records), 50)
        again = [record for record in records for _ in range(self.chance.randint(1, 5))]
        self.chance.shuffle(again)
        with Producer(self.servers.variables()["REPRISE_KAFKA"]) as producer:
            for record in again:
                producer.send(record["topic"], record["partition"], record["key"], record["payload"],
                              record["headers"])
        return len(records), len(again)


if __name__ == "__main__":
    timed_main()
