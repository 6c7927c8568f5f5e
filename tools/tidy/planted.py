"""A tree of its own for each test of tidy, in which violations are planted."""

import pathlib
import re
import tempfile
import unittest

import tidy

LAYERS = """
[folders]
base = 0
os = 1
event = 2
task = 2
time = 2
exec = 3
reactor = 3
net = 4
http = 6
[only]
exec = ["base", "os", "task"]
[user]
folders = ["http"]
[umbrella]
headers = []
[headers]
base = ["*.hpp"]
[[edge]]
from = "task"
to = "time"
reason = "planted"
"""
FOLDERS = re.findall(r"^(\w+) = \d$", LAYERS, re.M)

HEADER = "// What it is.\n#pragma once\n"
SOURCE = "// What it is.\n"
WEFT = "namespace weft::inline v0_1"


class TidyTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.rules = self.root / "rules"
        self.rules.mkdir()
        self.exceptions("")
        self.known("")
        self.write("CMakeLists.txt", "project(weft VERSION 0.1.0 LANGUAGES CXX)\n")
        self.plant()

    def plant(self) -> None:
        """Makes the initial tree of the tests, without a violation."""
        self.layers(LAYERS)
        for folder in FOLDERS:
            self.write(f"src/{folder}/good.hpp", HEADER + "int good();\n")
        self.write("include/weft/good.hpp", HEADER)

    def write(self, path: str, text: str) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def exceptions(self, text: str) -> None:
        (self.rules / "exceptions.toml").write_text(text)

    def layers(self, text: str) -> None:
        (self.rules / "layers.toml").write_text(text)

    def known(self, text: str) -> None:
        (self.rules / "known.toml").write_text(text)

    def found(self) -> list[tuple[str, int, str]]:
        return [(v.path, v.line, v.rule) for v in tidy.check(self.root, self.rules)]

    def expect(self, path: str, text: str, rule: str, line: int | None = None) -> None:
        """Writes the file and expects exactly one violation, of that rule (and on that line)."""
        self.write(path, text)
        found = self.found()
        self.assertEqual([(where, what) for where, _, what in found], [(path, rule)], text)
        if line is not None:
            self.assertEqual(found[0][1], line)
        (self.root / path).unlink()

    def allow(self, path: str, text: str) -> None:
        self.write(path, text)
        self.assertEqual(self.found(), [], text)
        (self.root / path).unlink()
