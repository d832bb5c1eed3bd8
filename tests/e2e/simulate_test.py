#!/usr/bin/env python3
"""`reprise simulate`: a seed is a run, to the byte; a mistake in a pipeline is caught, run again and made small."""
import json
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import unittest

from runtime import BINARY, CONCERT, environment

OK, PROBLEMS, USAGE = 0, 1, 2


def simulate(*words, cwd=None):
    return subprocess.run([str(BINARY), "simulate", *map(str, words)], env=environment(), capture_output=True,
                          text=True, timeout=280, cwd=cwd, check=False)


class Simulate(unittest.TestCase):
    def copy(self, name, old, new):
        """The concert with one mistake in it."""
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="reprise-e2e-"))) / "flow"
        shutil.copytree(CONCERT, folder)
        for test in folder.glob("*.test.yaml"):
            test.unlink()
        file = folder / name
        text = file.read_text()
        self.assertIn(old, text)
        file.write_text(text.replace(old, new))
        return folder

    def test_the_same_seed_is_the_same_run_to_the_byte(self):
        one, again, other = (simulate(CONCERT, "--runs", "1", "--seed", seed) for seed in (42, 42, 43))
        self.assertEqual(one.returncode, OK, one.stdout + one.stderr)
        self.assertGreater(len(one.stdout.splitlines()), 50)
        self.assertEqual(one.stdout, again.stdout)
        self.assertNotEqual(one.stdout, other.stdout)

    def test_a_mistake_in_a_pipeline_is_caught_run_again_and_made_small(self):
        # Whoever's hold cannot be timed keeps the seat for ever.
        flow = self.copy("reservation.yaml", "on_failure: { undo: [deadline, tell-held, hold-seat, reserve] }",
                         "on_failure: { undo: none }")
        found = simulate(flow, "--runs", "2000", "--seed", "1")
        self.assertEqual(found.returncode, PROBLEMS, found.stderr)
        broken = re.search(r"^BROKEN: (.*)$", found.stdout, re.M)[1]
        self.assertIn("nothing is held a minute past its time", broken)
        count, of = map(int, re.search(r"^seed \d+, (\d+) of (\d+) faults", found.stdout, re.M).groups())
        self.assertLess(count, 5)
        self.assertGreater(of, count)
        self.assertIn("  fail deadline.do#", found.stdout)

        for which in ("again, as small", "again, as it was"):
            command = shlex.split(re.search(rf"^{which}: +(.*)$", found.stdout, re.M)[1])
            self.assertEqual(command[:2], ["reprise", "simulate"])
            again = simulate(*command[2:])
            self.assertEqual(again.returncode, PROBLEMS, again.stdout + again.stderr)
            self.assertIn(broken, again.stdout)

    def test_what_is_never_seen_fails_the_set(self):
        flow = self.copy("simulation.yaml", "sometimes:", "sometimes:\n  - { name: a seat was given away, sql: "
                         "\"SELECT seat FROM seat_row WHERE price = 0\" }\n#")
        ended = simulate(flow, "--runs", "100", "--seed", "1")
        self.assertEqual(ended.returncode, PROBLEMS, ended.stdout + ended.stderr)
        self.assertIn("NEVER SEEN: a seat was given away", ended.stdout)

    def test_a_fresh_seed_is_printed(self):
        seeds = {re.search(r"from seed (\d+)", simulate(CONCERT, "--runs", "2").stderr)[1] for _ in range(2)}
        self.assertEqual(len(seeds), 2)

    def test_programs_read_what_struck_and_how_often(self):
        ended = simulate(CONCERT, "--runs", "20", "--seed", "7", "-o", "json")
        told = json.loads(ended.stdout)
        self.assertEqual((told["runs"], told["seed"], told["broken"]), (20, 7, None))
        self.assertGreater(sum(told["faults"].values()), 100)
        self.assertEqual(ended.returncode, PROBLEMS if told["never_seen"] else OK)

    def test_mistakes_of_its_file_have_their_place(self):
        flow = self.copy("simulation.yaml", "customers: 5", "customers: none\npeople: 5")
        ended = simulate(flow, "--runs", "1")
        self.assertEqual(ended.returncode, PROBLEMS)
        self.assertIn("simulation.yaml:", ended.stderr)
        self.assertIn("people", ended.stderr)


if __name__ == "__main__":
    unittest.main()
