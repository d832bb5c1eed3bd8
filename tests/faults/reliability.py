#!/usr/bin/env python3
"""Writes tests/RELIABILITY.md from what the last runs left: reliability.py BUILD [PAGE]

BUILD/reliability has rows.jsonl and simulation.json (`make faults`), sanitize.xml (`make sanitize`), threads.xml and
threads-cluster.xml (`make sanitize-threads`), fuzz.txt (`make fuzz`) and mutants.txt (`make mutants`). What is not there was not
run, and the page says so.
"""
import datetime
import json
import os
import pathlib
import platform
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import matrix

SOURCE = pathlib.Path(__file__).resolve().parents[2]
NOT_RUN = "not run"
NEVER_TESTED = """\
- Loss of power under a real disk: crashes of the process and torn, lost and refused writes of SQLite are played, the machine's own
  power is not cut. Of Kafka and PostgreSQL only processes are killed; one broker and one PostgreSQL are all there is, so replication
  (`min.insync.replicas`, synchronous standbys) is as its makers say it is.
- Packets that are lost or come late inside the kernel (`tc netem`), disks that lie (`dm-flakey`): this needs a kernel that has them.
- More than three processes, more than one machine, clocks of two machines that differ.
- A plugin that overwrites the runtime's memory: plugins are trusted, and only AddressSanitizer would see it.
"""
OPEN = """\
- Row 8 once did not settle within a minute, beside a sanitizer build; it passed every other time. The record that librdkafka took for
  there and that was not (`Producer::SendAgain`), which was found later, may have been the reason: a broker that has just come back
  need not know a producer yet.
"""


def rule_of_three(runs):
    """The share of runs that may be bad, at 95 %, when none of so many was."""
    return f"< {300 / runs:.2g} %" if runs else "nothing"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows])


def said(*command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    except OSError:
        return ""
    return (done.stdout or done.stderr).strip()


def versions(build):
    own = json.loads(said(str(build / "reprise"), "version", "-o", "json") or "{}")
    packages = {name: said("dpkg-query", "-W", "-f", "${Version}", name)
                for name in ("libsqlite3-0", "postgresql-15", "redis-server", "librdkafka1", "libpq5", "libhiredis0.14")}
    kafka = re.search(r"<artifactId>kafka_[^<]*</artifactId>\s*<version>([^<]+)", (SOURCE / "tests/cluster/kafka/pom.xml").read_text())
    return [("reprise", f"{own.get('version', '?')}, commit {own.get('commit', '?')}, {own.get('compiler', '?')}"),
            ("Kafka", kafka[1] if kafka else "?"), *packages.items(),
            ("Linux", ".".join(platform.release().split(".")[:2])), ("cores", str(len(os.sched_getaffinity(0))))]


def latest(log):
    """{(row, engine): its last run}"""
    found = {}
    for line in log.read_text().splitlines() if log.exists() else ():
        run = json.loads(line)
        found[run["row"], run["engine"]] = run
    return found


def cell(row, engine, runs):
    """What the page says of a row on an engine."""
    tests = row.tests(engine)
    if isinstance(tests, str):
        return f"cannot run: {tests}"
    run = runs.get((row.number, engine))
    if not run:
        return NOT_RUN
    parts = run["parts"]
    bad = [part["test"] for part in parts if not part["passed"]]
    ran = sum(part["ran"] - part["skipped"] for part in parts)
    seeds = sorted({seed for part in parts for seed in part["seeds"]})
    text = f"FAILED: {', '.join(bad)}" if bad else f"{ran} passed in {sum(part['seconds'] for part in parts):.0f} s"
    return text + (f", seed {' '.join(seeds)}" if seeds else "")


def faults(runs):
    rows = [(f"{row.number}", row.fault, row.holds, *(cell(row, engine, runs) for engine in matrix.ENGINES))
            for row in matrix.ROWS]
    struck = sum(part["struck"] for run in runs.values() for part in run["parts"])
    return (table(("row", "fault", "what must hold", *matrix.ENGINES), rows) +
            f"\n\nThe process was killed at {struck} named places; a place that does not strike fails its row.")


def simulation(file):
    if not file.exists():
        return NOT_RUN
    told = json.loads(file.read_text())
    struck = sum(told["faults"].values())
    verdict = f"BROKEN: {told['broken']}" if told["broken"] else f"0 violations ({rule_of_three(told['runs'])} at 95 %)"
    seen = [(name, count) for name, count in sorted(told["seen"].items())] + [(name, "NEVER") for name in told["never_seen"]]
    kinds = {}
    for kind, count in told["faults"].items():  # "fail reserve.do": the step does not matter here
        name = re.sub(r" [\w-]+\.(do|undo)$", r" a \1", kind)
        kinds[name] = kinds.get(name, 0) + count
    return (f"{told['runs']:,} runs from seed {told['seed']} in {told['seconds']:.0f} s: {told['sagas']:,} sagas, {struck:,} faults of "
            f"{len(told['faults'])} kinds, {verdict}.\n\n" + table(("fault", "struck"), sorted(kinds.items())) + "\n\n" +
            table(("must be seen", "in runs"), seen))


def suite(*files):
    """Runs of ctest, from their JUnit files."""
    if not all(file.exists() for file in files):
        return NOT_RUN
    roots = [ElementTree.parse(file).getroot() for file in files]
    tests, bad, skipped = (sum(int(root.get(name) or 0) for root in roots) for name in ("tests", "failures", "skipped"))
    return f"{tests - bad - skipped} of {tests - skipped} passed" + (f", {skipped} skipped" if skipped else "")


def text(file, pattern):
    lines = [line for line in file.read_text().splitlines() if re.search(pattern, line)] if file.exists() else []
    return "```\n" + "\n".join(lines) + "\n```" if lines else NOT_RUN


def page(build):
    logs = build / "reliability"
    today = datetime.date.today().isoformat()
    return f"""# Reliability
Generated by `make reliability` on {today} from the logs of the commands below, as they ran last on one machine. Do not edit.

{table(("version of", ""), versions(build))}

## Simulation
`reprise simulate pipelines/concert`: the pipelines and plugins of the concert on a virtual clock, among faults, then healed.

{simulation(logs / "simulation.json")}

## The fault matrix
`make faults`. The rows are in [matrix.py](faults/matrix.py), with the tests of each.

{faults(latest(logs / "rows.jsonl"))}

## Planted bugs
`make mutants`; which test caught which is in [mutants](mutants/README.md).

{text(logs / "mutants.txt", r"of 20|caught|GOT AWAY|away")}

## Sanitizers
- ASan and UBSan (`make sanitize`): {suite(logs / "sanitize.xml")}
- ThreadSanitizer (`make sanitize-threads`): {suite(logs / "threads.xml", logs / "threads-cluster.xml")}

## Fuzzing
`make fuzz`, under ASan and UBSan.

{text(logs / "fuzz.txt", "^fuzz target=")}

## Seen and not explained
{OPEN}
## What was not tested
{NEVER_TESTED}"""


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else SOURCE / "tests/RELIABILITY.md"
    target.write_text(page(pathlib.Path(sys.argv[1]).resolve()))
    print(target)
