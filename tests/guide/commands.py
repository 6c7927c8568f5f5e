"""The commands that the chapters show, and what they say that each prints.

A command is a ```sh block. If a ```text block follows, with nothing between but a comment that
begins with "prints", it is what the command prints, standard error included. Notes in that comment:

    <!-- prints -->                            exactly this
    <!-- prints, numbers vary -->              each number stands for any number
    <!-- prints, numbers vary, and their count -->   a row of numbers for any row of numbers

Runs of spaces count as one, since the width of columns follows the numbers in them.
"""

import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDE = ROOT / "docs" / "guide"
PROGRAMS = "build/release/examples/guide/"

_COMMAND = re.compile(
    r"^```sh\n(?P<lines>.*?)^```\n"
    r"(?:\n*<!-- prints(?P<notes>[^>]*) -->\n```text\n(?P<output>.*?)^```\n)?",
    re.DOTALL | re.MULTILINE,
)
_NUMBER = re.compile(r"0x[0-9a-f]+|\d[\d,]*(?:\.\d+)?")


@dataclasses.dataclass(frozen=True)
class Command:
    chapter: str
    line: str
    notes: str
    output: str | None

    @property
    def program(self) -> str | None:
        """The guide's program that it runs, if it runs one."""
        found = re.search(re.escape(PROGRAMS) + r"(\w+)", self.line)
        return found.group(1) if found else None

    def shape(self, text: str) -> list[str]:
        """What of an output must be as it is shown."""
        lines = [" ".join(line.split()) for line in text.strip().splitlines()]
        if "numbers vary" in self.notes:
            lines = [_NUMBER.sub("#", line) for line in lines]
        if "and their count" in self.notes:
            lines = [re.sub(r"#( #)+", "#", line) for line in lines]
        return lines


def chapters() -> list[pathlib.Path]:
    return sorted(GUIDE.glob("*.md"))


def commands() -> list[Command]:
    found = []
    for chapter in chapters():
        for match in _COMMAND.finditer(chapter.read_text()):
            lines = match["lines"].splitlines()
            for number, line in enumerate(lines):
                output = match["output"] if number == len(lines) - 1 else None
                found.append(Command(chapter.name, line, match["notes"] or "", output))
    return found
