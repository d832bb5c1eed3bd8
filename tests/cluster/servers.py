#!/usr/bin/env python3
"""Kafka, PostgreSQL and Redis for tests: real ones, on free loopback ports, in a temporary folder.

    servers.py start FOLDER ENVFILE     starts them and writes where they are: REPRISE_KAFKA=..., one a line
    servers.py stop FOLDER              stops them and removes their data
    servers.py run -- COMMAND...        starts them, runs COMMAND with those variables and REPRISE_SERVER_PIDS, stops them
    servers.py kill|restart|pause|resume FOLDER PART
                                        kill -9, start again, SIGSTOP, SIGCONT: ports and data are kept
    --only postgres,redis               of `start` and `run`: these parts alone
    --empty                             of `restart`: with no data, as after a lost disk
    --guard                             of `start`: stops them when the process that called is gone
    --fixture                           of `start` and `stop`: guarded, but servers started by hand are used and left

FOLDER keeps what `stop` needs to know.  Starting twice stops what the first one started.
"""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

import processes
from parts import PARTS, Failed, last_words


class Servers:
    """Those of one folder; each change is written down before anything is waited for.

    `kinds`: what a part of each name is, for a test whose servers are set up otherwise.
    """

    def __init__(self, folder, kinds=None):
        self.kinds = {**PARTS, **(kinds or {})}
        self.folder = pathlib.Path(folder).resolve()
        self.file = self.folder / "servers.json"
        self.state = json.loads(self.file.read_text()) if self.file.exists() else None

    def write(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        new = self.file.with_suffix(".new")
        new.touch(mode=0o600)
        new.write_text(json.dumps(self.state, indent=1))
        new.replace(self.file)

    def part(self, name):
        if not self.state or name not in self.state["parts"]:
            raise Failed(f"{name} was not started in {self.folder}")
        return self.kinds[name](pathlib.Path(self.state["data"]) / name, self.state["parts"][name])

    def parts(self):
        return [self.part(name) for name in self.state["parts"]] if self.state else []

    def answer(self, names):
        """Whether these all run and answer."""
        return bool(self.state) and set(names) <= set(self.state["parts"]) and all(
            processes.alive(part.kept.get("process")) and part.answers() for part in self.parts())

    def start(self, names, guard=None):
        self.stop()
        data = tempfile.mkdtemp(prefix="reprise-servers-")
        os.chmod(data, 0o711)  # PostgreSQL may run as another user
        self.state = {"data": data, "parts": {name: {} for name in names}, "guard": None, "by_hand": guard is None,
                      "env": None}
        self.write()
        if guard:
            self.state["guard"] = processes.spawn(
                [sys.executable, __file__, "guard", self.folder, *guard], pathlib.Path(data) / "guard.log")
            self.write()
        try:
            for part in self.parts():
                self._make(part)
            for part in self.parts():
                self._wait(part)
        except BaseException:
            self.stop()
            raise

    def _make(self, part):
        part.folder.mkdir()
        part.prepare()
        self._launch(part)

    def _launch(self, part):
        part.kept["process"] = processes.spawn(
            part.command(), part.folder.with_suffix(".log"), user=part.user, cwd=part.folder)
        self.write()

    def _wait(self, part):
        def probe():
            if not processes.alive(part.kept["process"]):
                raise Failed(f"{part.name} ended:\n{last_words(part.folder.with_suffix('.log'))}")
            return part.answers()
        processes.until(f"{part.name} answers", probe, part.starts_within)

    def stop(self):
        if not self.state:
            return
        if self.state["guard"] and self.state["guard"][0] != os.getpid():
            processes.end(self.state["guard"])
        for part in self.parts():
            processes.end(part.kept.get("process"), part.ends_on)
        shutil.rmtree(self.state["data"], ignore_errors=True)
        if self.state["env"]:
            pathlib.Path(self.state["env"]).unlink(missing_ok=True)  # nobody looks for what is gone
        self.file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()  # unless it holds something of another
        self.state = None

    def kill(self, name):
        processes.signal_tree(self.part(name).kept["process"], signal.SIGKILL)

    def pause(self, name):
        processes.signal_tree(self.part(name).kept["process"], signal.SIGSTOP)

    def resume(self, name):
        processes.signal_tree(self.part(name).kept["process"], signal.SIGCONT)

    def restart(self, name, empty=False):
        part = self.part(name)
        processes.end(part.kept["process"], part.ends_on)
        if empty:
            shutil.rmtree(part.folder)
            self._make(part)
        else:
            self._launch(part)
        self._wait(part)

    def variables(self):
        return dict(part.environment() for part in self.parts())

    def process_ids(self):
        """The first process of each, as "12,13": for one who measures what they cost."""
        return ",".join(str(part.kept["process"][0]) for part in self.parts())

    def write_environment(self, file):
        self.state["env"] = str(file)
        self.write()
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_name(file.name + ".new")
        new.touch(mode=0o600)  # it has passwords
        new.write_text("".join(f"{name}={value}\n" for name, value in self.variables().items()))
        new.replace(file)


def start(options):
    servers = Servers(options.folder)
    if not (options.fixture and servers.state and servers.state["by_hand"] and servers.answer(options.only)):
        guarded = options.guard or options.fixture
        servers.start(options.only, processes.identity(os.getppid()) if guarded else None)
    servers.write_environment(pathlib.Path(options.envfile).resolve())


def stop(options):
    servers = Servers(options.folder)
    if not (options.fixture and servers.state and servers.state["by_hand"]):
        servers.stop()


def run(options):
    with tempfile.TemporaryDirectory(prefix="reprise-run-") as folder:
        servers = Servers(folder)
        try:
            servers.start(options.only, processes.identity(os.getpid()))
            process = subprocess.Popen(options.command, env={
                **os.environ, **servers.variables(), "REPRISE_SERVER_PIDS": servers.process_ids()})
            signal.signal(signal.SIGINT, lambda *_: None)  # the terminal tells the command itself
            signal.signal(signal.SIGTERM, lambda *_: process.terminate())
            code = process.wait()
            return code if code >= 0 else 128 - code
        finally:
            servers.stop()


def guard(options):
    """Waits for the end of a process, then stops what it had started."""
    processes.wait_for_end([options.pid, options.since])
    Servers(options.folder).stop()


def one_part(options):
    servers = Servers(options.folder)
    more = {"empty": options.empty} if options.verb == "restart" else {}
    getattr(servers, options.verb)(options.part, **more)


def parts_of(text):
    names = [name for name in PARTS if name in text.split(",")]
    if len(names) != len(text.split(",")):
        raise argparse.ArgumentTypeError(f"parts are {', '.join(PARTS)}")
    return names


def parse():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = parser.add_subparsers(dest="verb", required=True)

    def verb(name, does, *positional):
        added = verbs.add_parser(name)
        added.set_defaults(does=does)
        for argument in positional:
            added.add_argument(argument)
        return added
    starting = verb("start", start, "folder", "envfile")
    starting.add_argument("--guard", action="store_true")
    starting.add_argument("--fixture", action="store_true")
    verb("stop", stop, "folder").add_argument("--fixture", action="store_true")
    running = verb("run", run)
    for added in (starting, running):
        added.add_argument("--only", type=parts_of, default=list(PARTS))
    running.add_argument("command", nargs="+")
    for name in ("kill", "restart", "pause", "resume"):
        verb(name, one_part, "folder", "part").add_argument("--empty", action="store_true")
    guarding = verb("guard", guard, "folder")
    guarding.add_argument("pid", type=int)
    guarding.add_argument("since", type=int)
    return parser.parse_args()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that `run` stops its servers
    options = parse()
    try:
        sys.exit(options.does(options))
    except Failed as failed:
        sys.exit(f"servers.py: {failed}")
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
