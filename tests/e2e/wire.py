"""A wire to PostgreSQL that a test can cut, at the moment when it hurts most: in the middle of COMMIT."""

import contextlib
import re
import socket
import threading

# Both are bytes of the protocol: a Parse names the statement, a Bind says that it is to run.
PREPARES_COMMIT = re.compile(rb"P....([\w]+)\0COMMIT\0", re.DOTALL)


class Wire:
    """Carries bytes between clients and 127.0.0.1:`port`; `port` of this object is where clients come.

    `cut` is what happens to the next COMMIT: "after": the server gets it, and its answer is lost; "before": it
    never reaches the server; None: it passes.  While `down`, nobody gets through.
    """

    def __init__(self, port):
        self._to = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._lock = threading.Lock()  # guards what follows
        self._pairs = []
        self._cut, self._down, self.cuts = None, False, 0
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_next_commit(self, how, then_down=False):
        with self._lock:
            self._cut = (how, then_down)

    def down(self, is_down):
        """Whether it is; all who are connected lose their connection."""
        with self._lock:
            self._down = is_down
            gone = self._pairs if is_down else []
            self._pairs = [] if is_down else self._pairs
        for pair in gone:
            self._end(*pair)

    def close(self):
        self._listener.close()
        self.down(True)

    @staticmethod
    def _end(*sockets):
        for one in sockets:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                with self._lock:
                    down = self._down
                try:
                    if down:
                        raise ConnectionRefusedError
                    server = socket.create_connection(("127.0.0.1", self._to), timeout=10)
                    server.settimeout(None)
                except OSError:
                    self._end(client)
                    continue
                for one in (client, server):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._lock:
                    self._pairs.append((client, server))
                threading.Thread(target=self._back, args=(client, server), daemon=True).start()
                threading.Thread(target=self._there, args=(client, server), daemon=True).start()

    def _back(self, client, server):
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)
        self._end(client, server)

    def _there(self, client, server):
        commit = None  # what this session calls its COMMIT
        with contextlib.suppress(OSError):
            while data := client.recv(65536):
                if found := PREPARES_COMMIT.search(data):
                    commit = found[1]
                if commit is not None and b"\0" + commit + b"\0" in data and self._cuts(client, server, data):
                    return
                server.sendall(data)
        self._end(client, server)

    def _cuts(self, client, server, data):
        """Whether this COMMIT was the one to be cut.  The server still ends what it was given."""
        with self._lock:
            if self._cut is None:
                return False
            (how, then_down), self._cut = self._cut, None
            self._down = self._down or then_down
            self.cuts += 1
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)
        if how == "after":
            server.sendall(data)
        with contextlib.suppress(OSError):
            server.shutdown(socket.SHUT_WR)  # the server reads all that was sent, then the end
        return True
