"""Names that two sources have in unnamed namespaces. Some builds compile several sources as one,
and the grouping changes with each new file. So a name of the library is unique, and those of a test
are in a namespace named after its file."""

import pathlib
import re
from collections.abc import Iterable

from source import Source, Violation

_UNNAMED = re.compile(r"^namespace \{\n(?P<body>.*?)^\}", re.M | re.S)
_NAMED = re.compile(
    r"^(?:constexpr [\w:<>, *]*?|(?:class|struct|enum class) )(?P<name>\w+) *(?:=|\{|;|:[^:]|\[)",
    re.M,
)
_OPENED = re.compile(r"^namespace (?P<name>[\w: ]+) \{", re.M)
_TESTS = re.compile(r"(?:src/\w+|tests/api|tests/conformance|tools/weft)/\w+_test\.cpp")


def check(sources: list[Source]) -> Iterable[Violation]:
    for source in sources:
        opened = _TESTS.fullmatch(source.path) and _OPENED.search(source.code)
        stem = pathlib.PurePath(source.path).stem
        if opened and opened["name"].rpartition("::")[2] != stem:
            text = f"a test's namespace ends in '{stem}': some builds join it with others"
            yield source.violation(opened.start("name"), "name", text)
    yield from _twice(sources)


def _twice(sources: list[Source]) -> Iterable[Violation]:
    """Constants and types; functions of one name mostly differ in what they take."""
    first: dict[str, str] = {}
    for source in sources:
        if not source.path.startswith("src/") or not source.path.endswith(".cpp"):
            continue
        if source.path.endswith("_test.cpp"):
            continue
        for space in _UNNAMED.finditer(source.code):
            for named in _NAMED.finditer(space["body"]):
                other = first.setdefault(named["name"], source.path)
                if other != source.path:
                    offset = space.start("body") + named.start("name")
                    text = f"'{named['name']}' is in {other}, too, and some builds join the two"
                    yield source.violation(offset, "name", text)
