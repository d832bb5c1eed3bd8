#!/usr/bin/env python3
"""Plugins that throw, hang, crash, take all memory or return garbage: the message at fault is found out and put
aside, everything else goes on, and the runtime starts itself again.

The plugin is tests/e2e/hostile; the process is `reprise run --supervise`, as its unit file would have it.
"""

import contextlib
import http.client
import os
import pathlib
import resource
import signal
import unittest
import uuid

from runtime import BUILD, Client, Runtime, command, until

HOSTILE = pathlib.Path(__file__).resolve().parent / "hostile"
PLUGINS = BUILD / "tests" / "plugins" / "hostile"
GONE = (OSError, http.client.HTTPException)
MEMORY = 3 << 30


class Supervised(Runtime):
    """Customers who come again while it is being started again."""

    def __init__(self, **more):
        super().__init__(path=HOSTILE, options=("--supervise", "--plugins", PLUGINS), **more)

    def send(self, path, body, within=60.0, **more):
        """Asks until it is answered; one run, however often it had to ask."""
        key = str(uuid.uuid4())

        def answered():
            with contextlib.suppress(*GONE), contextlib.closing(Client(self.port, timeout=10)) as client:
                answer = client.ask("POST", path, body, key=key, **more)
                return answer if answer.status != 503 else None
            return None
        return until(f"{path} is answered", answered, within, every=0.05)

    def saga(self, saga):
        with contextlib.suppress(*GONE), contextlib.closing(Client(self.port, timeout=10)) as client:
            return client.ask("GET", f"/api/v1/sagas/{saga}").json()
        return {}

    def ends(self, saga, *states, within=120.0):
        return until(f"saga {saga} is {states}", lambda: self.saga(saga).get("state") in states and self.saga(saga),
                     within, every=0.05)

    def letters(self):
        return self.ask("GET", "/api/v1/dlq?limit=500").json()["letters"]

    def restarts(self):
        return self.log.count("the runtime ended and is started again")


