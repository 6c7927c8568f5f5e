"""Shared by the end-to-end tests: the program, its servers, waiting with a deadline."""

import os
import pathlib
import re
import resource
import select
import signal
import socket
import subprocess
import time
import unittest

PROGRAM = os.environ.get("WEFT_PROGRAM", "build/release/tools/weft/weft")
SANITIZED = bool(os.environ.get("WEFT_SANITIZE"))
DEADLINE_S = 60 if SANITIZED else 20

# The tests' servers are here, whatever proxy the machine has.
for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
    del os.environ[name]


def run(*arguments: str, timeout: float = DEADLINE_S, **options) -> subprocess.CompletedProcess:
    """Runs the program to its end and returns its exit code and what it printed."""
    return subprocess.run(
        [PROGRAM, *arguments], capture_output=True, text=True, timeout=timeout, **options
    )


def library_of(directory: str, source: str) -> str:
    """Compiles C++ to a library in the directory, for LD_PRELOAD, and returns its path."""
    path = os.path.join(directory, "library.so")
    command = ["c++", "-shared", "-fPIC", "-x", "c++", "-", "-o", path]
    subprocess.run(command, input=source, text=True, check=True)
    return path


def raise_fd_limit() -> int:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def send_at_once(process: subprocess.Popen, *signals: signal.Signals) -> None:
    """Sends the signals so that all of them have come when the process goes on."""
    process.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, process.pid, os.WSTOPPED)
    for each in signals:
        process.send_signal(each)
    process.send_signal(signal.SIGCONT)


def limit_file_size(most_bytes: int) -> None:
    """In a child: writing beyond that fails, and does not end the process."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))


def read_line(pipe, deadline_s: float = DEADLINE_S) -> str:
    """Returns the next line of a pipe, or a part of it at the end of the stream or the deadline."""
    deadline = time.monotonic() + deadline_s
    text = b""
    while not text.endswith(b"\n"):
        if not select.select([pipe], [], [], max(deadline - time.monotonic(), 0))[0]:
            break
        byte = os.read(pipe.fileno(), 1)
        if not byte:
            break
        text += byte
    return text.decode()


class ListeningProgram:
    """A program that prints where it listens first; a context manager.

    `where`: a pattern of that line, with groups for 127.0.0.1 and the port. `options`: of Popen.
    """

    def __init__(self, command: list, where: str, **options) -> None:
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options
        )
        line = read_line(self.process.stdout)
        found = re.search(where, line)
        if not found:
            self.process.kill()
            raise AssertionError(f"{command[0]} printed {line!r} {self.process.communicate()}")
        self.address = (found.group(1), int(found.group(2)))

    def __enter__(self):
        return self

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=DEADLINE_S)

    def resident_bytes(self, which: str = "VmRSS") -> int:
        """Of its memory now, or the most so far: VmHWM."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(rf"{which}:\s+(\d+) kB", status).group(1)) * 1024


class DelayServer(ListeningProgram):
    """`weft delay` on a free loopback port."""

    def __init__(self, *arguments: str):
        command = [PROGRAM, "delay", "--listen", "127.0.0.1:0", *arguments]
        super().__init__(command, r"\Alistening on (127\.0\.0\.1):(\d+)\n\Z")
        self.url = f"http://{self.address[0]}:{self.address[1]}"

    def end(self, how: signal.Signals) -> tuple[int, str]:
        """Sends the signal and returns the exit code and standard error."""
        self.process.send_signal(how)
        _, errors = self.process.communicate(timeout=DEADLINE_S)
        return self.process.returncode, errors.decode()

    def cpu_seconds(self) -> float:
        """User and system time of all its threads, to the nanosecond."""
        return time.clock_gettime((~self.process.pid << 3) | 2)  # see clock_getcpuclockid(3)


def receive_response(
    connection: socket.socket, rest: bytes = b""
) -> tuple[int, dict, bytes, bytes]:
    """One response with a Content-Length: (status, headers, body, bytes after it)."""
    while b"\r\n\r\n" not in rest:
        rest += _received(connection)
    head, rest = rest.split(b"\r\n\r\n", 1)
    lines = head.decode("latin-1").split("\r\n")
    headers = {
        name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])
    }
    size = int(headers["content-length"])
    while len(rest) < size:
        rest += _received(connection)
    return int(lines[0].split(" ")[1]), headers, rest[:size], rest[size:]


def _received(connection: socket.socket) -> bytes:
    data = connection.recv(65536)
    if not data:
        raise AssertionError("the connection was closed in the middle of a response")
    return data


def main() -> None:
    unittest.main(verbosity=2)
