#!/usr/bin/env python3
"""Nobody takes alerts for an hour, while several sagas fail: once somebody does, each alert is delivered, and once."""

import collections
import contextlib
import json
import pathlib
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from runtime import SOURCE, Client, Runtime, free_port, timed_main, until  # noqa: E402

FAILURES = 6
SPEED = 300  # an hour takes twelve seconds


class Alerts(unittest.TestCase):
    def setUp(self):
        self.port = free_port()
        env = {"NOTION_API_URL": f"http://127.0.0.1:{self.port}", "NOTION_TOKEN": "t", "NOTION_DATABASE": "d",
               "QUEUE_VALID_FOR": "700h", "QUEUE_ADMIT_PER_SECOND": "1000000"}
        self.runtime = self.enterContext(Runtime(env=env, options=(
            "--fault", "reservation/deadline.do=fail", "--clock-speed", SPEED)))

    def notion(self):
        """It is back, at the address where it was."""
        process = subprocess.Popen([sys.executable, str(SOURCE / "tests" / "stand-ins" / "notion.py"), str(self.port)],
                                   stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        process.stdout.readline()
        return process

    def ask_notion(self, method, path, body=None):
        with contextlib.closing(Client(self.port)) as client:
            return client.ask(method, path, body).json()

    def fail(self, count, first=0):
        """Sagas that fail; their ids."""
        token, sagas = self.runtime.token("ann"), []
        for i in range(first, first + count):
            answer = self.runtime.ask("POST", "/reservations", {"seatId": f"A-{i + 1}"}, bearer=token)
            self.assertEqual(answer.status, 202, answer)
            sagas.append(answer.json()["sagaId"])
        return sagas

    def alert(self, saga):
        """The step that alerts, as the saga shows it."""
        steps = self.runtime.ask("GET", f"/api/v1/sagas/{saga}").json()["steps"]
        return next(step for step in steps if step["name"] == "alert-admin")

    def attempts(self, saga, least):
        until(f"{least} attempts", lambda: self.alert(saga)["attempt"] >= least, within=120, every=0.05)

    def test_row_34_after_an_hour_without_notion_each_alert_is_delivered_once(self):
        sagas = self.fail(FAILURES // 2)           # while it is away
        self.attempts(sagas[0], 6)
        process = self.notion()
        self.ask_notion("POST", "/next", {"status": 503, "times": 10000})
        sagas += self.fail(FAILURES - len(sagas), len(sagas))  # while it refuses
        self.attempts(sagas[-1], 6)
        process.kill()
        process.wait()
        for saga in sagas:  # 1 s, 2 s, .. up to 10 min: more than an hour
            self.attempts(saga, 18)
            self.assertEqual(self.alert(saga)["state"], "retrying")
        self.assertEqual(self.runtime.ask("GET", "/api/v1/dlq").json()["letters"], [])

        self.notion()
        for saga in sagas:
            until("the alert is delivered", lambda s=saga: self.alert(s)["state"] == "done", within=120, every=0.05)
        pages = [call for call in self.ask_notion("GET", "/received") if call["path"] == "/v1/pages"]
        self.assertEqual(collections.Counter(collections.Counter(call["key"] for call in pages).values()), {1: len(sagas)})
        for saga in sagas:
            self.assertEqual(sum(f"saga {saga}" in json.dumps(call["body"]) for call in pages), 1, saga)
        self.assertEqual(self.runtime.stop(within=60), 0, self.runtime.log)
        self.assertEqual(self.runtime.audit(), (0, ""))


if __name__ == "__main__":
    timed_main()
