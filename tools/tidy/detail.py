"""The internals of the public headers have a folder and a namespace, and are not documented.

`include/weft/detail/` (and a part's own, like `http/detail/`) declares weft::detail. The comments
of the headers at the top of `include/weft/`, which are for users, do not name it.
"""

import re
from collections.abc import Iterable

from comments import comments
from layers import is_detail
from source import Source, Violation

_NAMESPACE = re.compile(r"\bnamespace\s+weft::(?:inline\s+)?(?:\w+::)*detail\b")
_NAME = re.compile(r"\bdetail\b")
_CLOSING = re.compile(r"\}[ \t]*//[ \t]*namespace\b.*")


def check(sources: list[Source]) -> Iterable[Violation]:
    for source in sources:
        name = source.public_name
        if name is None:
            continue
        if is_detail(name):
            if not _NAMESPACE.search(source.code):
                message = "what is in detail/ is declared in namespace weft::detail"
                yield source.violation(0, "detail", message)
        elif "/" not in name:
            yield from _check_documentation(source)


def _check_documentation(source: Source) -> Iterable[Violation]:
    text = comments(source)
    for closing in _CLOSING.finditer(source.text):
        text = text[: closing.start()] + " " * len(closing[0]) + text[closing.end() :]
    for match in _NAME.finditer(text):
        message = "documentation of a user's header does not name detail"
        yield source.violation(match.start(), "detail", message)
