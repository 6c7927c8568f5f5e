#!/usr/bin/env python3
"""Links the names of weft that pages write as code to their places in the reference.

    link_names.py SITE XML      changes SITE's pages; XML: Doxygen's

It links the first occurrence on a page. In recipes a bare `timeout()` is weft's. The book
also names system calls and functions of other languages, so there a name needs `weft::`.
"""

import html
import pathlib
import posixpath
import re
import sys
import xml.etree.ElementTree as ElementTree

import search_data

MEAN_WEFT = ("start/", "how-to/", "reference/")
ALSO = ("guide/", "explanation/")
NEVER_INSIDE = ("a", "pre", "h1", "h2", "h3")

_TAG = re.compile(r"(<[^>]*>)")
_NAME = re.compile(r"(?P<weft>weft::)?(?P<name>\w+(?:::~?\w+)*)(?:<[^<>]*>)?(?:\([^()]*\))?")


def places(xml: pathlib.Path) -> dict[str, str]:
    """Name without weft:: -> its place in the site. The first of several of one name."""
    found: dict[str, str] = {}
    for path in sorted(xml.glob("*.xml")):
        for compound in ElementTree.parse(path).getroot().iter("compounddef"):
            if compound.get("kind") not in ("class", "struct", "group", "concept"):
                continue
            for entry in search_data.compound_entries(compound):
                name = search_data.short(entry["title"])
                if re.fullmatch(r"[\w:~]+", name):
                    found.setdefault(name, entry["url"])
    return found


def linked(text: str, folder: str, found: dict[str, str], means_weft: bool) -> str:
    pieces = _TAG.split(text)
    inside: list[str] = []
    named: set[str] = set()
    in_main = False
    for number, piece in enumerate(pieces):
        tag = re.match(r"</?(\w+)", piece) if number % 2 else None
        if tag is None:
            continue
        if tag[1] == "main":
            in_main = not piece.startswith("</")
        elif tag[1] in NEVER_INSIDE:
            if piece.startswith("</"):
                inside.pop()
            else:
                inside.append(tag[1])
        elif piece == "<code>" and in_main and not inside:
            place = place_of(html.unescape(pieces[number + 1]), found, means_weft)
            if place is not None and place not in named and pieces[number + 2] == "</code>":
                named.add(place)
                pieces[number] = f'<a href="{posixpath.relpath(place, folder or ".")}"><code>'
                pieces[number + 2] = "</code></a>"
    return "".join(pieces)


def place_of(code: str, found: dict[str, str], means_weft: bool) -> str | None:
    match = _NAME.fullmatch(code)
    if match is None or not (means_weft or match["weft"]):
        return None
    return found.get(match["name"])


def main(arguments: list[str]) -> None:
    if len(arguments) != 2:
        sys.exit(__doc__)
    site, xml = map(pathlib.Path, arguments)
    found = places(xml)
    for path in sorted(site.rglob("*.html")):
        page = path.relative_to(site).as_posix()
        if page.startswith((*MEAN_WEFT, *ALSO)) and not page.startswith(search_data.API):
            text = path.read_text()
            folder = posixpath.dirname(page)
            path.write_text(linked(text, folder, found, page.startswith(MEAN_WEFT)))


if __name__ == "__main__":
    main(sys.argv[1:])
