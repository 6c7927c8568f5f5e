#!/usr/bin/env python3
"""The README shows the example, and links and commands in documents exist."""

import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXAMPLE = "examples/echo_server.cpp"
MOST_LINES = 25


def documents() -> list[pathlib.Path]:
    return sorted(
        [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "bench" / "README.md"]
    )


def prose(text: str) -> str:
    """Returns the text without code, in which brackets mean something else."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


class Documents(unittest.TestCase):
    def test_the_first_program_is_the_example(self):
        readme = (ROOT / "README.md").read_text()
        shown = re.search(
            rf"<!-- begin {EXAMPLE} -->\n```cpp\n(.*?)```\n<!-- end {EXAMPLE} -->",
            readme,
            re.DOTALL,
        )
        self.assertIsNotNone(shown, f"README.md shows no block marked as {EXAMPLE}")
        self.assertEqual(shown.group(1), (ROOT / EXAMPLE).read_text())

    def test_the_first_program_is_short(self):
        lines = (ROOT / EXAMPLE).read_text().splitlines()
        self.assertLess(len(lines), MOST_LINES)

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
    unittest.main()
