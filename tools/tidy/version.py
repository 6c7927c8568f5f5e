"""Names of the library carry its version, so that headers of another version are a link error.

What `include/` and `src/` open is `namespace weft::inline v0_1`, by the version of the project.
Tests and their support reopen `weft`, and name what is in it as users do.
"""

import pathlib
import re
from collections.abc import Iterable

from source import Source, Violation

_VERSION = re.compile(r"project\(weft VERSION (\d+)\.(\d+)\.")
_OPENED = re.compile(r"^namespace weft\b(?P<rest>[\w: ]*)\{", re.M)
_LIBRARY = re.compile(r"(?:include|src)/.*\.hpp|src/.*(?<!_test)\.cpp")
_TEST_SPACE = re.compile(r"test(?:ing)?\b")


def check(root: pathlib.Path, sources: list[Source]) -> Iterable[Violation]:
    version = _VERSION.search((root / "CMakeLists.txt").read_text())
    if not version:
        raise ValueError("CMakeLists.txt does not say project(weft VERSION major.minor.patch")
    wanted = f"::inline v{version[1]}_{version[2]}"
    for source in sources:
        if not _LIBRARY.fullmatch(source.path):
            continue
        for opened in _OPENED.finditer(source.code):
            rest = opened["rest"]
            if not _TEST_SPACE.search(rest) and not re.match(wanted + r"\b", rest):
                message = f"the library is in namespace weft{wanted}, the version of CMakeLists.txt"
                yield source.violation(opened.start(), "version", message)
