"""One reprise of its own for a test: started, asked, stopped, killed and started again.

`REPRISE_BUILD` names the folder of the binary and its plugins (default: build/ of the source tree).
`REPRISE_E2E_ENGINE=cluster` runs the same tests on Kafka, PostgreSQL and Redis: those of the file
servers.env in that folder (tests/cluster/servers.py start), each runtime with a database and topics of its own.
"""

import base64
import contextlib
import hashlib
import hmac
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import sqlite3
import subprocess
import tempfile
import threading
import time
import unittest
import urllib.parse
import uuid

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("REPRISE_BUILD", SOURCE / "build")).resolve()
BINARY = BUILD / "reprise"
CONCERT = SOURCE / "pipelines" / "concert"
ENGINE = os.environ.get("REPRISE_E2E_ENGINE", "embedded")

# What the surroundings of a test may have set must not change what the test sees.
FOREIGN = ("REPRISE_", "QUEUE_", "SEAT_", "NOTION_", "RECEIPT_", "START_POINTS")


def timed_main():
    """unittest.main, and how long it took."""
    begin = time.monotonic()
    try:
        unittest.main()
    finally:
        print(f"{time.monotonic() - begin:.0f} s")


def until(what, probe, within=10.0, every=0.01):
    """What `probe` answers as soon as it is true; an AssertionError that says `what` if it never is."""
    end = time.monotonic() + within
    while True:
        answer = probe()
        if answer:
            return answer
        if time.monotonic() > end:
            raise AssertionError(f"not within {within:g} s: {what} (last seen: {answer!r})")
        time.sleep(every)  # polls: what another process does has no signal to wait for


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Answer:
    """A whole HTTP answer; `json()` reads its body."""

    def __init__(self, status, headers, body):
        self.status, self.body = status, body
        self.headers = {name.lower(): value for name, value in headers}

    def json(self):
        return json.loads(self.body)

    @property
    def code(self):
        """The stable code of a problem+json; empty when this is none."""
        if self.headers.get("content-type", "").startswith("application/problem+json"):
            return self.json()["code"]
        return ""

    def __repr__(self):
        return f"<{self.status} {self.body[:300]!r}>"


class Client:
    """A kept connection; of one thread."""

    def __init__(self, port, timeout=20.0):
        self._to = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def close(self):
        self._to.close()

    def ask(self, method, path, body=None, bearer=None, headers=None, key=None):
        """`body`: a value, sent as JSON, or bytes, sent as they are.  Raises OSError or HTTPException
        when there is no answer; nothing is sent twice."""
        sent = dict(headers or {})
        if body is not None:
            sent.setdefault("Content-Type", "application/json")
            if not isinstance(body, bytes):
                body = json.dumps(body).encode()
        if bearer is not None:
            sent["Authorization"] = f"Bearer {bearer}"
        if key is not None:
            sent["Idempotency-Key"] = key
        try:
            self._to.request(method, path, body=body, headers=sent)
            got = self._to.getresponse()
            answer = Answer(got.status, got.getheaders(), got.read())
        except (OSError, http.client.HTTPException):
            self._to.close()
            raise
        return answer


class Stream:
    """Server-sent events of GET /push, read by a thread of its own; `events` are (id, event, data)."""

    def __init__(self, port, path="/push", bearer=None, last=None):
        self._to = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        headers = {"Accept": "text/event-stream"}
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        if last is not None:
            headers["Last-Event-ID"] = str(last)
        self._to.request("GET", path, headers=headers)
        self._socket = self._to.sock
        got = self._to.getresponse()
        self.status, self.events = got.status, []
        self.headers = {name.lower(): value for name, value in got.getheaders()}
        self._got = got
        self._reader = None
        if got.status == 200:
            self._reader = threading.Thread(target=self._read, daemon=True)
            self._reader.start()
        else:
            self.body = got.read()

    def _read(self):
        entry = {}
        with contextlib.suppress(OSError, ValueError, http.client.HTTPException, AttributeError):
            while line := self._got.readline():
                line = line.decode().rstrip("\r\n")
                if not line:
                    if "data" in entry:
                        self.events.append((entry.get("id"), entry.get("event"), json.loads(entry["data"])))
                    entry = {}
                elif not line.startswith(":"):
                    name, _, value = line.partition(":")
                    entry[name] = value.removeprefix(" ")

    def wait_for(self, event, within=10.0, **fields):
        """The first event of this name whose data has these fields."""
        return until(f"{event} {fields} among {self.events}", lambda: next(
            (e for e in self.events
             if e[1] == event and all(e[2].get(k) == v for k, v in fields.items())), None), within)

    def close(self):
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        if self._reader:
            self._reader.join(5)
        self._to.close()


