"""The forms of co_await that g++ 12 compiles right (docs/decisions/002-gxx12-coroutine-rules.md).

Every co_await stands in its own statement: not inside a braced initializer, a conditional
expression, another call's arguments or a statement expression. For each one the text is walked
backwards to the beginning of its statement, and every bracket still open on the way is looked at.
"""

import re
from collections.abc import Iterable

from source import Source, Violation

# Words after which a parenthesis is not a call.
_NOT_A_CALL = frozenset(
    "if while switch for return co_return co_yield co_await throw case constexpr".split()
)
# Words after which a brace opens a block.
_BEFORE_BLOCK = frozenset("else do try noexcept mutable const override final".split())

_WORD_BEFORE = re.compile(r"([A-Za-z_]\w*)\s*\Z")
_TRAILING_RETURN = re.compile(
    r"(?:\)|\]|\bmutable\b|\bnoexcept\b)\s*->[^;{}()]*(?:\([^()]*\))?[^;{}()]*\Z"
)
_BRACED_OPERAND = re.compile(r"\bco_await\s+(?:::)?[A-Za-z_][\w:]*(?:<[^;{}()]*>)?\s*\{(?!\s*\})")

ADVICE = "give it a statement of its own: auto x = co_await …;"


def check(sources: list[Source]) -> Iterable[Violation]:
    for source in sources:
        if source.is_cpp:
            yield from _check_source(source)


def _check_source(source: Source) -> Iterable[Violation]:
    code = source.code
    for match in re.finditer(r"\bco_await\b", code):
        if code[: match.start()].rstrip().endswith("operator"):
            continue
        found = enclosing(code, match.start())
        if found is not None:
            yield source.violation(match.start(), "gxx12", f"co_await inside {found}; {ADVICE}")
    for match in _BRACED_OPERAND.finditer(code):
        yield source.violation(
            match.start(), "gxx12", "co_await Type{…}: name the operand in a statement before"
        )


def enclosing(code: str, offset: int) -> str | None:
    """What the co_await at offset is inside of, if that is a form g++ 12 gets wrong; else None."""
    depth = 0
    for position in range(offset - 1, -1, -1):
        char = code[position]
        if char in ")]}":
            if char == "}" and depth == 0 and _ends_a_block(code, position):
                return None
            depth += 1
        elif depth > 0:
            depth -= char in "([{"
        elif char == ";":
            return None
        elif char == "?":
            return "a conditional expression"
        elif char == "[":
            return "brackets"
        elif char == "(" and _is_call(code, position):
            return "a call's arguments"
        elif char == "{":
            return _brace(code, position)
    return None


def _ends_a_block(code: str, position: int) -> bool:
    """Whether the closing brace at position ends a block (so that a statement begins after it)."""
    depth = 0
    for begin in range(position, -1, -1):
        depth += (code[begin] == "}") - (code[begin] == "{")
        if depth == 0:
            before = code[:begin].rstrip()
            # A lambda's body is a block too, but the statement around it goes on after its brace.
            return _is_block(code, begin) and not _is_lambda(before)
    return True


def _is_lambda(before: str) -> bool:
    """Whether the text before a block's brace is a lambda's introducer."""
    text = re.sub(r"->[^;{}()\[\]]*\Z", "", before).rstrip()
    text = re.sub(r"(?:\b(?:mutable|noexcept|constexpr)\s*)+\Z", "", text).rstrip()
    if text.endswith(")"):
        depth = 0
        for position in range(len(text) - 1, -1, -1):
            depth += (text[position] == ")") - (text[position] == "(")
            if depth == 0:
                text = text[:position].rstrip()
                break
    return text.endswith("]")


def _is_call(code: str, position: int) -> bool:
    """Whether the parenthesis at position opens a call's arguments rather than groups or tests."""
    before = code[max(0, position - 200) : position].rstrip()
    word = _WORD_BEFORE.search(before)
    if word:
        return word.group(1) not in _NOT_A_CALL
    return before.endswith((")", "]", ">", "}")) and not before.endswith("->")


def _is_block(code: str, position: int) -> bool:
    before = code[max(0, position - 400) : position].rstrip()
    if not before or before[-1] in ";{})]:":
        return not before.endswith("::")
    if before[-1] in "(=,?&|<+-*/!":
        return False
    word = _WORD_BEFORE.search(before)
    if word and word.group(1) in _BEFORE_BLOCK:
        return True
    return bool(_TRAILING_RETURN.search(before)) or bool(
        re.search(r"\b(?:namespace|class|struct|union|enum)\b[^;{}()=]*\Z", before)
    )


def _brace(code: str, position: int) -> str | None:
    if code[:position].rstrip().endswith("("):
        return "a statement expression or a braced argument"
    return None if _is_block(code, position) else "a braced initializer"
