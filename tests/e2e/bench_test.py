#!/usr/bin/env python3
"""`reprise bench`, on few sagas: every figure is measured, and what is missed is said and is the exit code.

Whether a figure is met is the machine's affair: here, only that its judgement is the right one.
"""

import json
import pathlib
import tempfile
import unittest

from runtime import CONCERT, command

FEW = ("bench", CONCERT, "--sagas", "100", "--rate", "500")


class Bench(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="reprise-e2e-")))

    def bench(self, *more):
        return command(*FEW, "--file", self.folder / "there.db", *more, within=120)

    def test_every_figure_is_measured_and_the_exit_code_says_whether_all_are_met(self):
        ended = self.bench("-o", "json")
        said = json.loads(ended.stdout)
        self.assertGreater(len(said["figures"]), 10)
        for figure in said["figures"]:
            self.assertGreater(figure["value"], 0, figure)
        self.assertEqual(said["ready"]["starts"], 9)
        self.assertEqual(said["latency"]["rate"], 500)
        self.assertEqual(said["large"]["sagas"], 1000)
        missed = [figure for figure in said["figures"] if not figure["met"]]
        self.assertEqual(ended.returncode, 1 if missed else 0, missed)
        self.assertEqual(list(self.folder.iterdir()), [], "what it measured on is gone, the file was never made")

    def test_a_figure_that_is_missed_is_seen(self):
        ended = self.bench()
        lines = ended.stdout.splitlines()[1:]
        missed = [line for line in lines if "✗" in line]
        self.assertEqual(len(missed) + sum("✓" in line for line in lines), len(lines), ended)
        for line in missed:
            self.assertIn(": missed by ", line)
        self.assertEqual(ended.returncode, 1 if missed else 0, ended)
        self.assertIn("ready after a start on an empty file", ended.stdout)

    def test_where_nothing_can_be_written_it_says_so(self):
        ended = command(*FEW, "--file", self.folder / "nowhere" / "there.db")
        self.assertEqual(ended.returncode, 1, ended)
        self.assertIn("cannot make a temporary folder", ended.stderr)
        self.assertIn("nowhere", ended.stderr)


if __name__ == "__main__":
    unittest.main()
