#!/usr/bin/env python3
"""Twenty bugs that comparable systems really had, planted here one at a time: some test must fail for each of them.

    mutants.py                  builds build-mutants, wakes each bug in turn, writes README.md beside this file
    mutants.py 3 14             only these; nothing is written
    mutants.py --embedded       only what needs no servers; nothing is written
    mutants.py --simulate 300   wakes each under `reprise simulate` as well, in 300 runs, and notes which it finds

One build has them all: `if (MUTANT(3)) ..` in runtime/, awake if the variable REPRISE_MUTANT is 3 (runtime/base/mutant.h). The same
tests must pass while none is awake. Exit 1: a bug got away, or a test fails without one.
"""
import argparse
import contextlib
import os
import pathlib
import re
import subprocess
import sys
import time
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build-mutants"
README = pathlib.Path(__file__).with_name("README.md")
SERVERS = ROOT / "tests/cluster/servers.py"
HANGS = 120  # seconds; a test that never ends has failed


@dataclass(frozen=True)
class Bug:
    number: int
    thread: str   # where it was found
    planted: str  # what goes wrong here
    program: str  # of the test that must fail
    tests: str    # --gtest_filter
    servers: bool = False


BUGS = [
    Bug(1, "MassTransit #4990, #4996", "an outbox is published before the commit, and not stored",
        "executor", "ExecutorTest.EndsTheSameWhereverItIsKilled"),
    Bug(2, "MassTransit #6216", "a record that Kafka will never take holds up all behind it",
        "kafka", "ProducerTest.WhatKafkaWillNeverTakeIsRefusedAndKeptUntilItIsSettled"),
    Bug(3, "MassTransit #3791", "a message that comes again runs its step again",
        "model", "MeetTest.TheSameDoAgainIsDroppedInEveryState"),
    Bug(4, "Wolverine #3767", "messages are thrown away when the journal is away for a moment",
        "executor", "ExecutorTest.AMessageThatTheJournalCouldNotTakeComesAgain"),
    Bug(5, "Wolverine #587", "lanes are taken from a worker that lives and goes on with them",
        "postgres", "FencingTest.AWorkerWhoseLanesWereTakenIsFencedUntilItLooks", servers=True),
    Bug(6, "Wolverine #565", "nobody publishes what a dead worker had left",
        "kafka", "KafkaTest.WhatADeadWorkerLeftIsPublishedAndThenItIsBuried"),
    Bug(7, "Temporal #7101", "a worker without traffic never learns that its lease is lost",
        "kafka", "KafkaTest.AWorkerWithoutTrafficAsksWhetherItsLanesAreStillItsOwn"),
    Bug(8, "Temporal #2498, Cadence #970", "a timer armed before the one that is waited for is passed over",
        "executor", "ExecutorTest.ATimerArmedBeforeTheOneThatIsWaitedForFiresInItsTurn"),
    Bug(9, "Temporal #7030", "a timer is dropped if the clock is set back between two looks",
        "executor", "ExecutorTest.ATimerIsNotLostIfTheClockIsSetBackBetweenTwoLooks"),
    Bug(10, "Camunda #14329", "who begins does not take up the retries that another had parked",
        "executor", "StrictTest.TheLineSurvivesRestarts"),
    Bug(11, "Camunda #61297", "memory says that a timer has fired, though its batch was taken back",
        "executor", "ExecutorTest.ABatchThatIsRunAgainFiresItsTimersAgain"),
    Bug(12, "Restate #5196", "nobody comes back to a call that never ends",
        "executor", "ExternalTest.ACallCutOffByACrashIsReconciled:StrictTest.ACallInFlightThatWasCutOffKeepsItsPlace"),
    Bug(13, "Seata #6374, #4180", "the trace of a call is lost with its attempt, and the undo skips what it did",
        "model", "MeetTest.UndoOfARetryingCallRunsBecauseAnEffectMayExist"),
    Bug(14, "Seata #152", "an undo runs while the do is in flight",
        "executor", "ExternalTest.AnUndoWaitsForTheCallInFlight"),
    Bug(15, "seata-go #685, Seata #6679", "the undo of a step that never ran is never through",
        "model", "MeetTest.UndoBeforeDoIsATombstone"),
    Bug(16, "Seata #1991, #5231", "an undo that cannot work is tried for ever and never put before a person",
        "model", "JudgeTest.UndoHasItsOwnCounters"),
    Bug(17, "dapr #8825", "what was under way is dropped when a lane moves",
        "kafka", "KafkaTest.GivesBackWhatWasNotCommittedInItsOldPlace"),
    Bug(18, "librdkafka #3584, #4438; outboxx PR 110", "a report of failure counts as sent",
        "kafka", "ProducerTest.ARefusalByTheBrokerIsOneToo"),
    Bug(19, "Kafka PR 12540, KAFKA-12693; kafka-connect-storage-cloud #253", "a former owner goes on writing",
        "postgres", "FencingTest.AWorkerWhoseLanesWereTakenIsFencedUntilItLooks", servers=True),
    Bug(20, "postgresql-event-sourcing #2, #16; eventuate-tram #46", "what duplicates are known by is never cleaned",
        "conformance", "Engines/ReadingContract.PurgesEndedSagasWithAllThatHangsOnThem/Sqlite"),
]


