#!/usr/bin/env python3
"""Removes dead links from Doxygen's pages, and keeps their texts.

    dead_links.py DIRECTORY     the folder of its pages

Doxygen 1.9.4 summarizes sections that a page does not have, and lists concepts and friends without
a page.
"""

import pathlib
import re
import sys

_LINK = re.compile(r'<a (?P<before>[^>]*)href="(?P<to>[^"]*)"[^>]*>(?P<text>.*?)</a>', re.DOTALL)
_NAME = re.compile(r'\b(?:id|name)="([^"]+)"')


def main(arguments: list[str]) -> None:
    if len(arguments) != 1:
        sys.exit(__doc__)
    folder = pathlib.Path(arguments[0])
    texts = {path.name: path.read_text() for path in folder.glob("*.html")}
    names = {page: set(_NAME.findall(text)) for page, text in texts.items()}

    def leads_somewhere(page: str, link: str) -> bool:
        if ":" in link or "/" in link:  # out of Doxygen's pages: not its doing
            return True
        target, _, name = link.partition("#")
        target = target or page
        return target in names and (not name or name in names[target])

    for page, text in texts.items():
        kept = _LINK.sub(
            lambda link: link[0] if leads_somewhere(page, link["to"]) else link["text"], text
        )
        if kept != text:
            (folder / page).write_text(kept)


if __name__ == "__main__":
    main(sys.argv[1:])
