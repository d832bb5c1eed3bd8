#!/usr/bin/env python3
"""Runs the fuzz targets of a build folder: run.py build-fuzz --minutes 5 [--only NAME,..] [--jobs 2] [--seed N]

Each starts with its seeds (corpus/NAME) and with what it found before (BUILD/corpus/NAME), and knows the words of NAME.dict
if there is one.  The log of each is BUILD/logs/NAME.log.  At the end there is a line for each, and under it, for what broke
it, the command that plays it again:

    fuzz target=yaml seed=42 executions=1234 findings=1
        replay: build-fuzz/tests/fuzz/yaml_fuzz build-fuzz/findings/yaml-crash-1

A finding makes the run fail; a target that did not run at all does, too (findings=0 executions=0), and its log says why.
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
    """What to tell of the target, and whether it ended well."""
    own, logs, findings = build / "corpus" / name, build / "logs", build / "findings"
    for folder in (own, logs, findings):
        folder.mkdir(parents=True, exist_ok=True)
    before = set(findings.glob(f"{name}-*"))
    binary, words, log = build / "tests" / "fuzz" / f"{name}_fuzz", HERE / f"{name}.dict", logs / f"{name}.log"
    command = [str(binary), str(own), str(HERE / "corpus" / name),
               f"-max_total_time={seconds}", f"-seed={seed}", "-timeout=20", "-rss_limit_mb=2048", "-max_len=4096",
               "-print_final_stats=1", f"-artifact_prefix={findings / name}-"]
    if words.exists():
        command.append(f"-dict={words}")
    with open(log, "w") as out:
        code = subprocess.run(command, stdout=out, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                              env=os.environ | {"UBSAN_OPTIONS": "print_stacktrace=1"}).returncode
    _, runs = summary(log.read_text(errors="replace"))
    new = sorted(set(findings.glob(f"{name}-*")) - before)
    good = code == 0 and not new and bool(runs)
    told = [f"fuzz target={name} seed={seed} executions={runs or 0} findings={len(new)}"]
    told += [f"    replay: {binary} {finding}" for finding in new]
    if not good:
        told.append(f"    log: {log} (exit {code})")
    return "\n".join(told), good


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
        ended = list(pool.map(lambda n: fuzz(args.build.resolve(), n, max(1, int(args.minutes * 60)), seed), names))
    print("\n".join(told for told, _ in ended))
    return 0 if ended and all(good for _, good in ended) else 1


if __name__ == "__main__":
    sys.exit(main())
