#!/usr/bin/env python3
"""The reference by task: groups the public headers, and prepares them for Doxygen.

    reference.py check          whether each public header is in one group of reference.toml
    reference.py settings       what the Doxyfile says of the headers: inputs and hidden symbols
    reference.py groups         the groups with their texts, as a .dox file
    reference.py layout         the layout of Doxygen's pages, from its own on standard input
    reference.py filter FILE    a header as Doxygen should read it (its INPUT_FILTER)

What the filter does: all that a header declares joins the header's group; the comment that opens
the header becomes a section of the group's page; attributes that Doxygen would show are left out.
"""

import dataclasses
import fnmatch
import functools
import pathlib
import re
import sys
import tomllib

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADERS = ROOT / "include" / "weft"
TABLE = pathlib.Path(__file__).resolve().parent / "reference.toml"

_ATTRIBUTE = re.compile(r"\[\[[\w:, ()\"]+\]\] ?")
_NAMESPACE_BEGIN = re.compile(r"namespace [\w:]+ \{$")
_NAMESPACE_END = re.compile(r"\}  // namespace")
_INLINE_NAMESPACE = re.compile(r"inline namespace (\w+) \{$")
_INLINE_PART = re.compile(r"(namespace weft)::inline \w+((?:::\w+)* \{)$")
_CODE_SPAN = re.compile(r"(`[^`]*`)")


@dataclasses.dataclass(frozen=True)
class Group:
    name: str
    title: str
    text: str
    headers: tuple[str, ...]  # as they are now, in the table's order

    @property
    def page(self) -> str:
        """Returns Doxygen's name of its page."""
        return f"group__{self.name.replace('_', '__')}.html"


@dataclasses.dataclass(frozen=True)
class Reference:
    groups: tuple[Group, ...]
    problems: tuple[str, ...]

    def group_of(self, header: str) -> Group | None:
        return next((group for group in self.groups if header in group.headers), None)


@functools.cache
def reference() -> Reference:
    return sort_headers(tomllib.loads(TABLE.read_text()), public_headers())


def public_headers() -> list[str]:
    """Returns all headers except those in detail folders, as names below include/weft."""
    names = (path.relative_to(HEADERS).as_posix() for path in HEADERS.rglob("*.hpp"))
    return sorted(name for name in names if "detail/" not in name)


def sort_headers(table: dict, headers: list[str]) -> Reference:
    """Returns the groups with their headers, and the problems of the table."""
    sections = {group["name"]: group["headers"] for group in table["group"]}
    sections["internal"] = table["internal"]["headers"]
    problems = []
    members: dict[str, list[str]] = {name: [] for name in sections}
    for name, patterns in sections.items():
        for pattern in patterns:
            found = fnmatch.filter(headers, pattern)
            if not found and "/" not in pattern and name != "internal":
                problems.append(f"there is no include/weft/{pattern}, which group '{name}' lists")
            members[name] += [header for header in found if header not in members[name]]
    for header in headers:
        owners = _owners(header, sections, members)
        for owner in owners[1:]:
            members[owner].remove(header)
        if len(owners) != 1:
            names = ", ".join(owners)
            problems.append(f"include/weft/{header} is in {len(owners)} groups ({names})")
    groups = (
        Group(g["name"], g["title"], g["text"].strip(), tuple(members[g["name"]]))
        for g in table["group"]
    )
    return Reference(tuple(groups), tuple(problems))


def _owners(header: str, sections: dict, members: dict) -> list[str]:
    named = [name for name, patterns in sections.items() if header in patterns]
    if named:
        for name in members:
            if name not in named and header in members[name]:
                members[name].remove(header)
        return named
    return [name for name in sections if header in members[name]]


def label_of(header: str) -> str:
    """Returns the name of its section on the group's page."""
    return re.sub(r"\W", "_", header)


def settings() -> str:
    table = tomllib.loads(TABLE.read_text())
    files = [HEADERS / header for group in reference().groups for header in group.headers]
    return "".join(
        [f"INPUT += {path}\n" for path in files],
    ) + "".join(f"EXCLUDE_SYMBOLS += {symbol}\n" for symbol in table["hidden"]["symbols"])


def groups_page() -> str:
    """Returns the groups in the table's order, as a .dox file."""
    lines = []
    for group in reference().groups:
        text = "".join(f"/// {line}\n" for line in group.text.splitlines())
        lines.append(f"/// @defgroup {group.name} {group.title}\n{text}///\n")
    return "\n".join(lines) + "/// @namespace weft\n/// @brief All of weft.\n"


