"""The forms of co_await that g++ 12 compiles right (docs/decisions/002-gxx12-coroutine-rules.md).

A co_await stands in a statement of its own: not inside a braced initializer, a conditional
expression, another call's arguments, a condition or a statement expression. For each one the text
is walked backwards to the beginning of its statement, and every bracket still open on the way is
looked at. And in a statement with a co_await or a co_yield no temporary is made that g++ 12 would
destroy twice: an aggregate, a lambda that captures by value, or what a throw or a new takes.
"""

import dataclasses
import re
from collections.abc import Iterable, Iterator

from source import Source, Violation

# Words after which a parenthesis is not a call.
_CONDITIONS = frozenset("if while switch constexpr".split())
_NOT_A_CALL = _CONDITIONS | frozenset("for return co_return co_yield co_await throw case".split())
# Words after which a brace opens a block.
_BEFORE_BLOCK = frozenset("else do try noexcept mutable const override final".split())

_WORD_BEFORE = re.compile(r"([A-Za-z_]\w*)\s*\Z")
_TRAILING_RETURN = re.compile(
    r"(?:\)|\]|\bmutable\b|\bnoexcept\b)\s*->[^;{}()]*(?:\([^()]*\))?[^;{}()]*\Z"
)
_LAMBDA = re.compile(r"(?<![\w)\]\[])\s*\[([^\[\]]*)\](?=\s*(?:[({<]|->|mutable\b|noexcept\b))")
# By the names of this project a type that may be an aggregate: Title case, or std::array.
_BRACED_TYPE = re.compile(r"\b(?:[A-Z]\w*|std::array)(?:<[^;{}()]*>)?\s*\{")
_BRACED_ARGUMENT = re.compile(r"[(,]\s*\{\s*[^\s}]")
_BRACED_YIELD = re.compile(r"\bco_yield\s*\{\s*[^\s}]")
# A throw that is a part of an expression, or whose expression awaits: not one below a condition.
_THROW = re.compile(r"[?:,(|&]\s*throw\b|\bthrow\b(?=.*\bco_(?:await|yield)\b)", re.DOTALL)
_NEW = re.compile(r"\bnew\b")
_CAST = re.compile(r"\b(?:static|const|reinterpret)_cast\s*<[^()]*>\Z")
_ENDLESS_FOR = re.compile(r"\bfor\s*\(\s*;[^;()]*\bco_await\b")

_OWN = "give it a statement of its own: auto x = co_await …;"


@dataclasses.dataclass(frozen=True)
class Place:
    """The place of a co_await: its statement begins at `start`; `inside`: the forbidden form."""

    start: int
    inside: str | None


def check(sources: list[Source]) -> Iterable[Violation]:
    for source in sources:
        if source.is_cpp:
            yield from _check_source(source)


def _check_source(source: Source) -> Iterable[Violation]:
    code = source.code
    seen = set()
    for match in re.finditer(r"\bco_(await|yield)\b", code):
        if code[: match.start()].rstrip().endswith("operator"):
            continue
        place = locate(code, match.start())
        if place.inside is not None and match.group(1) == "await":
            yield source.violation(
                match.start(), "gxx12", f"co_await inside {place.inside}; {_OWN}"
            )
        if place.start in seen:
            continue
        seen.add(place.start)
        for offset, message in temporaries(code, place.start, _end(code, match.end())):
            yield source.violation(offset, "gxx12", message)
    for match in _ENDLESS_FOR.finditer(code):
        yield source.violation(match.start(), "gxx12", f"co_await inside a condition; {_OWN}")


def locate(code: str, offset: int) -> Place:
    """Returns the statement of the co_await at offset, and the form that g++ 12 breaks, if any."""
    inside = None
    depth = 0
    for position in range(offset - 1, -1, -1):
        char = code[position]
        if char in ")]}":
            if char == "}" and depth == 0 and _ends_a_block(code, position):
                return Place(position + 1, inside)
            depth += 1
        elif depth > 0:
            depth -= char in "([{"
        elif char == ";":
            return Place(position + 1, inside)
        elif char == "{" and _is_block(code, position):
            if code[:position].rstrip().endswith("("):
                inside = inside or "a statement expression"
            return Place(position + 1, inside)
        else:
            inside = inside or _forbidden(code, position, offset)
    return Place(0, inside)


