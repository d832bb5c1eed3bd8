"""A wire to a server that has the troubles of real networks: it stalls, breaks within a frame, or says nothing."""

import contextlib
import threading

from wire import Wire


class Troubled(Wire):
    """`carried`: bytes, both ways; `cuts`: frames that were cut."""

    def __init__(self, port):
        self._flows = threading.Event()
        self._flows.set()
        self.carried = 0
        self._way, self._swallowed = None, set()
        super().__init__(port)

    @contextlib.contextmanager
    def stalled(self):
        """Nothing comes through, and nothing is lost."""
        self._flows.clear()
        try:
            yield
        finally:
            self._flows.set()

    def cut_a_frame(self, way):
        """The next bytes "there" or "back" come half through, and then both ends lose the connection."""
        with self._lock:
            self._way = way

    def swallow(self):
        """Whoever is connected stays so, and is not heard any more, on either side; others come through."""
        with self._lock:
            self._swallowed.update(self._pairs)

    def close(self):
        self._flows.set()
        super().close()

    def _there(self, client, server):
        self._pump("there", client, server, (client, server))

    def _back(self, client, server):
        self._pump("back", server, client, (client, server))

    def _pump(self, way, source, target, pair):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._flows.wait()
                with self._lock:
                    self.carried += len(data)
                    swallowed = pair in self._swallowed
                    cut = self._way == way and len(data) > 1 and not swallowed
                    if cut:
                        self._way = None
                        self.cuts += 1
                if swallowed:
                    continue
                target.sendall(data[:len(data) // 2] if cut else data)
                if cut:
                    break
        with self._lock:
            if pair in self._swallowed:
                return  # the other end never hears that this one is gone
        self._end(*pair)
