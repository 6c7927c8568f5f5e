#!/usr/bin/env python3
"""Code blocks of documents that are taken from source files: finds, checks and renews them.

    tools/guide/blocks.py [--fix]

A block stands between two markers, and is the whole file, or one region of it:

    <!-- begin examples/guide/x.cpp [part] -->     in x.cpp:   // [part]
    ```cpp                                                     …
    …                                                          // [/part]
    ```
    <!-- end examples/guide/x.cpp [part] -->

A region is shown without its indentation, and without the markers of regions inside it. With
`numbered` before the end of the first marker, each line has its number in the file before it: for
listings whose lines a report names.
Exit code: 0 if all blocks are as their sources, 1 if not (with --fix they are now).
"""

import dataclasses
import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]

_BLOCK = re.compile(
    r"<!-- begin (?P<path>\S+\.\w+)(?: \[(?P<region>\w+)\])?(?P<numbered> numbered)? -->\n"
    r"(?P<open>```\w*\n)(?P<shown>.*?)```\n"
    r"<!-- end (?P=path)(?: \[(?P=region)\])? -->",
    re.DOTALL,
)
_BEGIN = re.compile(r"<!-- begin \S+\.\w+(?: \[\w+\])?(?: numbered)? -->")
_MARKER = re.compile(r"[ \t]*// \[/?\w+\]\n")


@dataclasses.dataclass(frozen=True)
class Block:
    document: pathlib.Path
    path: str
    region: str | None
    numbered: bool
    shown: str
    begin: int  # of the text between the fences, in the document
    end: int

    def source(self) -> str:
        """Returns the text to show. Raises ValueError if there is no such file or region."""
        file = ROOT / self.path
        if not file.is_file():
            raise ValueError(f"{self.document.name}: there is no {self.path}")
        return region_of(file.read_text(), self.region, self.path, self.numbered)


def region_of(text: str, region: str | None, name: str, numbered: bool = False) -> str:
    first = 1
    if region is not None:
        parts = list(
            re.finditer(
                rf"^[ \t]*// \[{region}\]\n(.*?)^[ \t]*// \[/{region}\]\n",
                text,
                re.DOTALL | re.MULTILINE,
            )
        )
        if len(parts) != 1:
            raise ValueError(f"{name} has {len(parts)} regions [{region}], not one")
        first += text.count("\n", 0, parts[0].start(1))
        text = textwrap.dedent(parts[0][1])
    if not numbered:
        return _MARKER.sub("", text)
    lines = enumerate(text.splitlines(keepends=True), first)
    shown = (f"{number:3}  {line}".rstrip() for number, line in lines if not _MARKER.match(line))
    return "".join(f"{line}\n" for line in shown)


def blocks_of(document: pathlib.Path) -> list[Block]:
    text = document.read_text()
    found = [
        Block(
            document,
            match["path"],
            match["region"],
            match["numbered"] is not None,
            match["shown"],
            *match.span("shown"),
        )
        for match in _BLOCK.finditer(text)
    ]
    begun = len(_BEGIN.findall(text))
    if begun != len(found):
        raise ValueError(f"{document.name}: {begun} blocks begin, {len(found)} are well-formed")
    return found


def renew(document: pathlib.Path) -> None:
    text = document.read_text()
    for block in reversed(blocks_of(document)):
        text = text[: block.begin] + block.source() + text[block.end :]
    document.write_text(text)


def documents() -> list[pathlib.Path]:
    return sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])


def main(arguments: list[str]) -> int:
    different = 0
    for document in documents():
        if arguments == ["--fix"]:
            renew(document)
        for block in blocks_of(document):
            if block.shown != block.source():
                different += 1
                region = f" [{block.region}]" if block.region else ""
                print(f"{document.relative_to(ROOT)}: differs from {block.path}{region}")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