def build(bugs, simulator):
    subprocess.run(["cmake", "-S", ROOT, "-B", BUILD, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release", "-DCMAKE_UNITY_BUILD=ON",
                    "-DREPRISE_MUTANTS=ON"], check=True, stdout=subprocess.DEVNULL)
    programs = sorted({bug.program + "_test" for bug in bugs})
    subprocess.run(["cmake", "--build", BUILD, "--target", *(["all"] if simulator else []), *programs], check=True)


def run(command, awake):
    """Whether it passed, and its last words."""
    env = {**os.environ, "REPRISE_MUTANT": str(awake)}
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True, errors="replace", timeout=HANGS, check=False)
    except subprocess.TimeoutExpired:
        return False, "never ended"
    return done.returncode == 0, (done.stdout + done.stderr)[-2000:]


def test(bug, awake):
    passed, said = run([BUILD / "tests" / (bug.program + "_test"), "--gtest_filter=" + bug.tests], awake)
    if passed and "[  PASSED  ] 0 tests" in said:
        raise SystemExit(f"no test is called {bug.tests}")
    return passed, said


def simulate(runs, awake):
    return run([BUILD / "reprise", "simulate", ROOT / "pipelines/concert", "--runs", str(runs), "--seed", "1"], awake)


def places():
    """Where each is planted: number -> files."""
    found = {}
    for path in sorted((ROOT / "runtime").rglob("*.*")):
        if path.name == "mutant.h":
            continue
        for number in re.findall(r"MUTANT\((\d+)\)", path.read_text(encoding="utf-8")):
            files = found.setdefault(int(number), [])
            if path.relative_to(ROOT) not in files:
                files.append(path.relative_to(ROOT))
    return found


@contextlib.contextmanager
def servers(wanted):
    if not wanted:
        yield
        return
    folder = BUILD / "servers"
    subprocess.run([SERVERS, "start", folder, BUILD / "servers.env", "--fixture"], check=True)
    try:
        yield
    finally:
        subprocess.run([SERVERS, "stop", folder, "--fixture"], check=True)


def name_of(tests):
    return "<br>".join(f"`{test}`" for test in tests.split(":"))


def write(caught, simulated):
    planted = places()
    rows = [f"| {bug.number} | {bug.thread} | {bug.planted} | "
            + "<br>".join(f"[{path.name}](../../{path})" for path in planted[bug.number])
            + f" | {bug.program}: {name_of(bug.tests)} |" + (f" {simulated[bug.number]} |" if simulated else "")
            for bug in BUGS]
    README.write_text("\n".join([
        "# Twenty planted bugs",
        "Real bugs of comparable systems, planted in `runtime/` as `if (MUTANT(n)) ..`. An ordinary build has nothing of them. "
        "`make mutants` builds `build-mutants/` with all of them asleep, wakes one after the other (`REPRISE_MUTANT=n`), and "
        "wants a test to fail for each; then it writes this page.",
        "",
        f"{sum(caught.values())} of {len(BUGS)} are caught." + (
            " The last column says whether `reprise simulate pipelines/concert` finds it by itself, in how many seeded runs; the "
            "simulator has its own wire, so it cannot see those planted in Kafka's or PostgreSQL's." if simulated else ""),
        "",
        "| | found in | planted here | where | the test that fails |" + (" simulator |" if simulated else ""),
        "|---|---|---|---|---|" + ("---|" if simulated else ""),
        *rows, ""]), encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("numbers", type=int, nargs="*")
    parser.add_argument("--embedded", action="store_true")
    parser.add_argument("--simulate", type=int, default=0, metavar="RUNS")
    args = parser.parse_args()
    bugs = [bug for bug in BUGS if (not args.numbers or bug.number in args.numbers) and not (args.embedded and bug.servers)]
    missing = {bug.number for bug in BUGS} - set(places())
    if missing:
        raise SystemExit(f"planted nowhere: {sorted(missing)}")
    build(bugs, args.simulate)
    caught, simulated, sound = {}, {}, True
    if args.simulate:
        passed, said = simulate(args.simulate, 0)
        if not passed:
            raise SystemExit("the simulator complains though no bug is awake:\n" + said)
    with servers(any(bug.servers for bug in bugs)):
        for bug in bugs:
            began = time.monotonic()
            passed, said = test(bug, 0)
            if not passed:
                sound = False
                print(f"{bug.number:2} {bug.tests} fails though no bug is awake:\n{said}")
            caught[bug.number] = passed and not test(bug, bug.number)[0]
            if args.simulate:
                simulated[bug.number] = "-" if simulate(args.simulate, bug.number)[0] else f"{args.simulate} runs"
            print(f"{bug.number:2} {'caught ' if caught[bug.number] else 'GOT AWAY'} {time.monotonic() - began:5.1f} s  "
                  f"{bug.planted}  {simulated.get(bug.number, '')}", flush=True)
    print(f"{sum(caught.values())} of {len(bugs)} caught")
    if len(bugs) == len(BUGS) and sound:
        write(caught, simulated)
    return 0 if sound and all(caught.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
