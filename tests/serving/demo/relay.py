"""A way to a server that can be opened late: what comes to one port goes on to another."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


@contextmanager
def relay(port: int, target: int) -> Iterator[None]:
    """Passes on what comes to 127.0.0.1:`port` while the block runs."""
    pairs: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", port)) as listening:
        thread = threading.Thread(target=_accept, args=(listening, target, pairs))
        thread.start()
        try:
            yield
        finally:
            for each in [listening, *pairs]:
                with suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)
            thread.join()
            for each in pairs:
                each.close()


def _accept(listening: socket.socket, target: int, pairs: list[socket.socket]) -> None:
    with suppress(OSError):
        while True:
            near, _ = listening.accept()
            far = socket.create_connection(("127.0.0.1", target))
            pairs += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pump, args=(source, sink), daemon=True).start()


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while content := source.recv(1 << 16):
            sink.sendall(content)
        sink.shutdown(socket.SHUT_WR)