def _forbidden(code: str, position: int, offset: int) -> str | None:
    """Returns the form that the bracket at position, open at the co_await at offset, makes."""
    char = code[position]
    if char == "?":
        return "a conditional expression"
    if char == "[":
        return "brackets"
    if char == "{":
        return "a braced initializer"
    if char == "(":
        word = _word_before(code, position)
        if word in _CONDITIONS and not re.search(r"(?<![=!<>])=(?!=)", code[position:offset]):
            return "a condition"
        if _is_call(code, position):
            return "a call's arguments"
    return None


def temporaries(code: str, start: int, end: int) -> Iterator[tuple[int, str]]:
    """Yields what g++ 12 may destroy twice in a statement from start to end: (offset, message)."""
    advice = "in a co_await or co_yield: name it in a statement before"
    span = list(code[start:end])
    for position in range(end - 1, start - 1, -1):
        if code[position] == "{" and _is_block(code, position):
            _blank_block(span, position - start)
    text = "".join(span)
    for match in _LAMBDA.finditer(text):
        captures = [capture.strip() for capture in match.group(1).split(",")]
        if any(capture and capture[0] != "&" and capture != "this" for capture in captures):
            offset = start + match.start(1)
            yield offset, f"a lambda that captures by value {advice}"
    for match in _BRACED_TYPE.finditer(text):
        yield start + match.start(), f"Type{{…}} {advice} (or write Type(…) if it is no aggregate)"
    for match in _BRACED_ARGUMENT.finditer(text):
        yield start + match.start(), f"a braced argument {advice}"
    for match in _THROW.finditer(text):
        message = "a throw in a co_await or co_yield: throw in a statement of its own"
        yield start + match.end() - len("throw"), message
    for match in _NEW.finditer(text):
        message = "a new in a co_await or co_yield: std::make_unique, or a statement of its own"
        yield start + match.start(), message
    for match in _BRACED_YIELD.finditer(text):
        yield start + match.start(), f"a braced value {advice}"


def _blank_block(span: list[str], begin: int) -> None:
    """Blanks a block. Parentheses replace its braces, which would look like an initializer's."""
    depth = 0
    for position in range(begin, len(span)):
        depth += (span[position] == "{") - (span[position] == "}")
        ends = depth == 0
        if span[position] != "\n":
            span[position] = "(" if position == begin else ")" if ends else " "
        if ends:
            return


def _end(code: str, offset: int) -> int:
    """Returns the end of the full expression with the co_await that ends at offset."""
    depth = 0
    for position in range(offset, len(code)):
        char = code[position]
        if char == ";" and depth == 0:
            return position
        depth += (char in "([{") - (char in ")]}")
        if depth < 0 and char == "}":
            return position
    return len(code)


def _ends_a_block(code: str, position: int) -> bool:
    """Returns whether the brace at position ends a block (so that a statement begins after it)."""
    depth = 0
    for begin in range(position, -1, -1):
        depth += (code[begin] == "}") - (code[begin] == "{")
        if depth == 0:
            # A lambda's body is a block too, but the statement around it goes on after its brace.
            return _is_block(code, begin) and not _is_lambda(code[:begin].rstrip())
    return True


def _is_lambda(before: str) -> bool:
    """Returns whether the text before a block's brace is a lambda's introducer."""
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


def _word_before(code: str, position: int) -> str | None:
    word = _WORD_BEFORE.search(code[max(0, position - 100) : position])
    return word.group(1) if word else None


def _is_call(code: str, position: int) -> bool:
    """Returns whether the parenthesis at position opens a call's arguments, not a group or test."""
    word = _word_before(code, position)
    if word is not None:
        return word not in _NOT_A_CALL
    before = code[max(0, position - 100) : position].rstrip()
    return before.endswith((")", "]", ">", "}")) and not _CAST.search(before)


def _is_block(code: str, position: int) -> bool:
    """Returns whether the brace at position opens a block (of statements or declarations)."""
    before = code[max(0, position - 400) : position].rstrip()
    if before.endswith("("):
        return ";" in code[position : code.find("}", position) + 1]  # a statement expression
    if not before or before[-1] in ";{})]:":
        return not before.endswith("::")
    if before[-1] in "=,?&|<+-*/!":
        return False
    word = _WORD_BEFORE.search(before)
    if word and word.group(1) in _BEFORE_BLOCK:
        return True
    return bool(_TRAILING_RETURN.search(before)) or bool(
        re.search(r"\b(?:namespace|class|struct|union|enum)\b[^;{}()=]*\Z", before)
    )
