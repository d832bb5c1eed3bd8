#!/usr/bin/env python3
"""A newcomer's first minutes: a new plugin builds and passes its tests unedited, and its pipeline lints and runs.

With the SDK of the build tree, and with one that is installed.
"""

import pathlib
import subprocess
import tempfile
import unittest

from runtime import BINARY, BUILD, environment

OK, PROBLEMS = 0, 1


class NewPlugin(unittest.TestCase):
    binary = BINARY

    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="reprise-e2e-")))

    def say(self, *words, cwd=None, code=OK):
        ended = subprocess.run([str(self.binary), *words], env=environment(), capture_output=True, text=True,
                               timeout=240, cwd=cwd or self.folder, check=False)
        self.assertEqual(ended.returncode, code, f"{words}\n{ended.stdout}\n{ended.stderr}")
        return ended

    def test_what_the_readme_says_works_as_it_is(self):
        self.say("plugin", "new", "reward-points")
        plugin = self.folder / "reward-points"
        tested = self.say("plugin", "test", cwd=plugin)
        self.assertIn("✓ plugins.Note.KeepsTheLaws", tested.stdout)
        self.assertIn("0 failed", tested.stderr)
        self.assertEqual(self.say("lint", "pipeline", cwd=plugin).stdout, "")
        self.say("test", "pipeline", cwd=plugin)
        self.say("test", "pipeline/reward-points.test.yaml", cwd=plugin)
        self.assertIn("there is no pipeline/other.test.yaml",
                      self.say("test", "pipeline/other.test.yaml", cwd=plugin, code=2).stderr)
        described = self.say("plugin", "describe", "reward-points", "--plugins", "build/plugins", cwd=plugin)
        self.assertIn("already_noted", described.stdout)

        source = plugin / "reward-points.cpp"  # a mistake is found, and said
        source.write_text(source.read_text().replace("WHERE name = $1 AND saga = $2", "WHERE name = $1 AND saga <> $2"))
        broken = self.say("plugin", "test", str(plugin), code=PROBLEMS)
        self.assertIn("✗ plugins.Note.TakesItBack", broken.stdout)
        source.write_text("#include <reprise/plugin.hpp>\nthis is no C++\n")
        refused = self.say("plugin", "test", str(plugin), code=PROBLEMS)
        self.assertIn("build failed", refused.stderr)
        self.assertIn("error:", refused.stderr)


class Installed(unittest.TestCase):
    def test_the_installed_sdk_builds_a_new_plugin_without_the_tree(self):
        folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="reprise-e2e-")))
        prefix = folder / "usr"

        def run(*words, cwd=folder):
            ended = subprocess.run([str(w) for w in words], env=environment(), capture_output=True, text=True,
                                   timeout=240, cwd=cwd, check=False)
            self.assertEqual(ended.returncode, OK, f"{words}\n{ended.stdout}\n{ended.stderr}")
            return ended

        run("cmake", "--install", BUILD, "--prefix", prefix)
        run(prefix / "bin" / "reprise", "plugin", "new", "loyalty")
        tested = run(prefix / "bin" / "reprise", "plugin", "test", "loyalty")
        self.assertIn("✓ plugins.Note.KeepsTheLaws", tested.stdout)
        cache = (folder / "loyalty" / "build" / "CMakeCache.txt").read_text()
        self.assertIn(f"reprise_DIR:UNINITIALIZED={prefix}" if "reprise_DIR:UNINITIALIZED" in cache
                      else f"reprise_DIR:PATH={prefix}", cache)
        run(prefix / "bin" / "reprise", "lint", "pipeline", cwd=folder / "loyalty")


if __name__ == "__main__":
    unittest.main()
