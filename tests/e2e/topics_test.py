#!/usr/bin/env python3
"""Topics of others: their records begin sagas, once, whatever dies meanwhile; what cannot be read is kept and
told; what steps send can be read by anybody.

Embedded, files take the place of topics.  REPRISE_E2E_ENGINE=cluster: on the servers of servers.env in the
build folder (tests/cluster/servers.py start), with kcat as the others.
"""

import collections
import contextlib
import json
import pathlib
import random
import subprocess
import tempfile
import unittest
import uuid

from runtime import BUILD, ENGINE, Cluster, Runtime, command, servers, until

DEPLOYMENT = """\
runtime: intake
engine: ${REPRISE_ENGINE:embedded}
cluster:
  prefix: ${REPRISE_PREFIX:intake}
  partitions: ${REPRISE_PARTITIONS:4}
  kafka: { brokers: "${REPRISE_KAFKA:localhost:9092}" }
  postgres: { url: "${REPRISE_POSTGRES:}" }
  redis: { url: "${REPRISE_REDIS:}" }
"""
# Each order takes a seat of its own, so that what took effect can be counted.
INTAKE = """\
pipeline: intake
subject: reservationId
topics:
  NAME.orders:
    body: { reservationId: string(1..64), seatId: string(1..8), userId: string, price: integer }
    key: reservationId
    dedupe: reservationId
    from: earliest
    start: ordered
  NAME.events:
    format: cloudevents
    body: { reservationId: string(1..64), seatId: string(1..8), userId: string, price: integer }
    dedupe: ce_id
    from: FROM
    start: ordered
steps:
  take: { plugin: reservation.hold, on: ordered, key: seatId, with: { for: 60m } }
  tell:
    plugin: topic.send
    on: take.held
    with: { topic: NAME.told, key: reservationId }
    on_failure: { undo: all }
side:
  record: { plugin: data-platform.record, on: "*" }
"""
LINES = """\
pipeline: lines
topics:
  NAME.lines: { format: raw, from: earliest, start: came }
steps:
  tell: { plugin: topic.send, on: came, with: { topic: NAME.echo }, on_failure: { undo: all } }
side:
  record: { plugin: data-platform.record, on: "*" }
"""


def order(n, seat=None):
    return {"reservationId": f"R{n}", "seatId": seat or f"S{n}", "userId": "mina", "price": 5}


class Topics(unittest.TestCase):
    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.name = "t" + uuid.uuid4().hex[:10]
        self.folder = pathlib.Path(self.stack.enter_context(tempfile.TemporaryDirectory(prefix="reprise-e2e-")))
        self.write("earliest")

    def write(self, start_from):
        for file, text in (("runtime", DEPLOYMENT), ("intake", INTAKE), ("lines", LINES)):
            text = text.replace("NAME", self.name).replace("FROM", start_from)
            (self.folder / f"{file}.yaml").write_text(text)

    def start(self, cluster=None, options=()):
        return self.stack.enter_context(Runtime(self.folder, cluster=cluster, options=options))

    def sagas(self, runtime, pipeline="intake", **query):
        return runtime.sagas(pipeline=pipeline, **query)

    def letters(self, runtime):
        return runtime.ask("GET", "/api/v1/dlq").json()["letters"]

    def letter(self, runtime, number):
        return runtime.ask("GET", f"/api/v1/dlq/{number}").json()

    def publish(self, runtime, topic, lines, expect=0):
        file = self.folder / "feed.jsonl"
        file.write_text("".join(f"{line}\n" for line in lines))
        done = command("publish", f"topic:{self.name}.{topic}", file, "--server", runtime.server, "-o", "json")
        self.assertEqual(done.returncode, expect, done)
        return {name: value for name, value in json.loads(done.stdout).items() if name != "refusals"}


class FromAFile(Topics):
    """On both engines: `reprise publish topic:NAME FILE`."""

    def test_lines_are_records_and_twice_changes_nothing(self):
        runtime = self.start()
        lines = [json.dumps(order(1)), json.dumps(order(2)), json.dumps(order(1))]
        self.assertEqual(self.publish(runtime, "orders", lines), {"new": 2, "existed": 1, "refused": 0})
        self.assertEqual(self.publish(runtime, "orders", lines), {"new": 0, "existed": 3, "refused": 0})
        self.assertEqual(self.publish(runtime, "orders", ["no json"], expect=1),
                         {"new": 0, "existed": 0, "refused": 1})
        self.assertEqual(self.letters(runtime), [], "whoever publishes was told")
        event = {"specversion": "1.0", "id": "e1", "source": "/shop", "type": "ordered", "data": order(3)}
        self.assertEqual(self.publish(runtime, "events", [json.dumps(event)]),
                         {"new": 1, "existed": 0, "refused": 0})
        until("both orders are done", lambda: len(self.sagas(runtime, state="done")) == 3)

    def test_a_topic_that_nobody_listens_to_is_named_with_the_nearest(self):
        runtime = self.start()
        file = self.folder / "one.jsonl"
        file.write_text("{}\n")
        done = command("publish", f"topic:{self.name}.order", file, "--server", runtime.server)
        self.assertEqual(done.returncode, 4, done)
        self.assertIn(f"{self.name}.orders", done.stderr)
        self.assertEqual(command("publish", "intake", file).returncode, 2)


