"""The limits of files, functions and lines.

Functions are found by matching braces, which is sufficient for code that clang-format has laid out.
A brace opens a function if it is in a namespace or a class and the text before it, back to the last
`;` or brace, has a closed parenthesis.
"""

import ast
import re
from collections.abc import Iterable

from source import Source, Violation

FILE_LINES = 400
TEST_FILE_LINES = 600
FUNCTION_LINES = 70
COLUMNS = 100

TABLE = "tools/tidy/exceptions.toml"

_NOT_CODE = (".md", ".txt", ".json", ".toml", ".cmake", ".csv", ".html")
_SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern|concept)\b")
_FUNCTION = re.compile(r"\)")


def check(sources: list[Source], exceptions: dict) -> Iterable[Violation]:
    files = {entry["path"]: entry for entry in exceptions.get("file", [])}
    functions = exceptions.get("function", [])
    for source in sources:
        if source.path.endswith(_NOT_CODE):
            continue
        yield from _check_file(source, files.pop(source.path, None))
        yield from _check_columns(source)
        yield from _check_functions(source, functions)
    for path in files:
        yield Violation(TABLE, 1, "exception", f"{path} is not there any more")
    for entry in functions:
        if not entry.get("used"):
            where = f"{entry['path']}: {entry['name']}"
            yield Violation(TABLE, 1, "exception", f"{where} needs no exception")


def _check_file(source: Source, exception: dict | None) -> Iterable[Violation]:
    limit = TEST_FILE_LINES if source.is_test else FILE_LINES
    if exception is not None:
        if len(source.lines) <= limit:
            yield source.violation(0, "exception", "needs no exception for its length any more")
        limit = exception["lines"]
    if len(source.lines) > limit:
        message = f"{len(source.lines)} lines, at most {limit}"
        yield Violation(source.path, limit + 1, "file-size", message)


def _check_columns(source: Source) -> Iterable[Violation]:
    for number, line in enumerate(source.lines, 1):
        if len(line) > COLUMNS:
            message = f"{len(line)} columns, at most {COLUMNS}"
            yield Violation(source.path, number, "columns", message)


def _check_functions(source: Source, exceptions: list[dict]) -> Iterable[Violation]:
    for start, end, head in functions(source):
        length = end - start + 1
        limit = FUNCTION_LINES
        for entry in exceptions:
            if entry["path"] == source.path and entry["name"] in head and length > limit:
                entry["used"] = True
                limit = entry["lines"]
        if length > limit:
            message = f"function of {length} lines, at most {limit}: {head[:60]}"
            yield Violation(source.path, start, "function-size", message)


def functions(source: Source) -> list[tuple[int, int, str]]:
    """Returns the functions of a file: (first line, last line, first words)."""
    if source.path.endswith(".py"):
        return _python_functions(source)
    return _cpp_functions(source) if source.is_cpp else []


def _python_functions(source: Source) -> list[tuple[int, int, str]]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = (node for node in ast.walk(ast.parse(source.text)) if isinstance(node, kinds))
    return [(node.lineno, node.end_lineno or node.lineno, f"def {node.name}") for node in nodes]


def _without_directives(code: str) -> str:
    """Blanks preprocessor lines (a macro's braces need not match)."""
    directive = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
    return directive.sub(lambda match: re.sub(r"[^\n]", " ", match.group()), code)


def _cpp_functions(source: Source) -> list[tuple[int, int, str]]:
    code = _without_directives(source.code)
    found = []
    open_braces: list[tuple[str, int, str]] = []  # kind, offset of the head, head
    head_start = 0
    for match in re.finditer(r"[;{}]", code):
        position = match.start()
        if match.group() == "{":
            raw = code[head_start:position]
            head = raw.strip()
            inside = any(kind == "function" for kind, _, _ in open_braces)
            kind = "other" if inside else _kind(head)
            offset = head_start + len(raw) - len(raw.lstrip())
            open_braces.append((kind, offset, " ".join(head.split())))
        elif match.group() == "}" and open_braces:
            kind, offset, head = open_braces.pop()
            if kind == "function":
                found.append((source.line_at(offset), source.line_at(position), head))
        head_start = position + 1
    return found


def _kind(head: str) -> str:
    # A template's parameter list names classes too, and a function may return `struct stat`.
    bare = re.sub(r"<[^<>()]*>", "", re.sub(r"<[^<>()]*>", "", head))
    bare = re.sub(r"^\s*((public|private|protected)\s*:|template\b)\s*", "", bare).strip()
    if _SCOPE.match(bare) or (_SCOPE.search(bare) and not _FUNCTION.search(bare)):
        return "scope"
    return "function" if _FUNCTION.search(bare) else "other"
