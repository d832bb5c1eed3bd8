#!/usr/bin/env python3
"""What run.py makes of targets that end well, find something, or never ran."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import run  # noqa: E402

GOOD = "echo 'INFO: Seed: 42'\necho '#2 INITED cov: 5'\necho 'stat::number_of_executed_units: 1234'\n"
FINDS = """for a in "$@"; do case $a in -artifact_prefix=*) echo x > "${a#*=}crash-1";; esac; done; echo '#7 NEW'; exit 77\n"""


class Run(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.build = pathlib.Path(folder.name)
        (self.build / "tests/fuzz").mkdir(parents=True)
        self.target(GOOD)

    def target(self, text):
        file = self.build / "tests/fuzz/token_fuzz"
        file.write_text("#!/bin/sh\n" + text)
        file.chmod(0o755)

    def run_it(self, only="token"):
        return subprocess.run([HERE / "run.py", self.build, "--only", only, "--seed", "9", "--minutes", "0.1"],
                              capture_output=True, text=True, check=False)

    def test_prints_seed_and_executions(self):
        ran = self.run_it()
        self.assertEqual(ran.returncode, 0, ran.stdout + ran.stderr)
        self.assertRegex(ran.stdout, r"^fuzz target=token seed=9 executions=1234 findings=0\n$")

    def test_gives_a_target_its_seeds_and_words(self):
        self.target('echo "$@"\n' + GOOD)
        self.assertEqual(self.run_it().returncode, 0)
        told = (self.build / "logs/token.log").read_text()
        self.assertIn(str(HERE / "corpus/token"), told)
        self.assertEqual((HERE / "token.dict").exists(), "-dict=" in told)

    def test_keeps_a_finding_and_fails(self):
        self.target(FINDS)
        ran = self.run_it()
        self.assertEqual(ran.returncode, 1)
        found = self.build.resolve() / "findings/token-crash-1"
        self.assertIn("fuzz target=token seed=9 executions=7 findings=1\n", ran.stdout)
        self.assertIn(f"replay: {self.build.resolve()}/tests/fuzz/token_fuzz {found}\n", ran.stdout)

    def test_a_target_that_executed_nothing_is_no_success(self):
        self.target("exit 0\n")
        self.assertEqual(self.run_it().returncode, 1)
        self.assertEqual(self.run_it("nothing").returncode, 1)

    def test_reads_a_log_that_was_cut_off(self):
        self.assertEqual(run.summary("INFO: Seed: 5\n#2\tINITED\n#4096\tpulse  cov: 1\n"), (5, 4096))
        self.assertEqual(run.summary(""), (None, None))


if __name__ == "__main__":
    unittest.main()
