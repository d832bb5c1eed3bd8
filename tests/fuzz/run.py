#!/usr/bin/env python3
"""Runs the fuzz targets of a build folder: run.py build-fuzz --minutes 5 [--only NAME,..] [--jobs 2] [--seed N]

Each starts with its seeds (corpus/NAME) and with what it found before (BUILD/corpus/NAME).  The log of each is
BUILD/logs/NAME.log.  What breaks a target is kept in BUILD/findings/NAME-*, and makes the run fail; a target that did not
run at all does, too.
"""
import argparse
import concurrent.futures
import os
import pathlib
import re
import secrets
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent


def summary(log):
    """The seed and the number of executions that a log of libFuzzer tells, None where it does not."""
    seed = re.search(r"^INFO: Seed: (\d+)", log, re.M)
    runs = re.findall(r"^stat::number_of_executed_units:\s*(\d+)", log, re.M) or re.findall(r"^#(\d+)\s", log, re.M)
    return (int(seed[1]) if seed else None, int(runs[-1]) if runs else None)


def fuzz(build, name, seconds, seed):
    own, logs, findings = build / "corpus" / name, build / "logs", build / "findings"
    for folder in (own, logs, findings):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(findings.glob(f"{name}-*"))
    command = [str(build / "tests" / "fuzz" / f"{name}_fuzz"), str(own), str(HERE / "corpus" / name),
               f"-max_total_time={seconds}", f"-seed={seed}", "-timeout=20", "-rss_limit_mb=2048", "-max_len=4096",
               "-print_final_stats=1", f"-artifact_prefix={findings / name}-"]
    log = logs / f"{name}.log"
    with open(log, "w") as out:
        code = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              env=os.environ | {"UBSAN_OPTIONS": "print_stacktrace=1"}).returncode
    text = log.read_text(errors="replace")
    _, runs = summary(text)
    new = sorted(str(f) for f in set(findings.glob(f"{name}-*")) - before)
    good = code == 0 and not new and bool(runs)
    print(f"{name:10} seed {seed:<11} {runs or 0:>10} executions  {'no finding' if good else 'FAILED: ' + (' '.join(new) or str(log))}",
          flush=True)
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0, help="0: a fresh one")
    args = parser.parse_args()
    names = sorted(f.name.removesuffix("_fuzz.cpp") for f in HERE.glob("*_fuzz.cpp"))
    if args.only:
        names = [n for n in names if n in args.only.split(",")]
    seed = args.seed or secrets.randbelow(2**31 - 1) + 1
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        good = list(pool.map(lambda n: fuzz(args.build.resolve(), n, max(1, int(args.minutes * 60)), seed), names))
    return 0 if good and all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
