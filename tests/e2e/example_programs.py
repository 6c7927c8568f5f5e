"""Shared by the tests of example programs: a server that is started, and peers of it."""

import os
import pathlib
import re
import resource
import signal
import socket
import threading
import time
from collections.abc import Callable

import support
from support import DEADLINE_S

EXAMPLES = pathlib.Path(os.environ.get("WEFT_EXAMPLES", "build/release/examples"))
LOOPBACK = "127.0.0.1"


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Looks until the condition holds, and fails after the deadline."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {DEADLINE_S} s: {what}")
        os.sched_yield()


def listens(port: int) -> bool:
    """Returns whether a socket listens at the port of 127.0.0.1, by the system's table."""
    table = pathlib.Path("/proc/net/tcp").read_text()
    return re.search(rf": 0100007F:{port:04X} 00000000:0000 0A ", table) is not None


def free_port() -> int:
    """Returns a port at which nothing listens at this moment."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        return listener.getsockname()[1]


def received(connection: socket.socket, size: int) -> bytes:
    """Receives so many bytes, or fewer up to the end of the stream."""
    data = b""
    while len(data) < size and (more := connection.recv(min(size - len(data), 1 << 16))):
        data += more
    return data


def received_to_end(connection: socket.socket) -> bytes:
    data = b""
    while more := connection.recv(1 << 16):
        data += more
    return data


class Program(support.ListeningProgram):
    """An example that prints `… on ADDRESS:PORT` first. `most_fds`: its limit."""

    def __init__(self, name: str, *arguments: str, most_fds: int | None = None) -> None:
        def limit() -> None:
            if most_fds is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (most_fds, most_fds))

        command = [EXAMPLES / name, *arguments]
        super().__init__(command, r" on (127\.0\.0\.1):(\d+)\n", preexec_fn=limit)

    def begin_stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Sends the signal, and waits until the program does not listen any more."""
        self.process.send_signal(how)
        wait_until(lambda: not listens(self.address[1]), "the listener is closed")

    def ended(self) -> tuple[int, str, str]:
        """Waits for its end and returns the exit code, standard output and standard error."""
        out, errors = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, out.decode(), errors.decode()

    def read_error_line(self) -> str:
        return support.read_line(self.process.stderr)


class Peer:
    """A server in this process: `handle` gets each connection, on a thread. A context manager."""

    def __init__(self, handle: Callable[[socket.socket], None], port: int = 0) -> None:
        self.listener = socket.create_server((LOOPBACK, port))
        self.address = self.listener.getsockname()
        self.text = f"{self.address[0]}:{self.address[1]}"
        self.accepted = 0
        self._handle = handle
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def __enter__(self) -> "Peer":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def close(self) -> None:
        try:
            self.listener.shutdown(socket.SHUT_RDWR)  # ends accept()
        except OSError:
            return  # it was closed before
        self._accepting.join()
        self.listener.close()
        for thread in self._threads:
            thread.join(DEADLINE_S)

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.accepted += 1
            connection.settimeout(DEADLINE_S)
            thread = threading.Thread(target=self._serve, args=(connection,))
            thread.start()
            self._threads.append(thread)

    def _serve(self, connection: socket.socket) -> None:
        with connection:
            try:
                self._handle(connection)
            except OSError:
                pass  # the connection was reset, which the other side has to notice
