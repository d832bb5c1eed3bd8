#!/usr/bin/env python3
"""What is bad is refused with words a person can act on, the right exit or status code, and nothing lost."""

import contextlib
import os
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import unittest

from runtime import BUILD, CONCERT, Client, Runtime, command, free_port, until

# runtime/README.md: what the exit codes of every verb mean.
OK, PROBLEMS, USAGE, UNREACHABLE, NOT_FOUND = 0, 1, 2, 3, 4


class Refusals(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory(prefix="reprise-e2e-")))
        self.file = self.folder / "journal.db"

    def run_concert(self, *more, path=CONCERT, env=None):
        return command("run", path, "--file", self.file, "--listen", f"127.0.0.1:{free_port()}", *more,
                       env=env, cwd=self.folder)

    def pipelines(self, **changed):
        """A copy of the concert with files changed: {name: text or a function of its text}."""
        copy = self.folder / "concert"
        shutil.copytree(CONCERT, copy)
        for name, text in changed.items():
            path = copy / f"{name}.yaml"
            path.write_text(text(path.read_text()) if callable(text) else text)
        return copy

    def says(self, ended, code, *words):
        """It ended with `code`, and its words on stderr hold all of `words`; it did not crash."""
        self.assertEqual(ended.returncode, code, ended)
        for word in words:
            self.assertIn(word.lower(), ended.stderr.lower())
        for crash in ("terminate called", "Segmentation", "Assertion", "Sanitizer", "core dumped"):
            self.assertNotIn(crash, ended.stderr)
        self.assertLess(len(ended.stderr), 20000)


class Yaml(Refusals):
    def test_malformed_yaml_is_shown_with_its_place(self):
        for text in ("pipeline: queue\nroutes: [\n", "pipeline: queue\n\troutes: {}\n", "pipeline: 'queue\n",
                     "pipeline: queue\n  about: x\n", "pipeline: &a [*b]\n"):
            with self.subTest(text=text):
                shutil.rmtree(self.folder / "concert", ignore_errors=True)
                self.says(self.run_concert(path=self.pipelines(queue=text)), PROBLEMS, "queue.yaml", "rpr")
                self.assertFalse(self.file.exists(), "nothing is begun")

    def test_a_file_that_is_no_text_is_refused(self):
        copy = self.pipelines()
        (copy / "queue.yaml").write_bytes(b"pipeline: \xff\xfe\x00queue\n" + os.urandom(200))
        self.says(self.run_concert(path=copy), PROBLEMS, "queue.yaml")

    def test_yaml_nested_without_end_is_refused(self):
        self.says(self.run_concert(path=self.pipelines(queue="pipeline: " + "[" * 100000)), PROBLEMS, "queue.yaml")

    def test_an_unknown_plugin_is_named_with_the_nearest(self):
        copy = self.pipelines(queue=lambda text: text.replace("queue.enter", "qeue.enter"))
        self.says(self.run_concert(path=copy), PROBLEMS, "queue.yaml", "qeue", "queue")

    def test_an_unknown_action_is_named(self):
        copy = self.pipelines(reservation=lambda text: text.replace("seat.hold", "seat.hodl"))
        self.says(self.run_concert(path=copy), PROBLEMS, "reservation.yaml", "hodl", "hold")

    def test_an_unknown_key_is_named_with_the_nearest(self):
        copy = self.pipelines(reservation=lambda text: text.replace("subject:", "subjcet:"))
        self.says(self.run_concert(path=copy), PROBLEMS, "reservation.yaml", "subjcet", "subject")

    def test_an_unknown_key_of_the_deployment_is_named(self):
        copy = self.pipelines(runtime=lambda text: text.replace("engine:", "engin:"))
        self.says(self.run_concert(path=copy), PROBLEMS, "runtime.yaml", "engin")

    def test_all_mistakes_are_told_in_one_run(self):
        copy = self.pipelines(queue=lambda text: text.replace("queue.enter", "qeue.enter"),
                              reservation=lambda text: text.replace("seat.hold", "seat.hodl"))
        self.says(self.run_concert(path=copy), PROBLEMS, "qeue", "hodl")

    def test_an_unset_variable_is_named(self):
        copy = self.pipelines(runtime=lambda text: text.replace("${START_POINTS:0}", "${NOBODY_SETS_THIS}"))
        self.says(self.run_concert(path=copy), PROBLEMS, "runtime.yaml", "NOBODY_SETS_THIS")

    def test_a_setting_of_the_wrong_type_is_named(self):
        for name, value, setting in (("SEAT_ROWS", "many", "rows"), ("START_POINTS", "-1", "start_points"),
                                     ("QUEUE_VALID_FOR", "soon", "valid_for"),
                                     ("QUEUE_JWT_SECRET", "short", "secret")):
            with self.subTest(name=name):
                self.says(self.run_concert(env={name: value}), PROBLEMS, setting)


