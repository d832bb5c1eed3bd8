#!/usr/bin/env python3
"""Row 6: PostgreSQL takes no more connections, or its disk is full.  What is refused is told 503, nothing that was
accepted is discarded, and when there is room again everything ends."""

import contextlib
import ctypes
import os
import shutil
import subprocess
import unittest

from faulted import LONG, Faulted, processes
from parts import Postgres
from runtime import timed_main, until

CLONE_NEWNS = 0x00020000
MEGABYTES = 160
SECONDS = 60 if LONG else 3


class ConnectionsAtTheirCap(Faulted):
    """The role of the runtimes may have so many sessions, and no more."""

    def setUp(self):
        super().setUp()
        admin = self.cluster
        self.role = admin.name.replace("e2e", "shop")
        admin.sql(f"CREATE ROLE {self.role} LOGIN PASSWORD 'shop'")
        admin.sql(f"ALTER DATABASE {admin.name} OWNER TO {self.role}")
        self.stack.callback(admin.sql, f"ALTER ROLE {self.role} CONNECTION LIMIT -1", database=None)

    def sessions(self, most):
        """Allowed to the runtimes, whatever they have now."""
        self.cluster.sql(f"ALTER ROLE {self.role} CONNECTION LIMIT {most}")
        self.end_sessions()

    def start(self, env=None, options=()):
        password = self.cluster.postgres.partition("://")[2].rpartition("@")[0]
        return super().start({"REPRISE_POSTGRES": self.cluster.postgres.replace(password, f"{self.role}:shop"),
                              **(env or {})}, options)

    def test_row_06_no_session_is_left(self):
        runtimes = [self.start(), self.start()]
        with self.load(*runtimes):
            for _ in range(3):
                self.sessions(0)
                for runtime in runtimes:
                    line = self.not_ready(runtime, "postgres")
                    self.refused(runtime)
                print(line, flush=True)
                self.sessions(-1)
                self.ready_again(*runtimes)
                self.more_are_accepted()
        self.adds_up(*runtimes)

    def test_row_06_one_session_for_two_processes(self):
        runtimes = [self.start(), self.start()]
        with self.load(*runtimes):
            self.sessions(1)
            until("one of them has none", lambda: any(
                "too many connections" in runtime.ask("GET", "/readyz?verbose").body.decode() for runtime in runtimes),
                within=60, every=0.1)
            self.more_are_accepted()
            self.sessions(-1)
            self.ready_again(*runtimes)
        self.adds_up(*runtimes)


class SmallPostgres(Postgres):
    """On a disk of its own, that can be filled."""

    settings = Postgres.settings + "min_wal_size = '32MB'\nmax_wal_size = '48MB'\n"

    def prepare(self):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "reprise", self.folder], check=True)
        super().prepare()


@unittest.skipIf(os.geteuid() != 0, "mounts a small disk")
class AFullDisk(Faulted):
    kinds = {"postgres": SmallPostgres}

    @classmethod
    def setUpClass(cls):
        # Mounts of this process and its children alone: they are gone with the last of them.
        if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
            raise unittest.SkipTest("no mounts of its own: " + os.strerror(ctypes.get_errno()))
        subprocess.run(["mount", "--make-rprivate", "/"], check=True)
        super().setUpClass()
        folder = cls.servers.part("postgres").folder
        cls.addClassCleanup(subprocess.run, ["umount", "--lazy", folder], check=True)

    def test_row_06_the_disk_is_full(self):
        runtimes = [self.start(), self.start()]
        filler = self.servers.part("postgres").folder / "filler"
        with self.load(*runtimes):
            for turn in range(2):
                self.fill(filler)
                enough = 5 * (turn + 1)
                until("some are refused", lambda n=enough: sum(c.refused for c in self.customers) > n, within=120)
                self.wait(SECONDS)
                filler.unlink()
                if not processes.alive(self.servers.part("postgres").kept["process"]):
                    print("it had ended", flush=True)
                    self.servers.restart("postgres")
                self.ready_again(*runtimes, within=120)
                self.more_are_accepted()
        self.adds_up(*runtimes)

    @staticmethod
    def fill(filler):
        """To the last byte."""
        with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
            while file.write(bytes(1 << 16)):
                pass
        free = shutil.disk_usage(filler.parent).free
        print(f"{free} bytes are free", flush=True)


if __name__ == "__main__":
    timed_main()
