"""The commands that the documentation shows, and the output that it shows for each.

A command is a line of a ```sh block. If a ```text block follows, with nothing between but a
comment that begins with "prints", it is what the last command prints, standard error included.
Notes in that comment:

    <!-- prints -->                            exactly this
    <!-- prints, numbers vary -->              each number stands for any number, but for that
                                               of a line (file.cpp:27), which the text names
    <!-- prints, numbers vary, and their count -->   a row of numbers for any row of numbers
    <!-- prints, functions vary -->            other names on other kernels: a bound checks it
    <!-- prints, on this machine -->       other lines on other machines: a bound checks it
    <!-- prints, with g++ 12 -->               what a program that this compiler has built prints

Runs of spaces count as one, since the width of columns follows the numbers in them.

Blocks of docs/start are not here: start_test.py runs them, in order.
"""

import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
EXAMPLES = "build/release/examples/"

# Folders of examples, each shown by the pages of one folder of docs/.
SHOWN_BY = {"guide": "guide", "how_to": "how-to", "solutions": "solutions", "start": "start"}

_COMMAND = re.compile(
    r"^```sh\n(?P<lines>.*?)^```\n"
    r"(?:\n*<!-- prints(?P<notes>[^>]*) -->\n```text\n(?P<output>.*?)^```\n)?",
    re.DOTALL | re.MULTILINE,
)
_NUMBER = re.compile(r"0x[0-9a-f]+|(?<!pp:)(?<!\d)\d[\d,]*(?:\.\d+)?")


@dataclasses.dataclass(frozen=True)
class Command:
    page: str  # below docs/
    block: int  # of the page's blocks of commands
    line: str
    notes: str
    output: str | None

    @property
    def program(self) -> str | None:
        """Returns the example that it runs, if it runs one, as "folder/name"."""
        found = re.search(re.escape(EXAMPLES) + rf"((?:{'|'.join(SHOWN_BY)})/\w+)", self.line)
        return found.group(1) if found else None

    @property
    def is_compared(self) -> bool:
        """Returns whether the shown output is compared, or only checked by a bound."""
        only_checked = ("functions vary", "on this machine")
        return self.output is not None and not any(note in self.notes for note in only_checked)

    @property
    def shows_compiler(self) -> bool:
        """Returns whether the output is right only if g++ 12 has built the program."""
        return "with g++ 12" in self.notes

    @property
    def typed(self) -> str:
        """Returns the typed command, without the folder of a program of the guide."""
        return self.line.replace(EXAMPLES + "guide/", "")

    def shape(self, text: str) -> list[str]:
        """Returns the part of an output that must equal the shown one."""
        lines = [" ".join(line.split()) for line in text.strip().splitlines()]
        if "numbers vary" in self.notes:
            lines = [_NUMBER.sub("#", line) for line in lines]
        if "and their count" in self.notes:
            lines = [re.sub(r"#( #)+", "#", line) for line in lines]
        return lines


def chapters() -> list[pathlib.Path]:
    """Returns the chapters of the book."""
    return sorted((DOCS / "guide").glob("*.md"))


def pages() -> list[pathlib.Path]:
    """Returns the pages whose commands are run and whose code is that of programs."""
    return sorted(page for folder in SHOWN_BY.values() for page in (DOCS / folder).glob("*.md"))


def commands() -> list[Command]:
    """Returns all commands except those of docs/start."""
    found = []
    for page in pages():
        if page.parent.name != "start":
            found += commands_of(page)
    return found


def commands_of(page: pathlib.Path) -> list[Command]:
    found = []
    name = page.relative_to(DOCS).as_posix()
    for block, match in enumerate(_COMMAND.finditer(page.read_text())):
        lines = match["lines"].splitlines()
        for number, line in enumerate(lines):
            output = match["output"] if number == len(lines) - 1 else None
            found.append(Command(name, block, line, match["notes"] or "", output))
    return found