@unittest.skipIf(ENGINE == "cluster", "there it is a topic")
class ToAFile(Topics):
    def test_what_a_step_sends_is_a_line(self):
        runtime = self.start()
        self.publish(runtime, "orders", [json.dumps(order(1))])
        file = pathlib.Path(f"{runtime.file}.topics") / f"{self.name}.told.jsonl"
        until("the record is there", file.exists)
        line = json.loads(file.read_text().splitlines()[0])
        self.assertEqual(line["key"], "R1")
        self.assertEqual(line["value"]["seatId"], "S1")


@unittest.skipUnless(ENGINE == "cluster", "needs Kafka")
class OnKafka(Topics):
    def setUp(self):
        super().setUp()
        self.brokers = servers()["REPRISE_KAFKA"]
        self.cluster = Cluster()
        self.stack.callback(self.cluster.close)
        self.prefix = self.cluster.env()["REPRISE_PREFIX"]

    def start(self, options=(), cluster=None):
        return super().start(cluster or self.cluster, options)

    def send(self, topic, values, key="", headers=(), partition=None):
        """kcat sends these, one record each."""
        options = ["-k", key] if key else []
        options += ["-p", str(partition)] if partition is not None else []
        for name, value in headers:
            options += ["-H", f"{name}={value}"]
        values = [value if isinstance(value, bytes) else json.dumps(value).encode() for value in values]
        subprocess.run(["kcat", "-P", "-b", self.brokers, "-t", topic, "-X", "partitioner=murmur2_random", *options],
                       input=b"\n".join(values) + b"\n", check=True, timeout=60)

    def read(self, topic):
        """Everything that kcat finds there; headers as a dictionary."""
        done = subprocess.run(["kcat", "-C", "-b", self.brokers, "-t", topic, "-o", "beginning", "-e", "-q", "-J"],
                              capture_output=True, check=False, timeout=60)
        if done.returncode != 0:  # nobody has sent anything yet, so there is no such topic
            return []
        found = [json.loads(line) for line in done.stdout.decode().splitlines()]
        for record in found:
            flat = record.get("headers", [])
            record["headers"] = dict(zip(flat[::2], flat[1::2]))
        return found

    def until_done(self, runtime, count, pipeline="intake", within=40):
        until(f"{count} sagas are done", lambda: len(self.sagas(runtime, pipeline, state="done")) == count, within)

    def test_records_in_every_format_begin_sagas_once(self):
        runtime = self.start()
        orders, events = f"{self.name}.orders", f"{self.name}.events"
        self.send(orders, [order(1), order(1)])                                    # plain, and its duplicate
        without = {name: value for name, value in order(2).items() if name != "reservationId"}
        self.send(orders, [without], key="R2")                                     # the record's key says it
        binary = [("ce_specversion", "1.0"), ("ce_id", "e3"), ("ce_source", "/shop"), ("ce_type", "ordered"),
                  ("content-type", "application/json")]
        self.send(events, [order(3), order(3)], headers=binary)
        event = {"specversion": "1.0", "id": "e4", "source": "/shop", "type": "ordered", "data": order(4)}
        structured = [("content-type", "application/cloudevents+json; charset=UTF-8")]
        self.send(events, [event, event, {**event, "id": "e3"}], headers=structured)
        self.send(f"{self.name}.lines", [b"any text", b"\xff\xfe"], key="k")
        self.until_done(runtime, 4)
        self.until_done(runtime, 2, "lines")
        self.assertEqual(self.letters(runtime), [])
        echoed = [record["payload"] for record in until("both echoes", lambda: (
            lambda all: all if len(all) == 2 else None)(self.read(f"{self.name}.echo")))]
        self.assertEqual(sorted(map(json.loads, echoed), key=str), [
            {"value": "//4=", "encoding": "base64", "key": "k"}, {"value": "any text", "encoding": "utf8", "key": "k"}])

    def test_what_cannot_be_read_is_kept_told_and_read_again(self):
        runtime = self.start()
        orders = f"{self.name}.orders"
        self.send(orders, [b"no json"], key="K", headers=[("colour", "red")], partition=1)
        self.send(orders, [order(1)], key="K", partition=1)
        self.until_done(runtime, 1)
        letter = self.letter(runtime, until("a dead letter", lambda: self.letters(runtime))[0]["id"])
        self.assertEqual((letter["pipeline"], letter["step"], letter["code"], letter["key"], letter["payload"]),
                         ("intake", f"topic {orders}", "unreadable", "K", "no json"))
        self.assertEqual((letter["record"]["topic"], letter["record"]["partition"], letter["record"]["headers"]),
                         (orders, 1, [["colour", "red"]]))
        dead = until("it is in the topic of dead letters", lambda: self.read(f"{self.prefix}.dead"))
        self.assertEqual(len(dead), 1)
        sent = next(record for record in self.read(orders) if record["payload"] == "no json")
        self.assertEqual((dead[0]["key"], dead[0]["payload"], dead[0]["ts"]), ("K", "no json", sent["ts"]))
        headers = dead[0]["headers"]
        self.assertEqual({name: headers[name] for name in headers if name != "reprise-dlq-error-message"}, {
            "colour": "red", "reprise-dlq-original-topic": orders, "reprise-dlq-original-partition": "1",
            "reprise-dlq-original-offset": str(sent["offset"]), "reprise-dlq-error-code": "unreadable",
            "reprise-dlq-pipeline": "intake", "reprise-dlq-step": f"topic {orders}", "reprise-dlq-attempts": "0"})
        self.assertIn("no JSON object", headers["reprise-dlq-error-message"])

    def test_a_dead_letter_is_read_again_by_what_the_files_say_then(self):
        runtime = self.start()
        self.send(f"{self.name}.orders", [order(1, seat="S-far-too-long")])
        letter = until("a dead letter", lambda: self.letters(runtime))[0]
        self.assertIn("must have 1 to 8 characters", letter["detail"])

        def replay():
            return command("dlq", "replay", letter["id"], "--why", "test", "--yes", "--server", runtime.server)
        refused = replay()
        self.assertEqual(refused.returncode, 1, refused)
        self.assertIn("must have 1 to 8 characters", refused.stderr)
        self.assertEqual(len(self.letters(runtime)), 1)
        self.assertEqual(runtime.stop(), 0, runtime.log)
        file = self.folder / "intake.yaml"
        file.write_text(file.read_text().replace("string(1..8)", "string"))
        runtime.start()
        again = replay()
        self.assertEqual(again.returncode, 0, again)
        self.until_done(runtime, 1)
        self.assertEqual(self.sagas(runtime)[0]["subject"], "R1")
        self.assertEqual(self.letters(runtime), [])
        self.assertEqual(len({record["headers"]["reprise-dlq-original-offset"] for record in
                              self.read(f"{self.prefix}.dead")}), 1, "told at least once, and of nothing else")

    def test_a_dead_letter_of_a_step_goes_there_too(self):
        runtime = self.start(["--fault", "intake/record.do=fail"])
        self.send(f"{self.name}.orders", [order(1)])
        self.until_done(runtime, 1)
        dead = until("dead letters of the side step", lambda: self.read(f"{self.prefix}.dead"))
        headers = dead[0]["headers"]
        saga = self.sagas(runtime)[0]["id"]
        self.assertEqual((headers["reprise-dlq-step"], headers["reprise-dlq-saga-id"], headers["ce_sagaid"],
                          headers["ce_specversion"], headers["content-type"]),
                         ("record", saga, saga, "1.0", "application/json"))
        self.assertEqual(json.loads(dead[0]["payload"])["seatId"], "S1")

    def test_anybody_can_read_what_a_step_sends_and_what_goes_between_steps(self):
        runtimes = [self.start() for _ in range(2)]
        until("both have lanes", lambda: self.cluster.sql(
            "SELECT count(DISTINCT worker) FROM rp_lane")[0][0] == "2", within=30)
        self.send(f"{self.name}.orders", [order(n) for n in range(60)])
        self.until_done(runtimes[0], 60)
        told = until("all were told", lambda: (lambda all: all if len(all) >= 60 else None)(
            self.read(f"{self.name}.told")))
        self.assertEqual({record["key"] for record in told}, {f"R{n}" for n in range(60)})
        saga = {row["subject"]: row["id"] for row in self.sagas(runtimes[0])}
        for record in told:
            headers = record["headers"]
            self.assertEqual((headers["ce_specversion"], headers["ce_type"], headers["ce_source"], headers["ce_subject"],
                              headers["content-type"], headers["ce_sagaid"], headers["ce_sagastep"],
                              headers["ce_sagaphase"]),
                             ("1.0", "intake.tell", "/reprise/intake/tell", record["key"], "application/json",
                              saga[record["key"]], "tell", "do"))
            self.assertRegex(headers["ce_time"], r"^\d{4}-\d\d-\d\dT.*Z$")
        self.assertEqual(len({record["headers"]["ce_id"] for record in told}), 60)
        platform = [json.loads(record["payload"]) for record in self.read("data-platform")
                    if record["headers"].get("ce_sagaid") in saga.values()]
        self.assertEqual(collections.Counter(line["step"] for line in platform)["record"] >= 60, True)
        between = [record for step in ("take", "tell") for record in self.read(f"{self.prefix}.intake.{step}")]
        self.assertTrue(between, "two processes share the lanes, so some messages take the wire")
        for record in between:
            headers = record["headers"]
            self.assertEqual(headers["ce_specversion"], "1.0")
            self.assertIn(headers["ce_type"], ("ordered", "take.held"))
            self.assertEqual(headers["ce_subject"], record["key"])
            self.assertEqual((headers["ce_sagaphase"], headers["content-type"]), ("do", "application/json"))
            self.assertIn(headers["ce_sagaid"], saga.values())
            self.assertTrue({"ce_id", "ce_source", "ce_time", "ce_sagastep", "ce_sagaattempt"} <= set(headers))
        for record in between + told:
            trace = record["headers"]["ce_sagaid"].replace("-", "")  # the orders came without one
            self.assertRegex(record["headers"]["traceparent"], f"^00-{trace}-[0-9a-f]{{16}}-01$")

    def test_latest_begins_at_the_end_once_and_never_skips_after(self):
        first = self.start()  # makes the topic
        events = f"{self.name}.events"
        binary = [("ce_specversion", "1.0"), ("ce_source", "/shop"), ("ce_type", "ordered")]
        self.send(events, [order(1)], headers=[*binary, ("ce_id", "e1")])
        self.until_done(first, 1)
        self.assertEqual(first.stop(), 0, first.log)
        self.write("latest")
        other = Cluster()
        self.stack.callback(other.close)
        late = self.start(cluster=other)
        self.send(events, [order(2)], headers=[*binary, ("ce_id", "e2")])
        self.until_done(late, 1)
        self.assertEqual(self.sagas(late)[0]["subject"], "R2")
        late.kill()
        self.send(events, [order(3)], headers=[*binary, ("ce_id", "e3")])  # while nobody reads
        late.start()
        self.until_done(late, 2)

    def test_killed_while_it_reads_every_record_takes_effect_once(self):
        seed = random.SystemRandom().randrange(1 << 32)
        print(f"seed {seed}", flush=True)
        chance = random.Random(seed)
        runtimes = [self.start() for _ in range(2)]
        orders, sent = f"{self.name}.orders", 0
        for turn in range(6):
            fresh = [order(n) for n in range(sent, sent + 150)]
            again = [order(chance.randrange(sent + 150)) for _ in range(40)]
            sent += 150
            values = fresh + again
            chance.shuffle(values)
            self.send(orders, [*values, b"no json"])
            enough = sent - chance.randrange(1, 150)
            until("it is reading", lambda: int(self.cluster.sql("SELECT count(*) FROM rp_saga")[0][0]) >= enough,
                  within=60)
            victim = runtimes[turn % 2]
            victim.kill()
            victim.start()
        self.until_done(runtimes[0], sent, within=90)
        self.assertEqual(self.cluster.sql("SELECT count(*), count(DISTINCT id) FROM reservation_row"),
                         [[str(sent), str(sent)]])
        self.assertEqual(len(until("six dead letters", lambda: (
            lambda all: all if len(all) >= 6 else None)(self.letters(runtimes[0])))), 6)
        told = until("all were told", lambda: (lambda all: all if len({r["key"] for r in all}) == sent else None)(
            self.read(f"{self.name}.told")), within=30)
        self.assertEqual(len({record["headers"]["ce_id"] for record in told}), sent, "what comes twice is the same")
        for runtime in runtimes:
            self.assertEqual(runtime.stop(), 0, runtime.log)


if __name__ == "__main__":
    print(BUILD, flush=True)
    unittest.main()
