"""References in comments and documents must exist: files of the tree, decisions, names in code.

Four kinds of reference are looked up:

- files: `<weft/x.hpp>`; a path from the root (`src/x`, `docs/decisions/001-x.md`); any other name
  that ends in .hpp, .cpp or .S, which must end the path of some file (`exec/worker.hpp`);
- decisions: "decision 012", `docs/decisions/012`;
- functions: `name()` in lower case must be an identifier somewhere in the code, and of
  `Type::name()` both must be, in one file;
- types: a word of two capitals or more (`RunQueue`, also in the plural) likewise.

Names of other projects stand in known.toml, as do those that stand for any name. In lines of sample
code (indented by three columns, with a `;` or a brace) only files and decisions are looked up.
"""

import collections
import pathlib
import re
from collections.abc import Iterable, Iterator

from comments import comments
from source import Source, Violation

_TOP = "include|src|tests|tools|docs|bench|examples|cmake"

_HEADER = re.compile(r"<(weft/[\w/]+\.hpp)>")
_BEGINS = r"(?<![\w./<*-])(?:\.\.?/)*"
# Not the beginning of a pattern: src/exec/worker*.cpp names no file.
_PATH = re.compile(_BEGINS + rf"((?:{_TOP})(?:/\w(?:[\w.-]*\w)?+)++)(?![*<{{])")
_FILE = re.compile(
    _BEGINS + rf"(?!(?:{_TOP})/)((?:\w[\w-]*/)*\w[\w.-]*?\.(?:[ch]pp|S))(?![\w>])"
)
_DECISIONS = re.compile(r"\bdecisions?\s+(\d{3}(?:(?:,|,?\s+and|,?\s+to)\s+\d{3})*)", re.I)
_DECISION_PATH = re.compile(r"docs/decisions/(\d{3})")
_FUNCTION = re.compile(
    r"(?P<scope>(?:\b[A-Za-z_]\w*(?:<[^<>()\n]*>)?::)*)\b(?P<name>[a-z_][a-z0-9_]*)"
    r"(?:<[^<>()\n]*>)?\(\)"
)
_TYPE = re.compile(r"(?<![\w./:<\"-])([A-Z][a-z0-9]+(?:[A-Z][a-z0-9]+)+)\b(?![./-]\w)")
_SAMPLE = re.compile(r"^[ \t]*//[/!]? {3,}.*[;{}].*$", re.M)
_INCLUDE = re.compile(r"^[ \t]*#[ \t]*include\b.*$", re.M)


class Tree:
    """The files and names that a reference may name."""

    def __init__(self, root: pathlib.Path, sources: list[Source], known: dict):
        self.root = root
        self.known_files = frozenset(known.get("files", []))
        self.known_names = frozenset(known.get("names", []))
        self.paths = {source.path for source in sources}
        # A path and all its ends: src/a/b.hpp, a/b.hpp, b.hpp.
        self.ends: set[str] = set()
        for path in self.paths:
            parts = path.removesuffix(".in").split("/")
            self.ends.update("/".join(parts[first:]) for first in range(len(parts)))
        decisions = (re.match(r"docs/decisions/(\d{3})-", path) for path in self.paths)
        self.decisions = {found[1] for found in decisions if found}
        self.files_with: dict[str, set[str]] = collections.defaultdict(set)
        for source in sources:
            if source.is_cpp or source.path.endswith(".S"):
                for name in set(re.findall(r"[A-Za-z_]\w*", _INCLUDE.sub("", source.code))):
                    self.files_with[name].add(source.path)

    def has_path(self, path: str) -> bool:
        decision = _DECISION_PATH.fullmatch(path)
        if decision:
            return decision[1] in self.decisions
        return path in self.known_files or path in self.ends or (self.root / path).exists()

    def has_file(self, name: str) -> bool:
        return name in self.ends or name in self.known_files

    def has_name(self, name: str) -> bool:
        return name in self.files_with or name in self.known_names

    def has_type(self, name: str) -> bool:
        return self.has_name(name) or (name.endswith("s") and self.has_name(name[:-1]))

    def has_function(self, scope: list[str], name: str) -> bool:
        """Returns whether the function exists; with a scope, in a file that contains the scope."""
        if "std" in scope or name in self.known_names or (scope and scope[-1] in self.known_names):
            return True
        if not scope or scope == ["weft"]:
            return name in self.files_with
        return bool(self.files_with.get(scope[-1], set()) & self.files_with.get(name, set()))


def check(root: pathlib.Path, sources: list[Source], known: dict) -> Iterable[Violation]:
    tree = Tree(root, sources, known)
    for source in sources:
        if source.is_cpp or source.is_document:
            text = comments(source)
            for offset, name, kind in (*_files(text, tree), *_names(source, text, tree)):
                yield source.violation(offset, "reference", f"{name}: there is no such {kind}")


def _files(text: str, tree: Tree) -> Iterator[tuple[int, str, str]]:
    for match in _HEADER.finditer(text):
        if f"include/{match[1]}" not in tree.paths and match[1] not in tree.known_files:
            yield match.start(), match[0], "header"
    for match in _PATH.finditer(text):
        if not tree.has_path(match[1]):
            yield match.start(1), match[1], "file"
    for match in _FILE.finditer(text):
        if not tree.has_file(match[1]):
            yield match.start(1), match[1], "file"
    for match in _DECISIONS.finditer(text):
        for number in re.finditer(r"\d{3}", match[1]):
            if number[0] not in tree.decisions:
                yield match.start(1) + number.start(), f"decision {number[0]}", "decision"


def _names(source: Source, text: str, tree: Tree) -> Iterator[tuple[int, str, str]]:
    if not source.is_cpp:
        return
    for sample in _SAMPLE.finditer(source.text):
        text = text[: sample.start()] + _spaces(sample) + text[sample.end() :]
    for match in _FUNCTION.finditer(text):
        scope = re.sub(r"<[^<>]*>", "", match["scope"]).split("::")[:-1]
        if not tree.has_function(scope, match["name"]):
            yield match.start(), match[0], "function"
    for match in _TYPE.finditer(text):
        if not tree.has_type(match[1]):
            yield match.start(), match[1], "type"


def _spaces(match: re.Match[str]) -> str:
    return " " * len(match.group())
