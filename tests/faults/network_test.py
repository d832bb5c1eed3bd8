#!/usr/bin/env python3
"""Row 10: the network between the runtime and each of its servers stalls, is cut in the middle of a frame, or
swallows what is sent without a word.  The runtime comes back by itself; nothing is lost, nothing happens twice."""

import contextlib

from faulted import Faulted, outage
from parts import Kafka
from processes import free_port
from runtime import timed_main, until
from troubled import Troubled

STALL = 5
CUTS = 6
SWALLOWED = 20


class WiredKafka(Kafka):
    """With one more listener, that clients reach over a wire alone: the broker tells them so."""

    settings = Kafka.settings.replace("PLAINTEXT:PLAINTEXT,", "PLAINTEXT:PLAINTEXT,WIRE:PLAINTEXT,")
    inner, wire = 0, 0

    def listeners(self):
        return [*super().listeners(), ("WIRE", self.inner)]

    def prepare(self):
        super().prepare()
        file = self.folder / "server.properties"
        file.write_text("".join(
            line.replace(str(self.inner), str(self.wire)) if line.startswith("advertised.") else line
            for line in file.read_text().splitlines(keepends=True)))


class Patient(outage.Customer):
    """Whose request was in a transaction when its connection fell silent: it waits as long as a statement may take."""

    patience = 120.0


class Network(Faulted):
    customer = Patient
    kinds = {"kafka": WiredKafka}

    @classmethod
    def setUpClass(cls):
        WiredKafka.inner = free_port()
        cls.kafka = cls.enterClassContext(contextlib.closing(Troubled(WiredKafka.inner)))
        WiredKafka.wire = cls.kafka.port
        super().setUpClass()

    def wired(self, variable, url):
        """A wire to a server whose port is in its url."""
        port = int(url.rpartition("@")[2].split(":")[1].split("/")[0])
        wire = self.stack.enter_context(contextlib.closing(Troubled(port)))
        return wire, {variable: url.replace(f":{port}", f":{wire.port}")}

    def test_row_10_between_the_runtime_and_kafka(self):
        self.trouble(self.kafka, {"REPRISE_KAFKA": f"127.0.0.1:{self.kafka.port}"})

    def test_row_10_between_the_runtime_and_postgresql(self):
        self.trouble(*self.wired("REPRISE_POSTGRES", self.cluster.postgres))

    def test_row_10_between_the_runtime_and_redis(self):
        self.trouble(*self.wired("REPRISE_REDIS", self.servers.variables()["REPRISE_REDIS"]))

    def trouble(self, wire, env):
        runtime = self.start(env)
        self.assertGreater(wire.carried, 0, "it goes over the wire")
        with self.load(runtime):
            with wire.stalled():
                self.wait(STALL)
            self.goes_on(runtime, "a stall")
            for n in range(CUTS):
                wire.cut_a_frame("there" if n % 2 else "back")
                until("a frame was cut", lambda n=n: wire.cuts > n, within=60)
                self.more_are_accepted()
            self.goes_on(runtime, "cuts")
            wire.swallow()
            self.wait(SWALLOWED)
            self.goes_on(runtime, "half-open connections", within=120)
        self.adds_up(runtime)

    def goes_on(self, runtime, after, within=60):
        self.ready_again(runtime, within=within)
        self.more_are_accepted(within)
        print(f"went on after {after}", flush=True)


if __name__ == "__main__":
    timed_main()
