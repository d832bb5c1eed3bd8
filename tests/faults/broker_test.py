#!/usr/bin/env python3
"""Row 8: the only broker is killed under load and comes back after a while: a second, or with REPRISE_LONG=1 also
thirty and a hundred and twenty.  Whatever was committed meanwhile is in Kafka soon after."""

from faulted import LONG, Faulted
from runtime import timed_main, until

AWAY = (1, 30, 120) if LONG else (1, 1)


class ABrokerThatIsKilled(Faulted):
    def test_row_08_the_broker_is_killed_and_comes_back(self):
        runtimes = [self.start(), self.start()]
        with self.load(*runtimes):
            for seconds in AWAY:
                with self.subTest(f"after {seconds} s"):
                    self.servers.kill("kafka")
                    self.wait(seconds)
                    self.servers.restart("kafka")
                    self.ready_again(*runtimes, within=90)
                    self.more_are_accepted()
        self.settled(runtimes[0])
        self.everything_is_told(runtimes[0])
        self.adds_up(*runtimes)

    def everything_is_told(self, runtime):
        """`record` sends each event of each saga to a topic of others."""
        sagas = {saga["id"] for saga in runtime.sagas()}

        def missing():
            there = {dict(record["headers"]).get("ce_sagaid") for record in self.records("data-platform")}
            return len(sagas - there)
        until("every saga is in the topic", lambda: missing() == 0, within=60)


if __name__ == "__main__":
    timed_main()
