"""Words for persons, which comments and documents do not use for parts of a program."""

import re
from collections.abc import Iterable

from comments import comments, is_python, is_shell
from source import Source, Violation

# Not a part of a longer name: 017-who-runs-next.md is a file.
_PERSON = re.compile(
    r"(?<![\w-])(?:who|whoever|whom|nobody|somebody|everybody|he|his|him)(?![\w-])", re.I
)
# A word quoted as code is a name.
_QUOTED = re.compile(r"`[^`\n]*`")

_CPP_FOLDERS = ("include", "src", "bench", "tests", "examples")
_SCRIPT_FOLDERS = ("tools", "bench")
# The guide speaks of people, too, and so do its programs.
_GUIDE = ("docs/guide/", "examples/guide/")


def check(sources: list[Source]) -> Iterable[Violation]:
    for source in filter(_applies, sources):
        prose = _QUOTED.sub(lambda quoted: " " * len(quoted.group()), comments(source))
        for match in _PERSON.finditer(prose):
            message = f"'{match.group()}': name the part: task, worker, caller …"
            yield source.violation(match.start(), "prose", message)


def _applies(source: Source) -> bool:
    if source.path.startswith(_GUIDE):
        return False
    if source.is_cpp:
        return source.folder in _CPP_FOLDERS or source.path.startswith("tools/weft/")
    if is_python(source) or is_shell(source):
        return source.folder in _SCRIPT_FOLDERS
    return source.is_document