def segment(value):
    raw = value if isinstance(value, bytes) else json.dumps(value, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def claims_of(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


def forge(claims, secret, header=None, digest=hashlib.sha256):
    """A JWT signed by hand."""
    text = segment(header or {"alg": "HS256", "typ": "JWT"}) + "." + segment(claims)
    return text + "." + segment(hmac.new(secret.encode(), text.encode(), digest).digest())


def environment(extra=None):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
    return {**kept, "NO_COLOR": "1", **(extra or {})}


def command(*arguments, env=None, within=30.0, cwd=None):
    """Runs `reprise` with these arguments to its end: .returncode, .stdout, .stderr."""
    return subprocess.run([str(BINARY), *map(str, arguments)], env=environment(env), timeout=within,
                          capture_output=True, text=True, errors="replace", cwd=cwd,
                          stdin=subprocess.DEVNULL, check=False)


def servers():
    """Where the servers of the tests are: the lines of servers.env."""
    lines = (BUILD / "servers.env").read_text().split()
    return dict(line.split("=", 1) for line in lines)


class Cluster:
    """A database and a prefix of topics, for as many runtimes as a test wants.

    `where`: the servers' variables; those of servers.env if a test has none of its own.
    """

    def __init__(self, where=None):
        self.name = "e2e_" + uuid.uuid4().hex[:12]
        self._servers = where or servers()
        self.sql(f"CREATE DATABASE {self.name}", database=None)

    @property
    def postgres(self):
        return self._url(self.name)

    def _url(self, database):
        url = self._servers["REPRISE_POSTGRES"]
        return url if database is None else urllib.parse.urlsplit(url)._replace(path="/" + database).geturl()

    def sql(self, text, database=""):
        """Runs SQL; its rows as lists of text."""
        url = self._url(self.name if database == "" else database)
        done = subprocess.run(["psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-F", "\t", "-c", text, url],
                              capture_output=True, text=True, timeout=60, check=True)
        return [line.split("\t") for line in done.stdout.splitlines()]

    def env(self):
        return {**self._servers, "REPRISE_ENGINE": "cluster", "REPRISE_POSTGRES": self.postgres,
                "REPRISE_PREFIX": self.name.replace("_", "-"), "REPRISE_PARTITIONS": "4"}

    def close(self):
        self.sql(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)", database=None)


# Of the concert, all that `--steps` may name but http.
STEPS = ("reserve", "hold-seat", "deadline", "tell-held", "release", "free-seat", "tell-rejected", "tell-expired", "record",
         "alert-admin", "claim", "pay", "confirm-reservation", "confirm-seat", "tell-paid", "receipt", "add")


class Runtime:
    """`reprise run` in a temporary folder; a context manager that leaves nothing behind."""

    def __init__(self, path=CONCERT, env=None, options=(), file=None, cluster=None, preexec=None,
                 wrap=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="reprise-e2e-"))
        self.file = pathlib.Path(file) if file else self.folder / "journal.db"
        self.port = free_port()
        self.cluster = cluster or (Cluster() if ENGINE == "cluster" else None)
        self._own_cluster = self.cluster is not cluster
        self.env = {**(self.cluster.env() if self.cluster else {}), **(env or {})}
        self.options = list(options)
        self.path = path
        self._preexec = preexec  # runs in the new process, before the binary
        self.wrap = list(wrap)  # words before the binary: a program that becomes it
        self._log = open(self.folder / "log", "ab")  # closed by close()
        self.process = None
        self._clients = threading.local()
        self._opened = []

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *_):
        self.close()

    @property
    def server(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def start(self, options=None, within=40.0):
        """Starts it and waits until /readyz is 200."""
        self._hang_up()
        self.process = subprocess.Popen(
            [*self.wrap, str(BINARY), "run", str(self.path), "--file", str(self.file),
             "--listen", f"127.0.0.1:{self.port}",
             *map(str, self.options if options is None else options)],
            env=environment(self.env), cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=self._log, stderr=self._log, preexec_fn=self._preexec)
        until("the runtime is ready", self._ready, within)
        return self

    def _hang_up(self):
        """Connections to a process that is gone; each opens again when it is used."""
        for client in self._opened:
            client.close()

    def _ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"reprise ended with {self.process.returncode}:\n{self.log}")
        try:
            client = Client(self.port, timeout=5)
            with contextlib.closing(client):
                return client.ask("GET", "/readyz").status == 200
        except (OSError, http.client.HTTPException):
            return False

    def stop(self, within=10.0):
        """SIGTERM; the exit code, in time or an AssertionError."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(within)
        except subprocess.TimeoutExpired as late:
            raise AssertionError(f"not ended {within:g} s after SIGTERM:\n{self.log[-2000:]}") from late

    def kill(self):
        self.process.kill()
        self.process.wait(10)

    def close(self):
        if self.process and self.process.poll() is None:
            self.kill()
        self._hang_up()
        self._log.close()
        if self._own_cluster:
            self.cluster.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def ask(self, method, path, body=None, **more):
        """One request over this thread's own connection."""
        client = getattr(self._clients, "client", None)
        if client is None:
            client = self._clients.client = Client(self.port)
            self._opened.append(client)
        return client.ask(method, path, body, **more)

    def raw(self, data, within=10.0):
        """Sends bytes as they are; what came back until the end of the connection or of an answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=within) as to:
            with contextlib.suppress(ConnectionError):  # it may hang up before it has read all
                to.sendall(data)
            got = http.client.HTTPResponse(to)
            got.begin()
            return Answer(got.status, got.getheaders(), got.read())

    def rows(self, sql):
        """What SQL finds in the journal; the runtime is stopped (embedded), or as it is."""
        if self.cluster:
            return [tuple(row) for row in self.cluster.sql(sql)]
        with contextlib.closing(sqlite3.connect(f"file:{self.file}?mode=ro", uri=True)) as file:
            return file.execute(sql).fetchall()

    def audit(self, within=30.0):
        """(0, "") if `reprise audit` finds nothing in what it left, else the exit code and what was said."""
        done = command("audit", self.path, "--file", self.file, env=self.env, within=within)
        return done.returncode, done.stdout if done.returncode == 0 else done.stdout + done.stderr

    def token(self, user):
        """A queue token of `user` that is active."""
        token = self.ask("POST", "/queue", {"userId": user}).json()["token"]
        until(f"{user} is admitted", lambda: self.ask("POST", "/queue/status", {"token": token})
              .json()["status"] == "available")
        return token

    def reserve(self, seat, bearer):
        """Reserves a seat and waits until it is held; the reservation's id."""
        answer = self.ask("POST", "/reservations", {"seatId": seat}, bearer=bearer)
        if answer.status != 202:
            raise AssertionError(f"{seat} was refused: {answer}")
        reservation = answer.json()["reservationId"]
        self.wait_for_status(reservation, bearer, "HELD")
        return reservation

    def status_of(self, reservation, bearer):
        return self.ask("GET", f"/reservations/{reservation}", bearer=bearer).json().get("status")

    def wait_for_status(self, reservation, bearer, *states, within=10.0):
        seen = []

        def probe():
            seen.append(self.status_of(reservation, bearer))
            return seen[-1] in states
        until(f"reservation {reservation} is {states}", probe, within)
        return seen[-1]

    def sagas(self, **query):
        """Every saga, page by page, newest first."""
        found, page = [], {"limit": 500, **query}
        while True:
            text = "&".join(f"{k}={v}" for k, v in page.items())
            rows = self.ask("GET", f"/api/v1/sagas?{text}").json()["sagas"]
            found += rows
            if len(rows) < 500:
                return found
            page["before"] = rows[-1]["id"]
