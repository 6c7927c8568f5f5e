"""Returns the prose of a file: its comments and docstrings, or the whole of a document.

The result has the length of the file. All other text, and the marks of a comment, are spaces. So a
position in it is one in the file, and a sentence that spans several lines can be matched.
"""

import ast
import functools
import io
import re
import tokenize

from source import TOKEN, Source

_MARKS = re.compile(r"^[ \t]*(?://[/!]?<?|/\*[*!]?<?|\*(?!/))|\*/\Z", re.M)
_WORD_OR_QUOTE = re.compile(r"""'[^']*'|"(?:\\.|[^"\\])*"|\\.|(?P<comment>(?<!\S)#.*)|.""")
_SHELLS = re.compile(r"#!.*\b(?:ba|da)?sh\b")


@functools.cache
def comments(source: Source) -> str:
    """Returns the file's prose in place; for an unknown kind of file, spaces alone."""
    text = source.text
    kept = bytearray(len(text))  # one a character: whether it is prose
    for start, end in _spans(source):
        kept[start:end] = b"\1" * (end - start)
    return "".join(char if keep or char == "\n" else " " for char, keep in zip(text, kept))


def is_python(source: Source) -> bool:
    return source.path.endswith(".py") or bool(re.match(r"#!.*\bpython3?\b", source.text))


def is_shell(source: Source) -> bool:
    """Finds the comments of shell, or of awk, which have the same form."""
    return source.path.endswith((".sh", ".awk")) or bool(_SHELLS.match(source.text))


def _spans(source: Source) -> list[tuple[int, int]]:
    if source.path.endswith(".md"):
        return [(0, len(source.text))]
    if source.is_cpp:
        return _cpp(source.text)
    if is_python(source):
        return _python(source.text)
    return _shell(source.text) if is_shell(source) else []


def _cpp(text: str) -> list[tuple[int, int]]:
    spans = []
    for match in TOKEN.finditer(text):
        if match.lastgroup in ("line_comment", "block_comment"):
            spans += _without_marks(match.start(), match.group())
    return spans


def _without_marks(start: int, comment: str) -> list[tuple[int, int]]:
    spans = []
    position = 0
    for mark in _MARKS.finditer(comment):
        spans.append((start + position, start + mark.start()))
        position = mark.end()
    return [*spans, (start + position, start + len(comment))]


def _python(text: str) -> list[tuple[int, int]]:
    starts = _line_starts(text)
    spans = []
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            line, column = token.start
            spans.append((starts[line - 1] + column + 1, starts[line - 1] + token.end[1]))
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None:
            docstring = node.body[0]
            spans.append((starts[docstring.lineno - 1], starts[docstring.end_lineno]))
    return spans


def _shell(text: str) -> list[tuple[int, int]]:
    starts = _line_starts(text)
    spans = []
    for number, line in enumerate(text.split("\n")):
        for match in _WORD_OR_QUOTE.finditer(line):
            if match["comment"]:
                spans.append((starts[number] + match.start() + 1, starts[number] + match.end()))
    return spans


def _line_starts(text: str) -> list[int]:
    """Returns the offset of each line, and that of the end."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    starts[-1] = len(text)
    return starts