class Hostile(unittest.TestCase):
    def start(self, **more):
        return self.enterContext(Supervised(**more))

    def act(self, runtime, kind, who, path="/acts"):
        answer = runtime.send(path, {"kind": kind, "who": who})
        self.assertEqual(answer.status, 202, answer)
        return answer.json()["sagaId"]

    def convicted(self, runtime, saga, step, phase="do"):
        """Exactly one dead letter says which message took the process with it."""
        found = [letter for letter in runtime.letters() if letter["saga"] == saga]
        self.assertEqual([(letter["code"], letter["step"], letter["phase"]) for letter in found],
                         [("crashed", step, phase)])

    def others_are_well(self, runtime, who):
        for i in range(3):
            runtime.ends(self.act(runtime, "fine", f"{who}-{i}"), "done")

    def a_crash_is_convicted(self, kind, within=120.0, **more):
        runtime = self.start(**more)
        before = self.act(runtime, "fine", "before")
        saga = self.act(runtime, kind, "villain")
        bystander = self.act(runtime, "fine", "bystander")
        runtime.ends(bystander, "done", within=within)
        runtime.ends(saga, "undone", within=within)
        self.convicted(runtime, saga, "act")
        runtime.ends(before, "done")
        self.others_are_well(runtime, "after")
        # Once for the request that was not accepted yet, at most; then three times for the message.
        self.assertIn(runtime.restarts(), (3, 4), runtime.log)
        self.assertEqual(runtime.stop(), 0, runtime.log)
        self.assertEqual(runtime.rows("SELECT who FROM hostile_row WHERE who = 'villain'"), [],
                         "what the saga had done is undone")
        return runtime

    def test_a_segfault_is_convicted_after_three(self):
        runtime = self.a_crash_is_convicted("segfault")
        self.assertIn("died of signal 11 in plugin hostile.act for hostile/act", runtime.log)

    def test_an_abort_is_convicted_after_three(self):
        self.a_crash_is_convicted("abort")

    def test_an_overflown_stack_is_convicted_after_three(self):
        self.a_crash_is_convicted("stack")

    def test_exit_0_is_no_clean_stop(self):
        self.a_crash_is_convicted("exit")

    def test_a_hang_ends_the_process_and_is_convicted_after_three(self):
        runtime = self.a_crash_is_convicted("hang")
        self.assertIn("a plugin hangs; the process ends", runtime.log)

    def test_an_endless_loop_is_convicted_after_three(self):
        self.a_crash_is_convicted("spin")

    def test_a_plugin_that_takes_all_memory_fails_alone(self):
        def limited():
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        runtime = self.start(preexec=limited)
        saga = self.act(runtime, "memory", "villain")
        self.assertIn(runtime.ends(saga, "undone")["code"], ("crashed", "exception"))
        self.others_are_well(runtime, "after")
        self.assertEqual(runtime.stop(), 0, runtime.log)

    def test_what_only_breaks_the_contract_fails_its_step_and_nothing_else(self):
        runtime = self.start()
        child = self.children(runtime)
        for kind, code in (("throw", "exception"), ("throw-int", "exception"), ("garbage", None),
                           ("silent", "no_outcome"), ("commit", "refused_call"), ("huge", "refused_call")):
            with self.subTest(kind):
                saga = runtime.ends(self.act(runtime, kind, kind), "undone")
                if code:
                    self.assertEqual(saga["code"], code)
                runtime.ends(self.act(runtime, "fine", f"after-{kind}"), "done")
        self.assertEqual(self.children(runtime), child, "the process is the same")
        self.assertEqual(runtime.restarts(), 0)
        self.assertEqual(runtime.stop(), 0, runtime.log)
        self.assertEqual(runtime.rows("SELECT who FROM hostile_row WHERE who NOT LIKE 'after-%'"), [])

    def test_an_undo_that_crashes_is_stuck_and_a_person_is_told(self):
        runtime = self.start()
        saga = self.act(runtime, "undo-segfault", "villain")
        runtime.ends(saga, "stuck")
        self.convicted(runtime, saga, "act", "undo")
        self.others_are_well(runtime, "after")
        resolved = command("saga", "resolve", saga, "act", "--why", "seen to", "--yes", "--server", runtime.server)
        self.assertEqual(resolved.returncode, 0, resolved)
        runtime.ends(saga, "undone")

    def test_a_call_to_the_outside_that_crashes_is_convicted_after_three(self):
        for kind in ("segfault", "hang"):
            with self.subTest(kind):
                runtime = self.start()
                saga = self.act(runtime, kind, "villain", "/calls")
                fine = self.act(runtime, "fine", "bystander", "/calls")
                runtime.ends(fine, "done")
                runtime.ends(saga, "undone")
                self.convicted(runtime, saga, "call")
                self.assertEqual(runtime.restarts(), 3, runtime.log)

    def test_a_request_that_crashes_is_refused_after_three(self):
        runtime = self.start()
        for path, body in (("/questions", {"kind": "segfault"}), ("/runs", {"kind": "segfault", "who": "villain"})):
            with self.subTest(path):
                before = runtime.restarts()
                answer = runtime.send(path, body)
                self.assertEqual((answer.status, answer.code), (500, "crashed"))
                self.assertEqual(runtime.restarts() - before, 3)
                self.assertEqual(runtime.send(path, {**body, "kind": "fine"}).status, 200)

    def test_one_that_cannot_start_is_not_started_again(self):
        with contextlib.ExitStack() as stack:
            runtime = Supervised()
            stack.callback(runtime.close)
            runtime.path = runtime.folder / "nothing"
            with self.assertRaisesRegex(AssertionError, "ended with 1"):
                runtime.start()

    def test_kill_9_of_the_child_brings_another_and_sigterm_ends_both(self):
        runtime = self.start()
        child = self.children(runtime)
        os.kill(child[0], signal.SIGKILL)
        until("another child is there", lambda: self.children(runtime) not in ([], child))
        self.others_are_well(runtime, "after")
        child = self.children(runtime)
        self.assertEqual(runtime.stop(), 0, runtime.log)
        self.assertFalse(pathlib.Path(f"/proc/{child[0]}").exists())

    @staticmethod
    def children(runtime):
        parent = runtime.process.pid
        return [int(pid) for pid in pathlib.Path(f"/proc/{parent}/task/{parent}/children").read_text().split()]


if __name__ == "__main__":
    unittest.main()
