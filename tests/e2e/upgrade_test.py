#!/usr/bin/env python3
"""The YAML changes while sagas are in flight: they end by the plan they began with, or the start is refused."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

from runtime import BINARY, BUILD, CONCERT, Runtime, environment, until

PROBLEMS = 1
OPEN_DOORS = {"QUEUE_ADMIT_PER_SECOND": "1000000"}


class Upgrade(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="reprise-e2e-")))

    def queue_only(self):
        """The next version of the files: it names none of the plugins that a reservation needs."""
        folder = self.folder / "v2"
        folder.mkdir()
        for name in ("queue", "runtime"):
            shutil.copy(CONCERT / f"{name}.yaml", folder)
        return folder

    def reserved(self, runtime):
        """A saga that waits for its deadline, and the process killed."""
        token = runtime.token("u")
        reservation = runtime.reserve("A-1", token)
        saga = runtime.sagas(pipeline="reservation")[0]["id"]
        self.assertEqual(saga, reservation)
        runtime.kill()
        return saga

    def test_sagas_end_with_plugins_that_no_file_names_any_more(self):
        with Runtime(env=OPEN_DOORS) as runtime:
            saga = self.reserved(runtime)
            runtime.path = self.queue_only()
            runtime.start(options=("--clock-speed", "1000"))
            until("the hold has run out and the saga is done", lambda: runtime.ask(
                "GET", f"/api/v1/sagas/{saga}").json()["state"] == "done")
            self.assertEqual(runtime.ask("GET", "/seats").status, 404, "its routes are gone")
            self.assertEqual(runtime.stop(), 0, runtime.log)
            runtime.start(options=())

    def test_without_the_plugin_itself_the_start_is_refused_and_nothing_is_lost(self):
        with Runtime(env=OPEN_DOORS) as runtime:
            saga = self.reserved(runtime)
            bare = self.folder / "bin"
            bare.mkdir()
            shutil.copy(BINARY, bare)
            shutil.copytree(BUILD / "plugins", bare / "plugins", ignore=lambda *_: ["scheduler.so"])
            ended = subprocess.run(
                [bare / "reprise", "run", self.queue_only(), "--file", runtime.file, "--check"],
                env=environment(runtime.env), capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(ended.returncode, PROBLEMS, ended)
            for words in ("1 saga follows an earlier plan of pipeline 'reservation'", "scheduler"):
                self.assertIn(words, ended.stderr)
            runtime.start()
            self.assertEqual(runtime.ask("GET", f"/api/v1/sagas/{saga}").json()["state"], "running")


if __name__ == "__main__":
    unittest.main()
