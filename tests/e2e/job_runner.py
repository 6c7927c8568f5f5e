"""Shared by the tests of the job runner among the examples: its start, its jobs, its database."""

import contextlib
import os
import pathlib
import signal
import sqlite3
import subprocess
import tempfile
import unittest

import support
from example_programs import EXAMPLES

JOBS = EXAMPLES / "programs/jobs"
RUN_S = support.DEADLINE_S * 10  # for a whole list: a process a job, on a machine that may be busy


def state_of(pid: int) -> str:
    """Returns the state of a process as in /proc: "" if there is none, "Z" for a zombie."""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return ""


def children_of(pid: int) -> list[int]:
    """Returns the children of a process, zombies included."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_text().rsplit(")", 1)[1].split()[1])
        except OSError:
            continue  # it has just ended
        if parent == pid:
            found.append(int(path.parent.name))
    return found


class Fifo:
    """A FIFO, for jobs and the test to wait for each other. A context manager."""

    def __init__(self, path: pathlib.Path) -> None:
        os.mkfifo(path)
        self.path = path
        self.handle = os.open(path, os.O_RDWR)  # so that no end waits for another one to be opened

    def __enter__(self) -> "Fifo":
        return self

    def __exit__(self, *_) -> None:
        os.close(self.handle)

    def line(self, deadline_s: float = support.DEADLINE_S) -> str:
        """Returns the next line that a job has written."""
        with os.fdopen(os.dup(self.handle), "rb", buffering=0) as reader:
            text = support.read_line(reader, deadline_s)
        if not text.endswith("\n"):
            raise AssertionError(f"no job has written a line to {self.path}: {text!r}")
        return text.rstrip("\n")

    def let_pass(self, jobs: int = 1) -> None:
        os.write(self.handle, b"." * jobs)


class Running:
    """A job runner that runs; a context manager. Its standard error is read line by line."""

    def __init__(self, *arguments, **options) -> None:
        command = [JOBS, *map(str, arguments)]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, **options)

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()

    def wait_for(self, text: str) -> None:
        """Reads lines up to the one that has the text."""
        lines = []
        while line := support.read_line(self.process.stderr):
            if text in line:
                return
            lines.append(line)
        raise AssertionError(f"no line has {text!r}: {lines}")

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    def ended(self) -> tuple[int, str]:
        """Waits for its end and returns the exit code and the rest of standard error."""
        errors = self.process.communicate(timeout=RUN_S)[1]
        return self.process.returncode, errors.decode()


class JobsTest(unittest.TestCase):
    """A test with a directory of its own, in which there is a list, `list`, and its database."""

    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory(prefix="weft-jobs-")
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.list = self.directory / "list"
        self.database = self.directory / "list.sqlite"
        self.log = self.directory / "log"

    def fifo(self, name: str) -> Fifo:
        fifo = Fifo(self.directory / name)
        self.addCleanup(fifo.__exit__)
        return fifo

    def write(self, *commands: str) -> None:
        self.list.write_text("".join(f"{command}\n" for command in commands))

    def start(self, *arguments, **options) -> Running:
        return Running(*arguments, self.list, cwd=self.directory, **options)

    def run_all(self, *arguments, **options) -> tuple[int, str, str]:
        """Runs it to its end and returns the exit code, standard output and standard error."""
        done = subprocess.run(
            [JOBS, *map(str, arguments), self.list],
            capture_output=True,
            text=True,
            timeout=RUN_S,
            cwd=self.directory,
            **options,
        )
        return done.returncode, done.stdout, done.stderr

    def rows(self, columns: str) -> list:
        """Returns columns of the database, in the order of the commands; one column as it is."""
        with contextlib.closing(sqlite3.connect(self.database)) as database:
            query = f"SELECT {columns} FROM jobs ORDER BY command, occurrence"
            rows = database.execute(query).fetchall()
        return [row[0] if len(row) == 1 else row for row in rows]

    def logged(self) -> list[str]:
        return self.log.read_text().split() if self.log.exists() else []
