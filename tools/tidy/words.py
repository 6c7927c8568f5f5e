"""Calls and words that are banned in this repository, and the opening comment of a file."""

import dataclasses
import pathlib
import re
from collections.abc import Callable, Iterable

from source import Source, Violation

# Folders whose atomics, mutexes and parks the model checker does not see: it is built on them.
_UNDER_MODEL = ("base", "os", "model", "trace")
_UNDER_MODEL_HEADERS = re.compile(r"atomic\.hpp|model(?:_\w+)?\.hpp|model/.*")

# Where a file may ask which operating system it is compiled for: the back ends.
_PLATFORM_FILES = re.compile(r"src/os/|src/event/[^/]*\.cpp$|include/weft/native_handle\.hpp$")


def _anywhere(source: Source) -> bool:
    return source.is_cpp


def _waits(source: Source) -> bool:
    """All files except the programs: a program may sleep to show the cost of a sleeping thread."""
    return source.is_cpp and source.folder in ("src", "include", "tests")


def _machine(source: Source) -> bool:
    """The sources of the library, without its tests."""
    return source.is_cpp and source.folder in ("src", "include") and not source.is_test


def _modeled(source: Source) -> bool:
    """The sources that the model checker explores, or may explore."""
    if not _machine(source):
        return False
    if source.public_name is not None:
        return not _UNDER_MODEL_HEADERS.fullmatch(source.public_name)
    return source.module not in _UNDER_MODEL


def _portable(source: Source) -> bool:
    return _machine(source) and not _PLATFORM_FILES.match(source.path)


@dataclasses.dataclass(frozen=True)
class Ban:
    rule: str
    pattern: re.Pattern[str]
    applies: Callable[[Source], bool]
    message: str


_NO_MEMBER = r"(?<![\w.:>])(?:::|std::)?"

BANS = (
    Ban(
        "sleep",
        re.compile(
            r"(?<!\w )" + _NO_MEMBER + r"(?:clock_nano|nano|u)?sleep\s*\(\s*[^)\s]"
            r"|this_thread::sleep_"
        ),
        _waits,
        "waiting is an event, not a guess: no sleep",
    ),
    Ban(
        "volatile",
        re.compile(r"(?<!asm )(?<!__asm__ )\bvolatile\b"),
        _anywhere,
        "volatile orders nothing between threads",
    ),
    Ban(
        "using-namespace",
        re.compile(r"\busing\s+namespace\b(?!\s+std::\w*literals\b)"),
        _anywhere,
        "no using namespace (the std literals are free)",
    ),
    Ban(
        "using-namespace",
        re.compile(r"\busing\s+namespace\s+std::\w*literals\b"),
        lambda source: source.is_header,
        "no using namespace in a header",
    ),
    Ban(
        "raw-atomic",
        re.compile(
            r"\bstd::(?:atomic\b|atomic_|mutex\b|recursive_mutex\b|timed_mutex\b|shared_mutex\b"
            r"|condition_variable)"
        ),
        _modeled,
        "the model checker must see it: use <weft/atomic.hpp>",
    ),
    Ban(
        "assert",
        re.compile(r"(?<!\w)assert\s*\("),
        _anywhere,
        "a check is always on: base/check.hpp",
    ),
    Ban(
        "rand",
        re.compile(_NO_MEMBER + r"s?rand\s*\("),
        _anywhere,
        "use a seeded generator of <random>",
    ),
    Ban(
        "printf",
        re.compile(_NO_MEMBER + r"(?:v?f?printf|f?puts|putchar)\s*\(|\bstd::(?:cout|cerr|clog)\b"),
        _machine,
        "a library does not print",
    ),
    Ban(
        "platform",
        re.compile(
            r"^[ \t]*#[ \t]*(?:el)?if[^\n]*(?:__linux|_WIN32|_WIN64|__APPLE__"
            r"|__FreeBSD__|__NetBSD__|__OpenBSD__|__unix__|_MSC_VER|__MINGW)",
            re.M,
        ),
        _portable,
        "platform conditionals live in the back ends (src/os, src/event)",
    ),
)

_UNFINISHED = re.compile(r"\b(?:TODO|FIXME|XXX)\b")


def check(sources: list[Source]) -> Iterable[Violation]:
    headers = {pathlib.PurePath(source.path).stem for source in sources if source.is_header}
    for source in sources:
        yield from _check_source(source, headers)


def _check_source(source: Source, headers: set[str]) -> Iterable[Violation]:
    for ban in BANS:
        if ban.applies(source):
            for match in ban.pattern.finditer(source.code):
                yield source.violation(match.start(), ban.rule, ban.message)
    if source.is_cpp:
        yield from _check_thread_local(source)
        yield from _check_opening(source, headers)
    if not source.path.startswith("tools/tidy/"):
        for match in _UNFINISHED.finditer(source.text):
            message = f"{match.group()}: finish it or leave it out"
            yield source.violation(match.start(), "unfinished", message)


def _check_thread_local(source: Source) -> Iterable[Violation]:
    """A compiler may keep a thread_local's address over a suspension: read it noinline."""
    match = re.search(r"\bthread_local\b", source.code)
    if match and not source.is_test and not re.search("noinline", source.code, re.I):
        yield source.violation(
            match.start(),
            "thread-local",
            "a thread_local is read through a noinline accessor in its file",
        )


def _check_opening(source: Source, headers: set[str]) -> Iterable[Violation]:
    """A file states its purpose, unless its header does, or it is a test.

    An example is described on the page that shows it.
    """
    stem = pathlib.PurePath(source.path).stem
    names = {stem, f"{source.module}_{stem}"}
    explained = not source.is_header and (
        source.is_test or source.folder == "examples" or bool(names & headers)
    )
    if not explained and not source.text.startswith("//"):
        yield source.violation(
            0, "opening", "a file opens with a comment: what it is, who calls it"
        )
    if source.is_header and not re.search(r"^#pragma once$", source.code, re.M):
        yield source.violation(0, "opening", "a header has #pragma once")
