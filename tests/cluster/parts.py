"""The three servers: how each is prepared, started, asked whether it answers, and stopped.

A part lives in `folder`, keeps its port over restarts, and listens on loopback alone.
"""
import fcntl
import hashlib
import os
import pathlib
import re
import secrets
import shutil
import signal
import socket
import struct
import subprocess

from processes import Failed, free_port

HERE = pathlib.Path(__file__).resolve().parent


def run(command, **more):
    """Runs it to its end; Failed with what it wrote if that is not 0."""
    try:
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False,
                              stdin=subprocess.DEVNULL, **more)
    except FileNotFoundError as missing:
        raise Failed(f"{command[0]} is not installed: `deploy/packages test` installs it") from missing
    if done.returncode != 0:
        raise Failed(f"{command[0]} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


class Part:
    """One server; `kept` is what survives this process, as JSON."""
    name = ""
    ends_on = signal.SIGTERM
    starts_within = 30.0
    user = None  # that it runs as; None: ours

    def __init__(self, folder, kept):
        self.folder, self.kept = pathlib.Path(folder), kept
        self.port = kept.setdefault("port", free_port())

    def prepare(self):
        """Makes its empty data and its settings in `folder`."""

    def command(self):
        raise NotImplementedError

    def answers(self):
        """Whether it does what it is there for, not only listens."""
        raise NotImplementedError

    def environment(self):
        """(name, value) of the line in the env file."""
        raise NotImplementedError


class Redis(Part):
    """Without files of its own accord: what Redis forgets must not matter."""
    name = "redis"

    def prepare(self):
        password = self.kept.setdefault("password", secrets.token_urlsafe(18))
        settings = self.folder / "redis.conf"
        settings.touch(mode=0o600)
        settings.write_text(
            f"bind 127.0.0.1\nport {self.port}\ndir {self.folder}\nsave \"\"\nappendonly no\n"
            f"databases 1024\nrepl-diskless-sync-delay 0\nuser default off\nuser reprise on >{password} ~* &* +@all\n")

    def command(self):
        return ["redis-server", self.folder / "redis.conf"]

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as to:
                to.sendall(f"AUTH reprise {self.kept['password']}\r\nPING\r\n".encode())
                got = b""
                while got.count(b"\r\n") < 2 and (more := to.recv(256)):
                    got += more
                return got == b"+OK\r\n+PONG\r\n"
        except OSError:
            return False

    def environment(self):
        return "REPRISE_REDIS", f"redis://reprise:{self.kept['password']}@127.0.0.1:{self.port}/0"


class Postgres(Part):
    """PostgreSQL refuses to run as root; then it runs as Debian's `postgres`."""
    name = "postgres"
    ends_on = signal.SIGINT  # "fast": does not wait for clients
    user = "postgres" if os.geteuid() == 0 else None
    settings = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 200
timezone = 'UTC'
log_timezone = 'UTC'
"""

    @staticmethod
    def tool(name):
        found = sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
        return found[-1] if found else name

    def prepare(self):
        password = self.kept.setdefault("password", secrets.token_urlsafe(18))
        if self.user:
            shutil.chown(self.folder, self.user, self.user)
        file = self.folder / "password"
        file.touch(mode=0o600)
        file.write_text(password)
        as_whom = {"user": self.user, "group": self.user, "extra_groups": []} if self.user else {}
        if self.user:
            shutil.chown(file, self.user, self.user)
        run([self.tool("initdb"), "--pgdata", self.folder / "data", "--username=reprise", f"--pwfile={file}",
             "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"],
            cwd=self.folder, **as_whom)
        with open(self.folder / "data" / "postgresql.conf", "a", encoding="utf-8") as settings:
            settings.write(f"{self.settings}port = {self.port}\n")

    def command(self):
        return [self.tool("postgres"), "-D", self.folder / "data"]

    def answers(self):
        asked = subprocess.run(
            [self.tool("psql"), "-XAtq", "-c", "SELECT 1", self.environment()[1]], capture_output=True, check=False,
            stdin=subprocess.DEVNULL, env={**os.environ, "PGCONNECT_TIMEOUT": "2", "LC_ALL": "C"})
        return asked.stdout == b"1\n"

    def environment(self):
        return "REPRISE_POSTGRES", f"postgresql://reprise:{self.kept['password']}@127.0.0.1:{self.port}/postgres"


class Kafka(Part):
    """One broker that is its own controller (KRaft), with jars that Maven fetches once."""
    name = "kafka"
    starts_within = 240.0
    settings = """
process.roles=broker,controller
node.id=1
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=1
# The clock of a test's records is the test's: by it some would be old enough to be removed, also from the runtime's own topics,
# which keep a week.  So the broker never looks, neither half a minute after its start nor later.
log.initial.task.delay.ms=604800000
log.retention.check.interval.ms=604800000
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=4194304
log.index.size.max.bytes=1048576
"""

    @staticmethod
    def java():
        """Debian's Java 17 wherever `java` points."""
        found = sorted(pathlib.Path("/usr/lib/jvm").glob("java-17-openjdk-*/bin/java"))
        return found[0] if found else "java"

    @staticmethod
    def class_path():
        """Maven's answer, kept while the pom is the same and every jar is there."""
        pom = HERE / "kafka" / "pom.xml"
        repository = pathlib.Path.home() / ".m2"
        repository.mkdir(exist_ok=True)
        stored = repository / f"reprise-kafka-{hashlib.sha256(pom.read_bytes()).hexdigest()[:12]}.classpath"
        with open(repository / "reprise-kafka.lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # Maven's repository is not made for two writers
            if stored.exists() and all(map(os.path.exists, stored.read_text().split(":"))):
                return stored.read_text()
            run(["mvn", "-B", "-q", "-f", pom, "dependency:build-classpath", "-Dmdep.includeScope=runtime",
                 f"-Dmdep.outputFile={stored}"])
            return stored.read_text()

    def listeners(self):
        """(name, port) of each that clients may come to."""
        return [("PLAINTEXT", self.port)]

    def prepare(self):
        controller = free_port()
        clients = ",".join(f"{name}://127.0.0.1:{port}" for name, port in self.listeners())
        (self.folder / "server.properties").write_text(
            f"{self.settings}"
            f"listeners={clients},CONTROLLER://127.0.0.1:{controller}\n"
            f"advertised.listeners={clients}\n"
            f"controller.quorum.voters=1@127.0.0.1:{controller}\n"
            f"log.dirs={self.folder / 'data'}\n")
        self.kept["class_path"] = self.class_path()
        cluster = run([*self._jvm(64), "kafka.tools.StorageTool", "random-uuid"]).strip()
        run([*self._jvm(64), "kafka.tools.StorageTool", "format", "-t", cluster, "-c",
             self.folder / "server.properties"])

    def _jvm(self, megabytes):
        return [self.java(), f"-Xmx{megabytes}m", "-XX:+UseSerialGC", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp", self.kept["class_path"]]

    def command(self):
        return [*self._jvm(512), "kafka.Kafka", self.folder / "server.properties"]

    def answers(self):
        """It names itself in its metadata: it takes requests and its controller lets it work."""
        request = struct.pack(">hhih4si", 3, 1, 1, 4, b"test", 0)  # Metadata v1, of no topic
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as to:
                to.sendall(struct.pack(">i", len(request)) + request)
                got = b""
                while len(got) < 12 and (more := to.recv(4096)):
                    got += more
            return len(got) >= 12 and struct.unpack(">i", got[8:12])[0] == 1
        except OSError:
            return False

    def environment(self):
        return "REPRISE_KAFKA", f"127.0.0.1:{self.port}"


PARTS = {part.name: part for part in (Postgres, Redis, Kafka)}


def last_words(log):
    """The end of a log, without passwords."""
    text = pathlib.Path(log).read_text(errors="replace")[-3000:] if pathlib.Path(log).exists() else ""
    return re.sub(r"(>|://[^:@/\s]*:)[^@\s]+", r"\1***", text)
