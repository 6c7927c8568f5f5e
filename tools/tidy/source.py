"""The files that tidy checks, and C++ text with its comments and literals blanked out.

Blanking keeps every line and column in place, so that a position in the blanked
text is one in the file.
"""

import dataclasses
import functools
import pathlib
import re
from collections.abc import Iterator

FOLDERS = ("include", "src", "tools", "examples", "bench", "tests")
DOCUMENTS = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs/decisions/*.md",
    "docs/guide/*.md",
)
CPP_SUFFIXES = (".hpp", ".cpp")
SKIPPED_FOLDERS = ("__pycache__", "build")

TOKEN = re.compile(
    r"""
      (?P<line_comment>//[^\n]*)
    | (?P<block_comment>/\*.*?\*/)
    | (?P<raw>\bR"(?P<fence>[^()\\\s]*)\(.*?\)(?P=fence)")
    | (?P<string>"(?:\\.|[^"\\\n])*")
    | (?P<number>\b[0-9](?:'?[0-9a-zA-Z_.])*)
    | (?P<char>'(?:\\.|[^'\\\n])+')
    """,
    re.VERBOSE | re.DOTALL,
)


def blank(text: str) -> str:
    """Returns text with comments and the insides of literals replaced by spaces."""

    def replace(match: re.Match[str]) -> str:
        found = match.group()
        if match.lastgroup == "number":
            return found
        kept = re.sub(r"[^\n]", " ", found)
        if found[0] in "\"'" and len(found) >= 2:
            return found[0] + kept[1:-1] + found[-1]
        return kept

    # lastgroup names the innermost alternative that closed last; the fence belongs to raw.
    return TOKEN.sub(replace, text)


@dataclasses.dataclass(frozen=True)
class Violation:
    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: [{self.rule}] {self.message}"


@dataclasses.dataclass(frozen=True)
class Source:
    """One file: path relative to the root, with forward slashes."""

    path: str
    text: str

    @property
    def folder(self) -> str:
        return self.path.split("/", 1)[0]

    @property
    def is_cpp(self) -> bool:
        return self.path.endswith(CPP_SUFFIXES)

    @property
    def is_header(self) -> bool:
        return self.path.endswith(".hpp")

    @property
    def is_document(self) -> bool:
        return self.path.endswith(".md")

    @property
    def is_test(self) -> bool:
        return self.folder == "tests" or "_test." in self.path

    @property
    def public_name(self) -> str | None:
        """Returns the include path of a public header without the weft/; None for other files."""
        name = self.path.removeprefix("include/weft/")
        return name if self.is_header and name != self.path else None

    @property
    def module(self) -> str | None:
        """Returns the folder of src/ that the file is in, else None."""
        parts = self.path.split("/")
        return parts[1] if parts[0] == "src" and len(parts) > 2 else None

    @functools.cached_property
    def lines(self) -> list[str]:
        return self.text.splitlines()

    @functools.cached_property
    def code(self) -> str:
        """Returns the text without comments and literals (C++ only)."""
        return blank(self.text)

    def line_at(self, offset: int) -> int:
        return self.text.count("\n", 0, offset) + 1

    def violation(self, offset: int, rule: str, message: str) -> Violation:
        return Violation(self.path, self.line_at(offset), rule, message)


_INCLUDE = re.compile(
    r'^[ \t]*#[ \t]*include[ \t]*(?:"(?P<own>[^"\n]+)"|<(?P<other>[^>\n]+)>)', re.M
)


def includes(source: Source) -> list[tuple[int, str, bool]]:
    """Returns the includes of a file: (offset, name, written in quotes)."""
    found = []
    for match in _INCLUDE.finditer(source.text):
        # An include inside a comment or a literal is none.
        if source.code[match.start() : match.end()].lstrip().startswith("#"):
            name = match.group("own") or match.group("other")
            found.append((match.start(), name, match.group("own") is not None))
    return found


def read_tree(root: pathlib.Path) -> list[Source]:
    """Reads the text files of the folders that tidy checks, then the documents, in order."""
    sources = []
    for path in _paths(root):
        relative = path.relative_to(root)
        if any(part in SKIPPED_FOLDERS for part in relative.parts) or not path.is_file():
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # data, not source
        sources.append(Source(relative.as_posix(), text))
    return sources


def _paths(root: pathlib.Path) -> Iterator[pathlib.Path]:
    for folder in FOLDERS:
        yield from sorted((root / folder).rglob("*"))
    for pattern in DOCUMENTS:
        yield from sorted(root.glob(pattern))
