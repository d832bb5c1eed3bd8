#!/usr/bin/env python3
"""The concert over a network that nobody trusts: PostgreSQL and Kafka over TLS with certificates made here, Kafka and
Redis with users of their own, and no password is ever told to anybody.
"""

import contextlib
import os
import pathlib
import re
import sys
import tempfile
import unittest

os.environ["REPRISE_E2E_ENGINE"] = "cluster"
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cluster"))

import processes  # noqa: E402
import secure  # noqa: E402
from runtime import CONCERT, Cluster, Runtime, Stream, command, timed_main, until  # noqa: E402
from servers import Servers  # noqa: E402

DEPLOYMENT = """
runtime: concert
engine: cluster
cluster:
  prefix: concert-tls
  partitions: 2
  kafka:
    brokers: "${KAFKA_AT}"
    options:
      security.protocol: sasl_ssl
      ssl.ca.location: "${KAFKA_CA}"
      sasl.mechanisms: PLAIN
      sasl.username: reprise
      sasl.password: "${file:%s}"
  postgres: { url: "${POSTGRES_AT}" }
  redis: { url: "${REDIS_AT}" }
plugins:
  queue: { secret: "${QUEUE_SECRET}", per_second: 1000000 }
  payment: { start_points: 200000 }
"""
QUEUE_SECRET = "a-queue-secret-that-nobody-is-to-see-0123456789"


class Tls(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory(prefix="reprise-tls-")))
        cls.folder.chmod(0o711)  # PostgreSQL may run as another user
        cls.ca, cls.other = secure.CA(cls.folder / "ca"), secure.CA(cls.folder / "other")
        for authority in (cls.ca, cls.other):
            authority.folder.chmod(0o755)
        cls.servers = Servers(cls.folder / "servers", secure.kinds(cls.ca))
        cls.addClassCleanup(cls.servers.stop)
        cls.servers.start(["postgres", "redis", "kafka"], processes.identity(os.getpid()))

    def setUp(self):
        self.stack = contextlib.ExitStack()
        self.addCleanup(self.stack.close)
        self.cluster = Cluster(self.servers.variables())
        self.stack.callback(self.cluster.close)
        self.passwords = {name: self.servers.part(name).kept[key] for name, key in (
            ("postgres", "password"), ("kafka", "password"), ("redis", "shop"))}
        secret = self.folder / "kafka.password"
        secret.touch(mode=0o600)
        secret.write_text(self.passwords["kafka"] + "\n")
        self.config = self.folder / "deployment.yaml"
        self.config.write_text(DEPLOYMENT % secret)

    def env(self, **changes):
        where = self.servers.variables()
        return {"KAFKA_AT": where["REPRISE_KAFKA"], "KAFKA_CA": str(self.ca.file), "REDIS_AT": where["REPRISE_REDIS"],
                "POSTGRES_AT": self.cluster.postgres, "QUEUE_SECRET": QUEUE_SECRET, **changes}

    def check(self, within=120, **changes):
        """`run --check` in such surroundings."""
        return command("run", CONCERT, "--config", self.config, "--check", env=self.env(**changes), within=within)

    def keeps_secrets(self, *texts):
        for secret in (*self.passwords.values(), QUEUE_SECRET):
            for text in texts:
                self.assertNotIn(secret, text)

    def test_the_concert_runs_over_tls_and_tells_no_secret(self):
        # The variables that a test's Cluster sets would be stronger than the file.
        unset = dict.fromkeys(("REPRISE_KAFKA", "REPRISE_POSTGRES", "REPRISE_REDIS"), "")
        options = ["--config", str(self.config)]
        with Runtime(env={**unset, **self.env()}, options=options, cluster=self.cluster) as runtime:
            bearer = runtime.token("mina")
            reservation = runtime.reserve("A-1", bearer)
            stream = Stream(runtime.port, bearer=bearer)
            paid = runtime.ask("POST", "/payments", {"reservationId": reservation}, bearer=bearer, key="once")
            self.assertEqual(paid.status, 200, paid)
            runtime.wait_for_status(reservation, bearer, "CONFIRMED", within=30)
            stream.wait_for("payment.confirmed", within=30)
            stream.close()
            plain = runtime.rows("SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                                 "WHERE application_name = 'reprise' AND NOT ssl")
            secured = runtime.rows("SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) "
                                   "WHERE application_name = 'reprise' AND ssl")
            self.assertEqual((plain, int(secured[0][0]) > 0), ([("0",)], True))
            verbose = runtime.ask("GET", "/readyz?verbose").body.decode()
            self.assertIn("[+]redis ok\n", verbose)
            told = [verbose, runtime.ask("GET", "/metrics").body.decode(),
                    runtime.ask("GET", f"/api/v1/sagas/{reservation}").body.decode()]
            for part, error in (("postgres", "postgres"), ("redis", None)):  # what it says in trouble
                self.servers.kill(part)
                self.addCleanup(self.servers.restart, part)
                if error:
                    told.append(until("it is told", lambda: self.trouble(runtime, error), within=30))
                told.append(runtime.ask("POST", "/queue", {"userId": "late"}).body.decode())
            self.keeps_secrets(runtime.log, *told)

    @staticmethod
    def trouble(runtime, part):
        text = runtime.ask("GET", "/readyz?verbose").body.decode()
        return text if re.search(rf"^\[-\]{part}", text, re.MULTILINE) else None

    def test_config_print_masks_what_is_secret(self):
        shown = command("config", "print", CONCERT, "--config", self.config, env=self.env())
        self.assertEqual(shown.returncode, 0, shown)
        self.assertIn('sasl.password: "***"', shown.stdout)
        self.assertIn("sslmode=verify-full", shown.stdout)
        self.keeps_secrets(shown.stdout, shown.stderr)

    def refused(self, why, **changes):
        done = self.check(**changes)
        self.assertEqual(done.returncode, 1, done)
        self.assertRegex(done.stderr, why)
        self.keeps_secrets(done.stdout, done.stderr)

    def test_a_server_that_another_authority_vouches_for_is_not_spoken_to(self):
        self.assertEqual(self.check().returncode, 0)
        url = self.cluster.postgres
        self.refused("certificate verify failed", POSTGRES_AT=url.replace(str(self.ca.file), str(self.other.file)))
        self.refused("(?i)kafka: .*(verif|certificate|ssl|reached)", KAFKA_CA=str(self.other.file))

    def test_a_certificate_of_another_name_is_not_taken(self):
        self.refused("does not match host name", POSTGRES_AT=self.cluster.postgres.replace("127.0.0.1", "localhost"))

    def test_a_wrong_password_is_refused_and_not_shown(self):
        wrong = "wrong-password-that-nobody-is-to-see"
        done = self.check(POSTGRES_AT=self.cluster.postgres.replace(self.passwords["postgres"], wrong))
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("password authentication failed", done.stderr)
        self.assertNotIn(wrong, done.stderr)
        (self.folder / "kafka.password").write_text(wrong)
        done = self.check()
        self.assertEqual(done.returncode, 1, done)
        self.assertRegex(done.stderr, "(?i)kafka: .*(authentication|reached)")
        self.assertNotIn(wrong, done.stderr)

    def test_a_secret_that_stands_in_the_file_is_refused_and_not_shown(self):
        self.config.write_text(self.config.read_text().replace("${POSTGRES_AT}", self.cluster.postgres))
        self.refused("RPR024")


if __name__ == "__main__":
    timed_main()