class CommandLine(Refusals):
    def test_wrong_usage_is_2(self):
        self.says(command("run"), USAGE, "path")
        self.says(command("run", CONCERT, "--no-such-flag"), USAGE, "--no-such-flag")
        self.says(command("rnu", CONCERT), USAGE, "run")
        self.says(command("run", CONCERT, "--clock-speed", "-1"), USAGE, "clock-speed")
        self.says(command("run", CONCERT, "--clock-speed", "x"), USAGE, "clock-speed")

    def test_an_address_that_is_none_is_said(self):
        self.says(command("run", CONCERT, "--file", self.file, "--listen", "nonsense"), USAGE,
                  "'nonsense' is not an address", "--listen")

    def test_a_fault_that_can_never_strike_is_said(self):
        self.says(self.run_concert("--fault", "nonsense"), USAGE, "STEP.do=fail")
        self.says(self.run_concert("--fault", "resrve.do=fail"), USAGE, "'resrve'", "did you mean 'reserve'")
        self.says(self.run_concert("--fault", "nowhere/reserve.do=fail"), USAGE, "'nowhere'")

    def test_a_deployment_file_that_is_none_is_said(self):
        self.says(self.run_concert("--config", self.folder / "nowhere.yaml"), PROBLEMS, "nowhere.yaml")
        self.says(self.run_concert("--config", CONCERT / "queue.yaml"), PROBLEMS, "queue.yaml",
                  "no deployment file")

    def test_a_demo_that_is_none_is_said(self):
        self.says(command("demo", self.folder), USAGE, f"{self.folder}/demo.yaml")

    def test_a_path_that_is_not_there_is_said(self):
        ended = self.run_concert(path=self.folder / "nowhere")
        self.assertIn(ended.returncode, (PROBLEMS, USAGE, NOT_FOUND), ended)
        self.says(ended, ended.returncode, "nowhere")

    def test_a_runtime_that_is_not_there_is_3(self):
        self.says(command("saga", "list", "--server", f"http://127.0.0.1:{free_port()}"), UNREACHABLE, "127.0.0.1")

    def test_a_saga_that_is_not_there_is_4(self):
        with Runtime() as runtime:
            self.says(command("saga", "show", "01a20452-cdae-7546-8f22-24f183b2f963", "--server", runtime.server),
                      NOT_FOUND, "01a20452")
            self.says(command("dlq", "show", "12345", "--server", runtime.server), NOT_FOUND, "12345")


