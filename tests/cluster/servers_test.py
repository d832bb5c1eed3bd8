"""servers.py keeps its word: what it starts answers, what it stops is gone. With Redis, which starts at once."""
import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import processes  # noqa: E402
from servers import Servers  # noqa: E402

SERVERS = [sys.executable, str(HERE / "servers.py")]


class ServersTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="reprise-servers-test-")
        self.addCleanup(folder.cleanup)
        self.folder, self.env = pathlib.Path(folder.name) / "servers", pathlib.Path(folder.name) / "env"
        self.addCleanup(subprocess.run, [*SERVERS, "stop", self.folder], check=True)

    def do(self, *arguments):
        return subprocess.run([*SERVERS, *map(str, arguments)], check=True)

    def redis(self):
        return Servers(self.folder).part("redis")

    def test_what_was_started_answers_and_is_gone_after_stop(self):
        self.do("start", self.folder, self.env, "--only", "redis")
        part = self.redis()
        self.assertTrue(part.answers())
        self.assertEqual(f"REPRISE_REDIS={part.environment()[1]}\n", self.env.read_text())
        self.do("stop", self.folder)
        self.assertFalse(processes.alive(part.kept["process"]))
        self.assertFalse(part.folder.exists())
        self.assertFalse(self.env.exists())

    def test_a_killed_part_comes_back_at_its_port(self):
        self.do("start", self.folder, self.env, "--only", "redis")
        before = self.redis()
        self.do("kill", self.folder, "redis")
        self.assertFalse(before.answers())
        self.do("restart", self.folder, "redis")
        self.assertTrue(before.answers())
        self.assertNotEqual(before.kept["process"], self.redis().kept["process"])

    def test_a_paused_part_does_not_answer_until_it_is_resumed(self):
        self.do("start", self.folder, self.env, "--only", "redis")
        self.do("pause", self.folder, "redis")
        self.assertFalse(self.redis().answers())
        self.do("resume", self.folder, "redis")
        self.assertTrue(self.redis().answers())

    def test_starting_again_leaves_nothing_of_the_first(self):
        self.do("start", self.folder, self.env, "--only", "redis")
        first = self.redis()
        self.do("start", self.folder, self.env, "--only", "redis")
        self.assertFalse(processes.alive(first.kept["process"]))
        self.assertFalse(first.folder.exists())
        self.assertTrue(self.redis().answers())

    def test_a_run_ends_as_its_command_does_and_hands_it_the_servers(self):
        asks = 'test -n "$REPRISE_REDIS" && test -z "$REPRISE_KAFKA" && exit 7'
        environment = {key: value for key, value in os.environ.items() if not key.startswith("REPRISE_")}
        done = subprocess.run([*SERVERS, "run", "--only", "redis", "--", "sh", "-c", asks], check=False, env=environment)
        self.assertEqual(7, done.returncode)

    def test_a_run_that_is_to_end_lets_its_command_end_first(self):
        ends_itself = ("import os, signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(9));"
                       "print(os.environ['REPRISE_REDIS'], flush=True); signal.pause()")
        with subprocess.Popen([*SERVERS, "run", "--only", "redis", "--", sys.executable, "-c", ends_itself],
                              stdout=subprocess.PIPE, text=True) as run:
            url = run.stdout.readline()
            self.assertTrue(url.startswith("redis://"))
            run.terminate()
            self.assertEqual(9, run.wait(30))
        port = int(url.rpartition(":")[2].split("/")[0])
        with socket.socket() as to:
            self.assertNotEqual(0, to.connect_ex(("127.0.0.1", port)))

    def test_servers_end_with_a_test_run_that_was_killed(self):
        start = " ".join(map(str, [*SERVERS, "start", self.folder, self.env, "--only", "redis", "--fixture"]))
        with subprocess.Popen(["sh", "-c", f"{start}; echo started; read line"], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE) as run:
            self.assertEqual(b"started\n", run.stdout.readline())
            part = self.redis()
            self.assertTrue(part.answers())
            run.send_signal(signal.SIGKILL)
        processes.until("redis is gone", lambda: not processes.alive(part.kept["process"]), 20)
        processes.until("its data is gone", lambda: not part.folder.exists(), 20)

    def test_a_fixture_leaves_the_servers_that_were_started_by_hand(self):
        self.do("start", self.folder, self.env, "--only", "redis")
        by_hand = self.redis()
        self.do("start", self.folder, self.env, "--only", "redis", "--fixture")
        self.do("stop", self.folder, "--fixture")
        self.assertTrue(by_hand.answers())
        self.assertEqual(by_hand.kept, self.redis().kept)

    def test_a_command_that_is_missing_is_said(self):
        nowhere = {**os.environ, "PATH": "/nowhere"}
        done = subprocess.run([*SERVERS, "start", self.folder, self.env, "--only", "redis"], env=nowhere, check=False,
                              capture_output=True, text=True)
        self.assertEqual(1, done.returncode)
        self.assertIn("redis-server is not installed", done.stderr)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        unittest.main()
