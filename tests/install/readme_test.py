#!/usr/bin/env python3
"""The README shows the example, and links and commands in documents exist."""

import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MOST_LINES = {"examples/echo_server.cpp": 32, "examples/proxy.cpp": 60}  # of the programs shown
HIDDEN = ("CLI11", "nlohmann_json", "GTest")  # packages of tests and tools
WHOLE = "--whole" in sys.argv


def documents() -> list[pathlib.Path]:
    return sorted(
        [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "bench" / "README.md"]
    )


def prose(text: str) -> str:
    """Returns the text without code, in which brackets mean something else."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def install_lines() -> list[str]:
    """Returns the commands below the README's heading "Install"."""
    section = (ROOT / "README.md").read_text().partition("\n## Install\n")[2]
    block = re.search(r"^```sh\n(.*?)^```\n", section, re.DOTALL | re.MULTILINE)
    return [line for line in block[1].splitlines() if line] if block else []


class Documents(unittest.TestCase):
    def test_the_programs_are_the_examples(self):
        readme = (ROOT / "README.md").read_text()
        for example in MOST_LINES:
            shown = re.search(
                rf"<!-- begin {example} -->\n```cpp\n(.*?)```\n<!-- end {example} -->",
                readme,
                re.DOTALL,
            )
            self.assertIsNotNone(shown, f"README.md shows no block marked as {example}")
            # Without the marks of the parts that the book shows.
            program = re.sub(r"(?m)^ *// \[/?\w+\]\n", "", (ROOT / example).read_text())
            self.assertEqual(shown.group(1), program)

    def test_the_install_line_needs_no_package_beyond_the_first(self):
        lines = install_lines()
        self.assertEqual(lines[0], "tools/install-packages core")
        self.assertNotIn("release", lines[1], "its tests and benchmarks need more packages")
        named = set(re.findall(r"--preset (\w+)", lines[1]))
        self.assertEqual(len(named), 1)
        presets = json.loads((ROOT / "CMakePresets.json").read_text())
        (preset,) = [p for p in presets["configurePresets"] if p["name"] in named]
        self.assertNotIn("inherits", preset)
        for part in ("TESTS", "TOOLS", "EXAMPLES", "BENCH"):
            self.assertEqual(preset["cacheVariables"][f"WEFT_BUILD_{part}"], "OFF")
        self.assertTrue([p for p in presets["buildPresets"] if p["name"] in named])

    @unittest.skipUnless(WHOLE, "builds the library once more: a minute or two")
    def test_the_install_line_works_as_it_stands(self):
        lines = install_lines()
        hidden = " ".join(f"-D CMAKE_DISABLE_FIND_PACKAGE_{name}=ON" for name in HIDDEN)
        with tempfile.TemporaryDirectory(prefix="weft-line-") as prefix:
            line = lines[1].replace("/usr/local", prefix)
            line = line.replace("--preset library", f"--preset library {hidden}", 1)
            done = subprocess.run(
                ["bash", "-c", line],
                cwd=ROOT,
                env=os.environ | {"CMAKE_CXX_COMPILER_LAUNCHER": "ccache"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            self.assertEqual(done.returncode, 0, done.stdout)
            installed = pathlib.Path(prefix)
            self.assertTrue((installed / "include/weft/http.hpp").exists())
            self.assertTrue((installed / "share/doc/weft/LICENSE").exists())

    def test_the_programs_are_short(self):
        for example, most in MOST_LINES.items():
            lines = (ROOT / example).read_text().splitlines()
            self.assertLessEqual(len(lines), most)

    def test_links_inside_the_repository_lead_somewhere(self):
        for document in filter(pathlib.Path.exists, documents()):
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", prose(document.read_text())):
                if "://" in target:
                    continue
                with self.subTest(document=document.name, target=target):
                    self.assertTrue((document.parent / target).exists())

    def test_commands_that_are_named_are_there(self):
        pattern = re.compile(
            r"(?:^|[\s`])((?:\./(?:run|check)|(?:tools|bench|tests|\.ci)/[\w/.-]*\w))"
        )
        for document in filter(pathlib.Path.exists, documents()):
            for name in pattern.findall(document.read_text()):
                with self.subTest(document=document.name, name=name):
                    self.assertTrue((ROOT / name).exists())


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