class Files(Refusals):
    def test_a_file_that_keeps_nothing_is_refused(self):
        for self.file in (":memory:", "file:journal.db?mode=memory"):
            self.says(self.run_concert(), PROBLEMS, self.file, "name a file")

    def test_a_folder_that_is_missing_is_named(self):
        self.file = self.folder / "no" / "such" / "journal.db"
        self.says(self.run_concert(), PROBLEMS, str(self.file))

    def test_a_folder_instead_of_a_file_is_refused(self):
        self.file.mkdir()
        self.says(self.run_concert(), PROBLEMS, str(self.file))

    def test_a_second_runtime_on_the_same_file_is_refused_and_the_first_goes_on(self):
        with Runtime() as runtime:
            self.file = runtime.file
            self.says(self.run_concert(), PROBLEMS, str(runtime.file))
            self.assertEqual(runtime.ask("POST", "/queue", {"userId": "u"}).status, 200)
            self.assertEqual(runtime.stop(), OK, runtime.log)

    def test_a_file_that_is_no_database_is_refused_and_left_alone(self):
        for bytes_ in (b"not a database, but somebody's notes\n" * 300, os.urandom(8192)):
            self.file.write_bytes(bytes_)
            self.says(self.run_concert(), PROBLEMS, str(self.file))
            self.assertEqual(self.file.read_bytes(), bytes_)

    def test_a_database_of_another_program_is_refused_and_left_alone(self):
        with contextlib.closing(sqlite3.connect(self.file)) as file:
            file.execute("CREATE TABLE notes(text)")
            file.commit()
        before = self.file.read_bytes()
        self.says(self.run_concert(), PROBLEMS, str(self.file))
        self.assertEqual(self.file.read_bytes(), before)

    def test_a_journal_with_torn_pages_does_not_crash_it(self):
        with Runtime() as runtime:
            token = runtime.token("u")
            runtime.reserve("A-1", token)
            self.assertEqual(runtime.stop(), OK)
            content = bytearray(runtime.file.read_bytes())
            self.assertGreater(len(content), 16384)
            content[4096:12288] = os.urandom(8192)
            self.file.write_bytes(content)
        self.says(self.run_concert("--check"), PROBLEMS, str(self.file))

    def test_a_file_cut_in_half_is_refused(self):
        with Runtime() as runtime:
            self.assertEqual(runtime.stop(), OK)
            content = runtime.file.read_bytes()
        self.file.write_bytes(content[:len(content) // 2])
        self.says(self.run_concert("--check"), PROBLEMS, str(self.file))

    def test_a_port_in_use_is_said(self):
        with Runtime() as runtime:
            ended = command("run", CONCERT, "--file", self.file, "--listen", f"127.0.0.1:{runtime.port}",
                            cwd=self.folder)
            self.says(ended, PROBLEMS, str(runtime.port), "in use")
            self.assertEqual(runtime.ask("GET", "/livez").status, 200)


class Plugins(Refusals):
    def setUp(self):
        super().setUp()
        self.plugins = self.folder / "plugins"
        self.plugins.mkdir()

    def test_rubbish_beside_the_plugins_is_said_and_does_no_harm(self):
        (self.plugins / "garbage.so").write_bytes(os.urandom(5000))
        (self.plugins / "x.so").write_text("this is a text\n")
        (self.plugins / "empty.so").touch()
        listed = command("plugin", "list", "--plugins", self.plugins)
        for name in ("garbage.so", "x.so", "empty.so"):
            self.assertIn(name, listed.stdout + listed.stderr)
        self.assertIn("queue", listed.stdout)
        with Runtime(options=("--plugins", self.plugins)) as runtime:
            self.assertEqual(runtime.ask("GET", "/readyz").status, 200)
            self.assertEqual(runtime.stop(), OK, runtime.log)

    def test_rubbish_that_is_wanted_is_refused(self):
        copy = self.pipelines(queue=lambda text: text.replace("queue.enter", "rubbish.enter"))
        for bytes_ in (b"this is a text\n", b"", os.urandom(5000), b"\x7fELF" + os.urandom(5000)):
            with self.subTest(bytes=bytes_[:10]):
                (self.plugins / "rubbish.so").write_bytes(bytes_)
                self.says(self.run_concert("--plugins", self.plugins, path=copy), PROBLEMS, "rubbish.so")

    def test_a_folder_of_plugins_that_is_not_there_is_said(self):
        self.says(self.run_concert("--plugins", self.folder / "plguins"), USAGE, "plguins")

    def test_half_a_plugin_is_refused(self):
        whole = (BUILD / "plugins" / "seat.so").read_bytes()
        (self.plugins / "seat.so").write_bytes(whole[:len(whole) // 2])
        self.says(self.run_concert("--plugins", self.plugins), PROBLEMS, "seat.so")


class FullDisk(unittest.TestCase):
    """A small file system of its own, mounted here and filled."""

    def setUp(self):
        if os.geteuid() != 0:
            self.skipTest("only root may mount the small file system that gets full")
        self.disk = pathlib.Path(tempfile.mkdtemp(prefix="reprise-e2e-disk-"))
        self.addCleanup(shutil.rmtree, self.disk, True)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "tmpfs", str(self.disk)],
                                 capture_output=True, text=True, check=False)
        if mounted.returncode != 0:
            self.skipTest(f"no file system may be mounted here: {mounted.stderr.strip()}")
        self.addCleanup(subprocess.run, ["umount", "-l", str(self.disk)], check=False)

    def test_a_full_disk_is_503_and_nothing_accepted_is_lost(self):
        env = {"QUEUE_ADMIT_PER_SECOND": "1000000", "SEAT_ROWS": "26", "SEAT_PER_ROW": "100"}
        with Runtime(env=env, file=self.disk / "journal.db") as runtime:
            token = runtime.token("u")
            seats = iter([s["seatId"] for s in runtime.ask("GET", "/seats").json()])
            accepted = [self.reserve(runtime, next(seats), token).json()["reservationId"] for _ in range(20)]
            filler = self.disk / "filler"
            self.fill(filler)
            refused = None
            for seat in seats:
                answer = self.reserve(runtime, seat, token)
                if answer.status != 202:
                    refused = answer
                    break
                accepted.append(answer.json()["reservationId"])
            self.assertIsNotNone(refused, "the disk was full and all was accepted")
            self.assertEqual(refused.status, 503, refused)
            self.assertTrue(refused.headers["content-type"].startswith("application/problem+json"), refused)
            self.assertTrue(refused.code)
            self.assertGreaterEqual(int(refused.headers["retry-after"]), 1)
            self.assertEqual(runtime.ask("GET", "/livez").status, 200)
            self.assertIsNone(runtime.process.poll(), runtime.log)

            filler.unlink()
            until("it accepts again", lambda: self.reserve(runtime, next(seats), token).status == 202, within=30,
                  every=0.05)
            for reservation in accepted:
                runtime.wait_for_status(reservation, token, "HELD", within=30)
            self.assertEqual(runtime.stop(), OK, runtime.log)
            runtime.start()
            for reservation in accepted:
                self.assertEqual(runtime.status_of(reservation, token), "HELD")
            self.assertEqual(runtime.stop(), OK, runtime.log)

    def reserve(self, runtime, seat, token):
        with contextlib.closing(Client(runtime.port, timeout=30)) as client:
            return client.ask("POST", "/reservations", {"seatId": seat}, bearer=token)

    def fill(self, filler):
        with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))


if __name__ == "__main__":
    unittest.main()
