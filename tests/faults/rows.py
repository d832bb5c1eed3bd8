#!/usr/bin/env python3
"""Plays a row of the fault matrix on an engine: rows.py ROW ENGINE; 77: it cannot run, and says why.

`REPRISE_BUILD` is the build's folder.  What it did is a line of its reliability/rows.jsonl, of which `reliability.py` makes its page.
"""
import json
import os
import pathlib
import re
import subprocess
import sys
import time

import matrix

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS / "e2e"))
from runtime import BINARY, BUILD, servers  # noqa: E402

SKIPPED = 77


def command(test):
    """The program and its arguments for "PROGRAM FILTER"."""
    program, *rest = test.split()
    if program == "reprise":
        return [str(BINARY), *rest]
    if program.endswith(".py"):
        return [sys.executable, str(TESTS / program), "-v", *rest]
    return [str(BUILD / "tests" / program), f"--gtest_filter={rest[0]}"]


def counted(test, text):
    """How many tests of a program ran, and how many of them said that they could not."""
    if test.startswith("reprise simulate"):
        found = re.search(r"(\d+) runs from seed", text)
    elif test.startswith("reprise"):
        return len(re.findall(r"^ok ", text, re.M)), 0
    elif ".py" in test:
        found = re.search(r"^Ran (\d+) tests?", text, re.M)
    else:
        found = re.search(r"\[==========\] (\d+) tests? .*ran\.", text)
    skipped = re.search(r"skipped=(\d+)", text) or re.search(r"\[  SKIPPED \] (\d+) test", text)
    return int(found[1]) if found else 0, int(skipped[1]) if skipped else 0


def seeds(text):
    return re.findall(r"(?:SEED=|from seed )(\d+)", text)


def play(test, engine):
    env = {**os.environ, "REPRISE_E2E_ENGINE": engine}
    if engine == "cluster":
        env.update(servers())
    began = time.monotonic()
    done = subprocess.run(command(test), cwd=TESTS.parent, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    ran, skipped = counted(test, done.stdout)
    fine = done.returncode == 0 and ran > skipped  # what none of its tests ran shows nothing
    print(done.stdout if not fine else f"{test}: {ran} ran", flush=True)
    return {"test": test, "passed": fine, "ran": ran, "skipped": skipped, "seeds": seeds(done.stdout),
            "struck": len(re.findall(r" struck;", done.stdout)), "seconds": round(time.monotonic() - began, 1)}


def main():
    number, engine = int(sys.argv[1]), sys.argv[2]
    row = matrix.row(number)
    tests = row.tests(engine)
    print(f"row {number}, {engine}: {row.fault}\nmust hold: {row.holds}", flush=True)
    if isinstance(tests, str):
        print(f"cannot run here: {tests}")
        return SKIPPED
    parts = [play(test, engine) for test in tests]
    log = BUILD / "reliability" / "rows.jsonl"
    log.parent.mkdir(exist_ok=True)
    with open(log, "a", encoding="utf-8") as out:
        out.write(json.dumps({"row": number, "engine": engine, "at": int(time.time()), "parts": parts}) + "\n")
    return 0 if all(part["passed"] for part in parts) else 1


if __name__ == "__main__":
    sys.exit(main())
