#!/usr/bin/env python3
"""`reprise audit` on a file with every kind of saga: nothing is wrong with it; then each promise is broken in a
copy, by hand, and exactly that is found, with the saga it happened to.
"""

import contextlib
import json
import pathlib
import shutil
import sqlite3
import tempfile
import unittest

from runtime import CONCERT, Runtime, command, until

SECRET = "a-secret-that-nobody-may-read-32b"
ENV = {"QUEUE_ADMIT_PER_SECOND": "1000000", "QUEUE_JWT_SECRET": SECRET}
FAILS = ("--fault", "reservation/deadline.do=fail")
STICKS = ("--fault", "reservation/reserve.undo=fail")


class Audit(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="reprise-e2e-")))
        cls.whole = cls.folder / "whole.db"
        cls.sagas = {}
        with Runtime(env=ENV) as runtime:
            token = runtime.token("u")
            runtime.ask("POST", "/users/u/points", {"amount": 70000})
            cls.sagas["running"] = runtime.reserve("A-1", token)
            paid = runtime.reserve("A-2", token)
            answer = runtime.ask("POST", "/payments", {"reservationId": paid}, bearer=token, key="k")
            assert answer.status == 200, answer
            cls.sagas["done"] = answer.json()["paymentId"]
            cls.wait(runtime, "done", "done")
            for name, options, end in (("undone", FAILS, "undone"), ("stuck", FAILS + STICKS, "stuck")):
                assert runtime.stop() == 0, runtime.log
                runtime.start(options=options)
                sent = runtime.ask("POST", "/reservations", {"seatId": "A-3"}, bearer=token)
                cls.sagas[name] = sent.json()["sagaId"]
                cls.wait(runtime, name, end)
            cls.wait_until_told(runtime)
            assert runtime.stop() == 0, runtime.log
            shutil.copy(runtime.file, cls.whole)

    @classmethod
    def wait(cls, runtime, name, state):
        until(f"saga {name} is {state}", lambda: runtime.ask(
            "GET", f"/api/v1/sagas/{cls.sagas[name]}").json()["state"] == state)

    @classmethod
    def wait_until_told(cls, runtime):
        until("the alarm went out", lambda: "reprise_consumer_lag_messages 0" in runtime.ask(
            "GET", "/metrics").body.decode())

    def audit(self, file, *options):
        return command("audit", CONCERT, "--file", file, *options, env=ENV)

    def found(self, file):
        """{(invariant, saga's name)} of the violations."""
        done = self.audit(file, "-o", "json")
        names = {saga: name for name, saga in self.sagas.items()}
        rows = json.loads(done.stdout)["violations"]
        self.assertEqual(done.returncode, 1 if rows else 0, done)
        return {(row["invariant"], names.get(row.get("saga"), row.get("saga"))) for row in rows}

    def planted(self, sql, *names):
        """What is found in a copy in which `sql` was run; ?s are the ids of these sagas."""
        file = self.folder / "planted.db"
        shutil.copy(self.whole, file)
        with contextlib.closing(sqlite3.connect(file)) as db:
            changed = db.execute(sql, [bytes.fromhex(self.sagas[name].replace("-", "")) for name in names]).rowcount
            db.commit()
        self.assertGreater(changed, 0, "the plant took root")
        return self.found(file)

    def test_nothing_is_wrong_with_what_the_runtime_wrote(self):
        done = self.audit(self.whole)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done)
        self.assertIn("0 violations", done.stderr)

    def test_i1_a_saga_that_counts_more_than_is_to_come(self):
        self.assertEqual(self.planted("UPDATE rp_saga SET open = open + 1 WHERE id = ?", "running"),
                         {("I1", "running")})

    def test_i1_an_ended_saga_for_which_something_is_to_come(self):
        self.assertEqual(self.planted("UPDATE rp_saga SET open = 1 WHERE id = ?", "done"), {("I1", "done")})

    def test_i1_a_saga_that_is_gone(self):
        self.assertEqual(self.planted("DELETE FROM rp_saga WHERE id = ?", "done"), {("I1", None)})

    def test_i2_an_effect_that_is_left_of_an_undone_saga(self):
        self.assertEqual(self.planted("UPDATE rp_step SET state = 4, more = NULL WHERE saga = ? AND step = 0",
                                      "undone"), {("I2", "undone")})

    def test_i3_an_undo_before_that_of_a_step_which_depends_on_it(self):
        self.assertEqual(self.planted(
            "UPDATE rp_step SET more = json_set(more, '$.undone', json_extract(more, '$.undone') + 5000) "
            "WHERE saga = ? AND step = 1", "undone"), {("I3", "undone")})

    def test_i4_a_do_after_its_undo(self):
        self.assertEqual(self.planted("UPDATE rp_step SET done = done + 5000 WHERE saga = ? AND step = 1", "undone"),
                         {("I4", "undone")})

    def test_i8_a_point_that_came_from_nowhere(self):
        self.assertEqual(self.planted("UPDATE payment_points SET points = points + 1"), {("I8", None)})

    def test_i8_a_promise_may_speak_of_the_time(self):
        """`$1` is the clock, as in tests and simulations."""
        for name, sql, found in (("old", "SELECT 1 FROM payment_points WHERE $1 < 1700000000000", 0),
                                 ("new", "SELECT 1 FROM payment_points WHERE $1 > 1700000000000", 1)):
            pipelines = self.folder / name
            shutil.copytree(CONCERT, pipelines)
            payment = pipelines / "payment.yaml"
            payment.write_text(payment.read_text().replace(
                "invariants:\n", f"invariants:\n  - name: of the time\n    sql: {sql}\n    expect: empty\n", 1))
            done = command("audit", pipelines, "--file", self.whole, env=ENV)
            self.assertEqual(done.returncode, found, done)
            self.assertEqual(done.stdout.count("'of the time' finds 1 rows"), found, done)

    def test_i9_a_saga_that_nothing_will_move(self):
        self.assertEqual(self.planted("UPDATE rp_saga SET open = 0 WHERE id = ?", "running"),
                         {("I9", "running"), ("I1", "running")})

    def test_i10_a_stuck_step_of_which_nobody_was_told(self):
        self.assertEqual(self.planted("DELETE FROM rp_history WHERE saga = ? AND what = 'stuck'", "stuck"),
                         {("I10", "stuck")})
        self.assertEqual(self.planted("DELETE FROM rp_step WHERE saga = ? AND item <> 0", "stuck"),
                         {("I10", "stuck")})

    def test_i11_a_timer_that_was_lost(self):
        self.assertEqual(self.planted("DELETE FROM rp_due WHERE kind = 3 AND saga = ?", "running"),
                         {("I11", "running"), ("I1", "running")})

    def test_i11_a_timer_that_is_counted_twice(self):
        self.assertEqual(self.planted("UPDATE rp_step SET timers = timers + 1 WHERE saga = ? AND timers > 0",
                                      "running"), {("I11", "running")})

    def test_i13_a_secret_that_a_failure_told(self):
        self.assertEqual(self.planted(f"UPDATE rp_history SET detail = 'HTTP 401 with {SECRET}' WHERE saga = ?",
                                      "stuck"), {("I13", "stuck")})

    def test_a_secret_that_is_found_is_not_told_again(self):
        self.planted(f"UPDATE rp_history SET detail = '{SECRET}' WHERE saga = ?", "stuck")
        done = self.audit(self.folder / "planted.db")
        self.assertIn(f"I13  saga {self.sagas['stuck']}: a secret of the deployment is in its history", done.stdout)
        self.assertNotIn(SECRET, done.stdout + done.stderr)

    def test_a_violation_comes_with_the_timeline_of_its_saga(self):
        self.planted("UPDATE rp_history SET what = 'x' WHERE saga = ? AND what = 'stuck'", "stuck")
        done = self.audit(self.folder / "planted.db")
        self.assertIn(f"I10  saga {self.sagas['stuck']}: step 'reserve' is stuck, and no line says so", done.stdout)
        for step in ("reserve", "hold-seat", "deadline"):
            self.assertIn(step, done.stdout)

    def test_a_file_that_is_not_there_is_said(self):
        done = self.audit(self.folder / "nothing.db")
        self.assertEqual(done.returncode, 4, done)
        self.assertIn("there is no file", done.stderr)


if __name__ == "__main__":
    unittest.main()
