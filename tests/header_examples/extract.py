#!/usr/bin/env python3
"""Makes sources of the examples in comments of public headers, to be compiled.

    extract.py CONTEXT OUTPUT       CONTEXT with the examples that it names in place

An example is a block of a comment in include/weft that is indented by three spaces or more, stands
behind an empty line of the comment, and contains C++. A context is a source with lines such as:

    // example: weft/when_all.hpp                       the header's first example
    // example: weft/net.hpp, number 2                  its second
    // example: weft/future.hpp, up to "int answer"     its lines before the first with this text
    // example: weft/future.hpp, from "int answer"      the lines from there on

An ellipsis in an example stands for statements that are left out, and is taken away. A compiler's
messages name the header and its line.
"""

import dataclasses
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HERE = pathlib.Path(__file__).resolve().parent
INCLUDE = ROOT / "include"

_INDENTED = re.compile(r"\s*//(/?) {3,}\S")
_EMPTY = re.compile(r"\s*///?\s*$")
_LIST_ITEM = re.compile(r"\s*///? +(?:-|\d+\.) ")
_CODE = re.compile(r"(?:[;{}]|…)\s*(?://.*)?$", re.MULTILINE)
_DIRECTIVE = re.compile(
    r"\s*// example: (?P<header>[\w/.]+)(?:, number (?P<number>\d+))?"
    r'(?:, (?P<part>up to|from) "(?P<text>[^"]+)")?$'
)

# Blocks that look like examples and are none: the header, and how the block begins.
NO_EXAMPLES = {
    ("weft/extend/atomic_waker.hpp", "the leaf, in poll():"),  # two threads, side by side
}


class Wrong(Exception):
    """Says what is wrong with a context, or with an example."""


@dataclasses.dataclass(frozen=True)
class Example:
    header: str
    line: int  # of its first line, from 1
    lines: tuple[str, ...]

    def part(self, which: str | None, text: str | None) -> "Example":
        """Returns the lines before the first that contains `text`, or those from it on."""
        if which is None:
            return self
        at = next((i for i, line in enumerate(self.lines) if text in line), None)
        if at is None:
            raise Wrong(f"include/{self.header}:{self.line}: no line of the example has {text!r}")
        if which == "from":
            return Example(self.header, self.line + at, self.lines[at:])
        return Example(self.header, self.line, self.lines[:at])

    def source(self) -> str:
        code = "\n".join(self.lines).replace("…;", "").replace("…", "")
        return f'#line {self.line} "{INCLUDE / self.header}"\n{code}\n'


def headers() -> list[str]:
    return sorted(str(path.relative_to(INCLUDE)) for path in INCLUDE.rglob("*.hpp"))


def examples_of(header: str) -> list[Example]:
    return examples_in(header, (INCLUDE / header).read_text())


def examples_in(header: str, text: str) -> list[Example]:
    lines = text.splitlines()
    found = []
    at = 0
    while at < len(lines):
        begins = _INDENTED.match(lines[at]) and at > 0 and _EMPTY.match(lines[at - 1])
        if not begins or _LIST_ITEM.match(lines[at]):
            at += 1
            continue
        end = at + 1
        while end < len(lines) and (
            _INDENTED.match(lines[end])
            or (_EMPTY.match(lines[end]) and _goes_on(lines, end + 1))
        ):
            end += 1
        code = tuple(re.sub(r"^\s*///? ?", "", line) for line in lines[at:end])
        is_one = _CODE.search("\n".join(code)) or "weft::" in code[0]
        known = any(header == h and code[0].strip().startswith(b) for h, b in NO_EXAMPLES)
        if is_one and not known:
            found.append(Example(header, at + 1, code))
        at = end
    return found


def _goes_on(lines: list[str], at: int) -> bool:
    return at < len(lines) and bool(_INDENTED.match(lines[at]))


def directives(context: str) -> list[re.Match[str]]:
    found = [_DIRECTIVE.match(line) for line in context.splitlines()]
    return [match for match in found if match is not None]


def example_for(directive: re.Match[str]) -> Example:
    header = directive["header"]
    if not (INCLUDE / header).exists():
        raise Wrong(f"there is no include/{header}")
    examples = examples_of(header)
    number = int(directive["number"] or 1)
    if number > len(examples):
        raise Wrong(f"include/{header} has {len(examples)} examples, not {number}")
    return examples[number - 1].part(directive["part"], directive["text"])


def filled_in(context: pathlib.Path) -> str:
    """Returns the context's text with its examples in place."""
    made = [f'#line 1 "{context}"\n']
    for number, line in enumerate(context.read_text().splitlines(), 1):
        directive = _DIRECTIVE.match(line)
        if directive is None:
            made.append(line + "\n")
            continue
        made.append(example_for(directive).source())
        made.append(f'#line {number + 1} "{context}"\n')
    return "".join(made)


def contexts() -> list[pathlib.Path]:
    return sorted(HERE.glob("*.cpp"))


def main(arguments: list[str]) -> None:
    if len(arguments) != 2:
        sys.exit(__doc__)
    try:
        text = filled_in(pathlib.Path(arguments[0]))
    except Wrong as wrong:
        sys.exit(f"{arguments[0]}: {wrong}")
    pathlib.Path(arguments[1]).write_text(text)


if __name__ == "__main__":
    main(sys.argv[1:])
