"""What the tests of the fault matrix share: servers of their own, load, and what must hold when it is over."""

import collections
import concurrent.futures
import contextlib
import json
import os
import pathlib
import random
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import outage  # noqa: E402
from outage import crash_test, processes  # noqa: E402,F401
from runtime import until  # noqa: E402

LONG = os.environ.get("REPRISE_LONG") == "1"
# In a run of more than five minutes reservations expire, and what was paid is over.
SAGAS_OF_A_LONG_RUN = {**crash_test.Crash.sagas_of, "CONFIRMED": {"running", "done"}, "EXPIRED": {"running", "done"}}


class Doomed(crash_test.Customer):
    """Of a process that will go silent: it goes home when nobody answers, and asks again later with its keys."""

    comes_again_after_503 = True

    def __init__(self, runtime, book, name, chance, pause=0.0, pays=1.0):
        super().__init__(runtime, book, name, chance)
        self.pause, self.pays = pause, pays  # between two reservations, in seconds; how many of them it pays for

    def reserve(self, client, token, held):
        threading.Event().wait(self.pause)
        super().reserve(client, token, held)

    def pay(self, client, token, reservation):
        if self.chance.random() < self.pays:
            super().pay(client, token, reservation)

    def queue(self, client):
        """Also while the process does not know yet what it has."""
        while client.ask("GET", "/readyz").status == 503:
            threading.Event().wait(0.2)
        return super().queue(client)


class Faulted(outage.Outage):
    sagas_of = SAGAS_OF_A_LONG_RUN if LONG else outage.Outage.sagas_of

    @contextlib.contextmanager
    def doomed(self, runtime, name, count=3):
        """Customers of a process that is going to be silent while this lasts."""
        customers = [Doomed(runtime, self.book, f"{name}-{i}", random.Random(self.chance.random()))
                     for i in range(count)]
        for customer in customers:
            customer.start()
        yield
        for customer in customers:
            customer.join(60)
            self.assertFalse(customer.is_alive())

    def settled(self, runtime):
        runtime._hang_up()  # it has ended a connection that was silent as long as a fault lasts
        super().settled(runtime)

    @staticmethod
    def wait(seconds):
        """Time passes; what happens meanwhile is no condition that could be waited for."""
        threading.Event().wait(seconds)

    def kcat(self, *what, send=None):
        """What kcat prints."""
        return subprocess.run(["kcat", "-b", self.servers.variables()["REPRISE_KAFKA"], "-q", *map(str, what)],
                              input=send, capture_output=True, check=True, timeout=60).stdout

    def topics(self):
        """Those of steps, and those that steps send to."""
        names = [topic["topic"] for topic in json.loads(self.kcat("-L", "-J"))["topics"]]
        return sorted(name for name in names if not name.startswith("__"))

    def records(self, topic):
        """Everything that is in a topic; headers as pairs."""
        found = [json.loads(line) for line in
                 self.kcat("-C", "-t", topic, "-o", "beginning", "-e", "-J").decode().splitlines()]
        for record in found:
            flat = record.get("headers", [])
            record["headers"] = list(zip(flat[::2], flat[1::2]))
        return found

    def all_records(self, topics):
        with concurrent.futures.ThreadPoolExecutor(8) as readers:  # each mostly waits
            return [record for found in readers.map(self.records, topics) for record in found]

    def published(self):
        """How often each message and record is in Kafka, by its id."""
        return collections.Counter(dict(record["headers"])["ce_id"] for record in self.all_records(self.topics()))

    def of_steps(self):
        """All records that go between steps."""
        prefix = self.cluster.env()["REPRISE_PREFIX"]
        return self.all_records([topic for topic in self.topics()
                                 if topic.startswith(f"{prefix}.") and topic != f"{prefix}.dead"])

    def unread(self, runtime):
        """How many of those no lane has come to; none is passed over, so that counting them is enough."""
        return len(self.of_steps()) - int(runtime.rows("SELECT sum(greatest(next_offset, 0)) FROM rp_lane")[0][0])

    def nothing_waits_for_an_owner(self, runtime):
        """What processes that are gone left behind was published, and they are buried."""
        until("what dead workers left is on its way", lambda: runtime.rows(
            "SELECT count(*) FROM rp_worker WHERE dead AND sealed IS NOT NULL") == [("0",)], within=60, every=0.1)
