"""Processes that outlive the one which started them: named by pid and start time, ended as a tree, guarded."""
import os
import pathlib
import random
import select
import signal
import socket
import subprocess
import time

# Below the ports that the kernel gives to outgoing connections: a port stays free while its server is away.
PORTS = range(20000, 32000)


class Failed(Exception):
    """What went wrong, for a person to read."""


def until(what, probe, within, every=0.05):
    """What `probe` answers as soon as it is true; Failed that says `what` if it never is."""
    end = time.monotonic() + within
    while not (answer := probe()):
        if time.monotonic() > end:
            raise Failed(f"not within {within:g} s: {what}")
        time.sleep(every)  # polls: what another process does has no signal to wait for
    return answer


def free_port():
    """A loopback port that nobody listens on now; whoever takes it must be ready to lose the race."""
    for port in random.sample(PORTS, 200):
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Failed("no free port")


def _stat(pid):
    """(state, parent, start time) of a process, or None."""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[1]), int(fields[19])


def identity(pid):
    """A name that no later process of the same pid has: [pid, start time]."""
    stat = _stat(pid)
    if stat is None:
        raise Failed(f"process {pid} is gone")
    return [pid, stat[2]]


def alive(who):
    """Whether this very process still runs; one that only waits to be reaped does not."""
    stat = _stat(who[0]) if who else None
    return stat is not None and stat[2] == who[1] and stat[0] not in "ZX"


def _tree(who):
    """The process and all that came from it, parents first."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (stat := _stat(name)):
            children.setdefault(stat[1], []).append(int(name))
    found = [who[0]]
    for pid in found:
        found += children.get(pid, [])
    return found


def signal_tree(who, number):
    """Sends it to the process and all its descendants, as often as new ones are found."""
    done = set()
    while alive(who) and (new := [pid for pid in _tree(who) if pid not in done]):
        identities = []
        for pid in new:
            done.add(pid)
            try:
                identities.append(identity(pid))
                os.kill(pid, number)
            except (Failed, ProcessLookupError):
                pass
        if number == signal.SIGKILL:
            until("killed processes are gone", lambda: not any(map(alive, identities)), 20)


def end(who, number=signal.SIGTERM, within=20.0):
    """Asks it to end, and kills the tree if it does not."""
    if not alive(who):
        return
    signal_tree(who, signal.SIGCONT)
    os.kill(who[0], number)
    try:
        until("it ends", lambda: not alive(who), within)
    except Failed:
        signal_tree(who, signal.SIGKILL)


def spawn(command, log, user=None, cwd=None):
    """Starts a command in a session of its own, writing to `log`; its identity."""
    who = {"user": user, "group": user, "extra_groups": []} if user else {}
    try:
        with open(log, "ab") as out:
            process = subprocess.Popen(list(map(str, command)), stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                       start_new_session=True, cwd=cwd, **who)
    except FileNotFoundError as missing:
        raise Failed(f"{command[0]} is not installed: `deploy/packages test` installs it") from missing
    return identity(process.pid)


def wait_for_end(who):
    """Returns when this process is gone, without polling."""
    try:
        descriptor = os.pidfd_open(who[0])
    except ProcessLookupError:
        return
    if alive(who):
        waiting = select.poll()
        waiting.register(descriptor, select.POLLIN)
        waiting.poll()
    os.close(descriptor)
