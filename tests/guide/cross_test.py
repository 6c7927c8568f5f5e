#!/usr/bin/env python3
"""The guide's fibers made by hand, cross-built: on AArch64 under qemu they print what the book
shows, and a compiler for Windows is refused. Skipped are those that need a compiler that is not
installed."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

from commands import EXAMPLES, ROOT, commands

AARCH64 = ["aarch64-linux-gnu-g++", "-static"]
WINDOWS = ["x86_64-w64-mingw32-g++-posix"]
OPTIONS = ["-std=c++23", "-O2", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror"]
# As weft's CMake target passes it to the programs of the book.
OPTIONS += ["-fstack-clash-protection"]
# Not two_stacks, whose dump is another one there: the book shows both, and run_commands.py runs it.
PROGRAMS = ["guide/own_fiber", "guide/round_robin", "guide/fibers_that_wait"]
PROGRAMS += ["guide/starved_handles", "guide/own_guard"]
PROGRAMS += ["solutions/05_rounding", "solutions/05_exception", "solutions/05_sleep"]


def source_of(program: str) -> str:
    return str(ROOT / "examples" / f"{program}.cpp")


class Cross(unittest.TestCase):
    def need(self, *tools: str) -> None:
        for tool in tools:
            if shutil.which(tool) is None:
                self.skipTest(f"{tool} is not installed (tools/install-packages cross)")

    def test_fibers_run_on_aarch64(self):
        self.need(AARCH64[0], "qemu-aarch64")
        shown = {c.line: c for c in commands() if c.output is not None}
        for program in PROGRAMS:
            with self.subTest(program=program), tempfile.TemporaryDirectory() as scratch:
                made = str(pathlib.Path(scratch) / "program")
                subprocess.run([*AARCH64, *OPTIONS, source_of(program), "-o", made], check=True)
                done = subprocess.run(
                    ["qemu-aarch64", made], stdout=subprocess.PIPE, text=True, timeout=60
                )
                self.assertEqual(done.returncode, 0, done.stdout)
                command = shown[EXAMPLES + program]
                self.assertEqual(command.shape(done.stdout), command.shape(command.output))

    def test_windows_is_refused(self):
        self.need(*WINDOWS)
        for program in ("guide/own_fiber", "guide/two_stacks"):
            with self.subTest(program=program):
                done = subprocess.run(
                    [*WINDOWS, "-std=c++23", "-fsyntax-only", source_of(program)],
                    stderr=subprocess.PIPE,
                    text=True,
                )
                self.assertNotEqual(done.returncode, 0)
                self.assertIn("see src/fiber/context_win64.S", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