def layout(given: str) -> str:
    """Puts the description first on each page, and functions before classes in a group."""
    for kind in ("group", "class"):
        page = re.search(rf"<{kind}>.*?</{kind}>", given, re.DOTALL)
        text = re.sub(r"\n *<detaileddescription [^\n]*", "", page[0])
        detailed = '<detaileddescription title=""/>'
        text = re.sub(r"(\n *)(<briefdescription )[^\n]*", rf"\1{detailed}", text)
        if kind == "group":
            functions = re.search(r"\n *<functions title[^\n]*", text)[0]
            text = text.replace(functions, "", 1)
            text = text.replace("<memberdecl>", f"<memberdecl>{functions}", 1)
        given = given.replace(page[0], text)
    return given


def filtered(path: pathlib.Path) -> str:
    header = path.resolve().relative_to(HEADERS).as_posix()
    group = reference().group_of(header)
    lines = _without_inline_namespaces(path.read_text().splitlines())
    opening = 0
    while opening < len(lines) and lines[opening].startswith("//"):
        opening += 1
    if group is None:
        return "\n".join(lines)
    source = f"../../source/include/weft/{header}.html"
    top = [
        f"/// @addtogroup {group.name}",
        "///",
        f'/// @section {label_of(header)} &lt;weft/{header}&gt;',
        f'/// <a class="source" href="{source}">source</a>',
        "///",
    ]
    intro = top + _section(lines[:opening])
    rest = _with_noun(lines[opening:], pathlib.PurePath(header).stem, _section(lines[:opening]))
    code = [out for line in rest for out in _line(line, group)]
    return "\n".join([*intro, *code, ""])


def _section(comment: list[str]) -> list[str]:
    """Returns the opening comment as documentation. Its indented lines are examples."""
    out, in_code = [], False
    for line in (line.removeprefix("//") for line in comment):
        is_code = line.startswith("   ")
        if line.strip() and is_code != in_code:
            out.append("/// @code{.cpp}" if is_code else "/// @endcode")
            in_code = is_code
        out.append(f"///{line}" if in_code else f"///{_escaped(line)}")
    if in_code:
        out.append("/// @endcode")
    return out


def _without_inline_namespaces(lines: list[str]) -> list[str]:
    """Removes the inline namespaces that separate versions and modes for the linker."""
    inline, out = set(), []
    for line in lines:
        begin = _INLINE_NAMESPACE.match(line)
        if begin:
            inline.add(begin[1])
        elif not (_NAMESPACE_END.match(line) and line.rpartition(" ")[2] in inline):
            out.append(_INLINE_PART.sub(r"\1\2", line))
    return out


def _with_noun(code: list[str], stem: str, section: list[str]) -> list[str]:
    """Documents the class that a header is named after with the header's opening comment."""
    noun = "".join(part.capitalize() for part in stem.split("_"))
    attribute = r"(?: \[\[\w+\]\])?"
    names = re.compile(rf"(?:class|struct){attribute} {noun}(?: final)?(?: :.*)? \{{", re.I)
    for number, line in enumerate(code):
        if not names.match(line):
            continue
        first = number
        while first and (code[first - 1].startswith(("template", "  requires"))):
            first -= 1
        if first and code[first - 1].startswith("///"):
            break  # it has a comment of its own
        return [*code[:first], *section, *code[first:]]
    return code


def _line(line: str, group: Group) -> list[str]:
    # What a namespace holds joins the group only if that is opened inside of it.
    if _NAMESPACE_BEGIN.match(line):
        return [line, f"/// @addtogroup {group.name}", "/// @{"]
    if _NAMESPACE_END.match(line):
        return ["/// @}", line]
    return [_declaration(line)]


def _declaration(line: str) -> str:
    if line.lstrip().startswith("///"):
        return line if "&lt;" in line else _escaped(line)
    return _ATTRIBUTE.sub("", line)


def _escaped(line: str) -> str:
    """Returns a line of a comment with < and > escaped, except those of ///<."""
    before, mark, text = line.partition("///<")
    if not mark:
        before, text = "", line
    parts = _CODE_SPAN.split(text)
    parts[::2] = [part.replace("<", "&lt;").replace(">", "&gt;") for part in parts[::2]]
    return before + mark + "".join(parts)


def main(arguments: list[str]) -> int:
    match arguments:
        case ["check"]:
            for problem in reference().problems:
                print(f"tools/guide/reference.toml: {problem}")
            return 1 if reference().problems else 0
        case ["settings"]:
            print(settings(), end="")
        case ["groups"]:
            print(groups_page(), end="")
        case ["layout"]:
            print(layout(sys.stdin.read()), end="")
        case ["filter", name]:
            print(filtered(pathlib.Path(name)), end="")
        case _:
            sys.exit(__doc__)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
