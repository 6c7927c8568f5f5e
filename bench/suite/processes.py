"""Servers under measurement: started on a free port, pinned, with an exact CPU clock."""

import os
import pathlib
import re
import selectors
import subprocess
import time

from .build import Failure

START_DEADLINE_S = 10


def cpu_split() -> tuple[set[int], set[int]]:
    """Returns (the server's CPU, the load generator's CPUs): different ones where there are two."""
    cpus = sorted(os.sched_getaffinity(0))
    return ({cpus[-1]}, set(cpus[:-1])) if len(cpus) > 1 else (set(cpus), set(cpus))


def stolen_seconds() -> float:
    """Returns the time that the host stole from this virtual machine, of all CPUs: proc_stat(5)."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()
    return int(fields[8]) / os.sysconf("SC_CLK_TCK")


def pinned_to(cpus: set[int]):
    return lambda: os.sched_setaffinity(0, cpus)


class Server:
    """A server process that prints "listening on HOST:PORT" once it is ready. A context manager."""

    def __init__(self, name: str, command: list[str], cpus: set[int]):
        self.name = name
        if not pathlib.Path(command[0]).exists():
            raise Failure(f"{name}: {command[0]} is not built")
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, preexec_fn=pinned_to(cpus)
        )
        self.address = self._read_address()

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def _read_address(self) -> str:
        deadline = time.monotonic() + START_DEADLINE_S
        text = b""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while time.monotonic() < deadline and not text.endswith(b"\n"):
                if selector.select(deadline - time.monotonic()):
                    chunk = os.read(self._process.stdout.fileno(), 4096)
                    if not chunk:
                        break
                    text += chunk
        found = re.search(rb"listening on (\S+)", text)
        if not found:
            self._process.kill()
            self._process.wait()
            raise Failure(f"{self.name}: did not start listening (it printed {text!r})")
        return found.group(1).decode()

    @property
    def pid(self) -> int:
        return self._process.pid

    def cpu_seconds(self) -> float:
        """Returns user and system time of all its threads, living and ended. The CPU clock counts
        nanoseconds, while /proc/<pid>/stat shows the same sum in ticks of 10 ms."""
        clock = (~self._process.pid << 3) | 2  # the id clock_getcpuclockid(3) returns
        return time.clock_gettime(clock)
