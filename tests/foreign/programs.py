"""Shared by the tests of foreign libraries: their programs, and running them beside a server."""

import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
import support  # noqa: E402

TESTS = os.environ.get("WEFT_FOREIGN_TESTS", "")
PROGRAMS = pathlib.Path(os.environ.get("WEFT_FOREIGN_PROGRAMS", "build/release/examples/foreign"))
DEADLINE_S = 9 * support.DEADLINE_S
main = support.main


def drain(pipe) -> None:
    """Reads a pipe to its end, on a thread, so that a server never blocks on a full pipe."""

    def read() -> None:
        with pipe:
            for _ in pipe:
                pass

    threading.Thread(target=read, daemon=True).start()


class Beside(unittest.TestCase):
    """A test class that may start a server in `root`."""

    root: pathlib.Path

    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))

    def run_program(self, name: str, *arguments: str) -> subprocess.CompletedProcess:
        """Runs a program of examples/foreign to its end."""
        return subprocess.run(
            [PROGRAMS / name, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEADLINE_S,
        )

    def run_tests(self, settings: dict[str, str] | None = None, only: str = "*") -> None:
        """Runs the C++ tests, which must all pass."""
        self.assertTrue(TESTS, "WEFT_FOREIGN_TESTS names the program of the tests")
        done = subprocess.run(
            [TESTS, f"--gtest_filter={only}", "--gtest_brief=1"],
            env={**os.environ, **(settings or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=DEADLINE_S,
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertRegex(done.stdout, r"\[  PASSED  \] [1-9]")

    def run_tests_that_kill(self, started) -> None:
        """Runs those that kill the server, each beside one that `started(class)` starts."""
        for workers in ("CurrentThread", "Workers4"):
            with self.subTest(workers):
                self.setUpClass()
                settings = {**started(type(self)), "WEFT_TEST_KILL": "yes"}
                self.run_tests(settings, f"*ServerKilledMidway/{workers}")
