#!/usr/bin/env python3
"""`reprise audit` of the cluster's journal reads the log of lanes: nothing is wrong with what two processes left that took
lanes from one another; then a line is changed by hand, and exactly that is found.
"""

import json
import os
import unittest

os.environ["REPRISE_E2E_ENGINE"] = "cluster"

from runtime import CONCERT, Cluster, Runtime, command, until  # noqa: E402  (it reads the engine when it is read)

ENV = {"QUEUE_ADMIT_PER_SECOND": "1000000", "QUEUE_JWT_SECRET": "a-secret-of-two-processes-32-bytes"}
LAST = "(SELECT max(id) FROM rp_lane_log WHERE records > 0)"  # of its lane, unless another took it since


class AuditOfLanes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster()
        cls.addClassCleanup(cls.cluster.close)
        with Runtime(env=ENV, cluster=cls.cluster) as first:
            token = first.token("u")
            cls.held(first, token, "A-1")
            with Runtime(env=ENV, cluster=cls.cluster) as second:
                until("the second has lanes", lambda: len(cls.cluster.sql(
                    "SELECT DISTINCT worker FROM rp_lane WHERE worker IS NOT NULL")) == 2)
                for seat in ("A-2", "A-3", "A-4"):
                    cls.held(second, token, seat)
                first.kill()
                cls.held(second, token, "A-5")
                cls.second = cls.cluster.sql("SELECT id FROM rp_worker ORDER BY began DESC LIMIT 1")[0][0]
                assert second.stop() == 0, second.log
        cls.env = second.env

    @staticmethod
    def held(runtime, token, seat):
        saga = runtime.reserve(seat, token)
        until(f"{seat} is held", lambda: runtime.status_of(saga, token) == "HELD", within=60)

    def found(self):
        done = command("audit", CONCERT, "-o", "json", env=self.env)
        self.assertNotEqual(done.stdout, "", done)
        self.assertIn("lines of the lanes' log", done.stderr)
        return {row["invariant"] for row in json.loads(done.stdout)["violations"]}

    def planted(self, column, by):
        """What is found while a line says so."""
        row = self.cluster.sql(f"SELECT {LAST}")[0][0]
        self.cluster.sql(f"UPDATE rp_lane_log SET {column} = {column} {by} WHERE id = {row}")
        try:
            return self.found()
        finally:
            undo = by.replace("+", "!").replace("-", "+").replace("!", "-")
            self.cluster.sql(f"UPDATE rp_lane_log SET {column} = {column} {undo} WHERE id = {row}")

    def test_nothing_is_wrong_with_what_two_processes_did(self):
        self.assertEqual(self.found(), set())
        self.assertGreater(int(self.cluster.sql("SELECT max(epoch) FROM rp_lane_log")[0][0]), 1, "lanes were taken over")

    def test_i5_records_that_no_batch_consumed(self):
        self.assertEqual(self.planted("records", "- 1"), {"I5"})

    def test_i5_a_batch_that_began_before_the_last_one_ended(self):
        self.assertIn("I5", self.planted("first", "- 1"))

    def test_i6_a_batch_under_an_epoch_that_was_over(self):
        self.assertEqual(self.planted("epoch", "- 1"), {"I6"})

    def test_i7_an_outbox_that_nobody_took_up(self):
        self.cluster.sql("INSERT INTO rp_worker(id, generation, seq, lease_until, sealed) VALUES (gen_random_uuid(), 1, 1, "
                         "now() - interval '2 minutes', 'records')")
        self.addCleanup(self.cluster.sql, "DELETE FROM rp_worker WHERE sealed = 'records'")
        self.assertEqual(self.found(), {"I7"})

    def test_who_stops_in_order_leaves_no_outbox_behind(self):
        self.assertEqual(self.cluster.sql(f"SELECT sealed FROM rp_worker WHERE id = '{self.second}'"), [[""]])


if __name__ == "__main__":
    unittest.main()
