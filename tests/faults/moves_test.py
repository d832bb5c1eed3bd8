#!/usr/bin/env python3
"""Row 12: three processes are stopped, killed and started again in turn, so that lanes move all the time.  Nothing
is lost, nothing happens twice, and no lane ever goes back.

`REPRISE_MOVES` says how often (12; of 150, lanes change hands 10,000 times); `REPRISE_CRASH_SEED` plays the same turns again.
"""

import os
import random

from faulted import SAGAS_OF_A_LONG_RUN, Doomed, Faulted
from runtime import timed_main, until

MOVES = int(os.environ.get("REPRISE_MOVES", "12"))
# There are 500 seats: in a long run they have to last, and those that nobody pays for are free after five minutes.
PACE = {"pause": 0.3} if MOVES <= 20 else {"pause": 3.0, "pays": 15 / MOVES}


class LanesThatMove(Faulted):
    sagas_of = SAGAS_OF_A_LONG_RUN

    def test_row_12_three_processes_stop_and_start_in_turn(self):
        runtimes = [self.start() for _ in range(3)]
        leaving = [self.customers_of(runtime, f"first-{n}") for n, runtime in enumerate(runtimes)]
        lanes = {}
        for move in range(MOVES):
            turn = move % 3
            self.more_are_accepted(within=180)
            if self.chance.random() < 0.5:
                self.assertEqual(runtimes[turn].stop(within=40), 0, runtimes[turn].log)
            else:
                runtimes[turn].kill()
            lanes = self.no_lane_goes_back(lanes)
            self.gone(leaving[turn])
            runtimes[turn].start(within=90)
            leaving[turn] = self.customers_of(runtimes[turn], f"m{move}")
        for runtime in runtimes:
            runtime.kill()
        for customers in leaving:
            self.gone(customers)
        for runtime in runtimes:
            runtime.start(within=90)
        moves = sum(epoch for epoch, _ in lanes.values())
        print(f"{MOVES} turns, {len(lanes)} lanes changed hands {moves} times", flush=True)
        self.nothing_waits_for_an_owner(runtimes[0])
        until("every record was consumed", lambda: self.unread(runtimes[0]) == 0, within=60, every=0.5)
        self.adds_up(*runtimes)

    def customers_of(self, runtime, name):
        customers = [Doomed(runtime, self.book, f"{name}-{i}", random.Random(self.chance.random()), **PACE)
                     for i in range(2)]
        for customer in customers:
            customer.start()
        return customers

    def gone(self, customers):
        for customer in customers:
            customer.join(60)
            self.assertFalse(customer.is_alive())

    def no_lane_goes_back(self, before):
        """Neither its epoch nor its place; (epoch, next offset) of each."""
        now = {lane: (int(epoch), int(place)) for lane, epoch, place in
               self.cluster.sql("SELECT id, epoch, next_offset FROM rp_lane")}
        for lane, (epoch, place) in before.items():
            self.assertGreaterEqual(now[lane][0], epoch, lane)
            self.assertGreaterEqual(now[lane][1], place, lane)
        return now


if __name__ == "__main__":
    timed_main()
