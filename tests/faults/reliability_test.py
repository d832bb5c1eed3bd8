#!/usr/bin/env python3
"""The page says what ran, what failed, and what did not run."""
import json
import pathlib
import tempfile
import unittest

import matrix
import reliability


class Page(unittest.TestCase):
    def setUp(self):
        self.build = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.logs = self.build / "reliability"
        self.logs.mkdir()

    def ran(self, row, engine, **part):
        part = {"test": "t", "passed": True, "ran": 3, "skipped": 1, "seeds": ["7"], "struck": 2, "seconds": 4.2, **part}
        with open(self.logs / "rows.jsonl", "a", encoding="utf-8") as out:
            out.write(json.dumps({"row": row, "engine": engine, "parts": [part]}) + "\n")

    def cell(self, row, engine):
        return reliability.cell(matrix.row(row), engine, reliability.latest(self.logs / "rows.jsonl"))

    def test_without_logs_nothing_is_claimed(self):
        page = reliability.page(self.build)
        self.assertGreaterEqual(page.count(reliability.NOT_RUN), 40)
        self.assertNotRegex(page, r"\d passed")

    def test_a_row_counts_what_ran_and_not_what_was_skipped(self):
        self.ran(1, "embedded")
        self.assertEqual(self.cell(1, "embedded"), "2 passed in 4 s, seed 7")
        self.assertEqual(self.cell(1, "cluster"), reliability.NOT_RUN)

    def test_the_last_run_of_a_row_is_the_one_that_counts(self):
        self.ran(1, "embedded")
        self.ran(1, "embedded", passed=False, test="e2e/x.py")
        self.assertIn("FAILED: e2e/x.py", self.cell(1, "embedded"))

    def test_a_row_that_cannot_run_says_why(self):
        self.assertEqual(self.cell(3, "embedded"), f"cannot run: {matrix.ONE_PROCESS}")

    def test_a_simulation_shows_its_violation_and_what_was_never_seen(self):
        told = {"runs": 300, "seed": 5, "seconds": 1.0, "sagas": 9, "faults": {"fail a-b.do": 2, "fail c.do": 3}, "seen": {"x": 4},
                "never_seen": ["y"], "broken": None}
        file = self.logs / "simulation.json"
        file.write_text(json.dumps(told))
        self.assertIn("0 violations (< 1 % at 95 %)", reliability.simulation(file))
        self.assertIn("| fail a do | 5 |", reliability.simulation(file))
        self.assertIn("| y | NEVER |", reliability.simulation(file))
        file.write_text(json.dumps({**told, "broken": "seed 5: a seat twice"}))
        self.assertIn("BROKEN: seed 5: a seat twice", reliability.simulation(file))
        self.assertNotIn("0 violations", reliability.simulation(file))


if __name__ == "__main__":
    unittest.main()
