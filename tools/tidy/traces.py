"""SCOPED_TRACE stands in no coroutine.

googletest keeps the traces of each thread in a list of that thread. A coroutine that goes on on
another thread would remove its trace from a list that does not have it.
"""

import re
from collections.abc import Iterable, Iterator

from source import Source, Violation

_TOKEN = re.compile(r"[{}]|\bSCOPED_TRACE\b|\bco_(?:await|return|yield)\b")
_GROUP = r"\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)"
_STATEMENT = re.compile(rf"\b(?:for|if|while|switch)\s*(?:constexpr\s*)?{_GROUP}\s*\Z")
_FUNCTION = re.compile(
    r"(?:\)|\])\s*(?:(?:const|mutable|noexcept|override)\s*)*(?:->[^;{}()]*)?\Z"
)


def check(sources: list[Source]) -> Iterable[Violation]:
    for source in sources:
        if source.is_cpp and "SCOPED_TRACE" in source.code:
            for offset in _in_coroutines(source.code):
                message = "SCOPED_TRACE in a coroutine, which may go on on another thread"
                yield source.violation(offset, "trace", message)


def _in_coroutines(code: str) -> Iterator[int]:
    functions = [0]  # the innermost function of each open brace, by where it begins
    coroutines = set()
    traces = []
    for match in _TOKEN.finditer(code):
        token = match.group()
        if token == "{":
            before = code[max(0, match.start() - 400) : match.start()]
            begins = _FUNCTION.search(before) and not _STATEMENT.search(before)
            functions.append(match.start() if begins else functions[-1])
        elif token == "}":
            if len(functions) > 1:
                functions.pop()
        elif token == "SCOPED_TRACE":
            traces.append((functions[-1], match.start()))
        else:
            coroutines.add(functions[-1])
    return (offset for function, offset in traces if function in coroutines)
