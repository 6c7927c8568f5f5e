#!/usr/bin/env python3
"""Runs commands of the documentation and compares their output with the shown output.

    run_commands.py --program FOLDER/NAME     those that run examples/FOLDER/NAME.cpp; one at least
    run_commands.py --others                  all others, in a short form where they would take long
"""

import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import bounds
from commands import EXAMPLES, ROOT, Command, commands

BUILD = pathlib.Path(os.environ.get("WEFT_BUILD_DIR", ROOT / "build" / "release"))
COMPILER = os.environ.get("WEFT_COMPILER", "GNU 12.2.0")  # as CMake names it
DEADLINE_S = 40
NOT_INSTALLED = 77  # of tools/guide/beside: the server

# Commands that need one of these are skipped where it is not installed.
TOOLS = ("strace", "perf", "mkdocs", "aarch64-linux-gnu-g++", "qemu-aarch64")
TOOLS += ("x86_64-w64-mingw32-g++-posix",)

# Commands that would take long, or change this build, run in a form that does neither.
SHORT_FORMS = {
    "tools/install-packages check": "WEFT_SKIP_INSTALL=1 tools/install-packages check",
    "tools/install-packages site": "WEFT_SKIP_INSTALL=1 tools/install-packages site",
    "cmake --preset release": "cmake -N --preset release",
    "tools/guide/build": "tools/guide/build --pages {scratch}/site",
    "./run models --count 500": "build/release/tools/weft/weft models --count 50 --delay 50",
}


@functools.cache
def tracepoints_are_seen() -> bool:
    look = ["perf", "stat", "-e", "sched:sched_waking", "true"]
    return subprocess.run(look, capture_output=True).returncode == 0


def run(line: str, scratch: str) -> subprocess.CompletedProcess:
    line = SHORT_FORMS.get(line, line).replace("build/release/", "{build}/")
    line = re.sub(r"^cmake --build --preset release (.*)", r"cmake --build {build} \1 -- -n", line)
    line = line.replace("{build}", str(BUILD)).replace("{scratch}", scratch)
    return subprocess.run(
        ["bash", "-c", line],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=DEADLINE_S,
    )


class Commands(unittest.TestCase):
    chosen: list[Command] = []
    program: str | None = None

    def test_they_print_what_is_shown(self):
        self.assertTrue(self.chosen, "no page shows such a command")
        for command in self.chosen:
            with self.subTest(page=command.page, command=command.line):
                self.check(command)

    def check(self, command: Command) -> None:
        for tool in TOOLS:
            needed = "tools/guide/build" if tool == "mkdocs" else tool
            if needed in command.line and shutil.which(tool) is None:
                self.skipTest(f"{tool} is not installed")
        if command.line.startswith("perf ") and not tracepoints_are_seen():
            self.skipTest("this system does not let this user see its tracepoints")
        foreign = re.search(r"build/release/(examples/foreign/\w+)", command.line)
        if foreign and not (BUILD / foreign[1]).exists():
            self.skipTest("built without the foreign library")
        with tempfile.TemporaryDirectory() as scratch:
            done = run(command.line, scratch)
        if "strace" in command.line and "Operation not permitted" in done.stdout:
            self.skipTest("this system does not let processes be traced")
        if command.line.startswith("tools/guide/beside ") and done.returncode == NOT_INSTALLED:
            self.skipTest(done.stdout.strip())
        self.assertEqual(done.returncode, 0, done.stdout)
        if command.shows_compiler and not COMPILER.startswith("GNU 12."):
            self.skipTest(f"shows what g++ 12 does; this is {COMPILER or 'an unknown compiler'}")
        if command.is_compared:
            self.assertEqual(command.shape(done.stdout), command.shape(command.output), done.stdout)
        bound = bounds.BOUNDS.get(command.typed)
        if bound is not None:
            bound(self, done.stdout)

    def test_a_program_is_shown_with_its_output(self):
        if self.program is None:
            return
        by_itself = EXAMPLES + self.program

        def is_plain(line: str) -> bool:
            """Alone, fed by a pipe, or with arguments that a command before it has made."""
            made, _, last = line.rpartition(" && ")
            return last.split()[0] == by_itself if made else last.split(" | ")[-1] == by_itself

        plain = [c for c in self.chosen if is_plain(c.line)]
        self.assertEqual(len(plain), 1, "a program is shown once by itself")
        self.assertIsNotNone(plain[0].output, "… and what it prints as well")


def main(arguments: list[str]) -> None:
    match arguments:
        case ["--program", name]:
            Commands.program = name
            Commands.chosen = [c for c in commands() if c.program == name]
        case ["--others"]:
            Commands.chosen = [c for c in commands() if c.program is None]
        case _:
            sys.exit(__doc__)
    unittest.main(argv=sys.argv[:1], verbosity=2)


if __name__ == "__main__":
    main(sys.argv[1:])
