#!/usr/bin/env python3
"""The data of the site's search: a script, since a page opened as a file cannot fetch data.

    search_data.py SITE [XML]      writes SITE/search-data.js, from SITE's pages and Doxygen's XML

An entry is a section of a page, or a name of the reference.
"""

import html.parser
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as ElementTree

DOORS = {
    "start": "Start",
    "how-to": "How-to",
    "reference": "Reference",
    "explanation": "Explanation",
}
NOT_SEARCHED = ("source/", "reference/api/")
API = "reference/api"
HEADINGS = ("h1", "h2", "h3")


class Sections(html.parser.HTMLParser):
    """The text of a page's main part, split at its headings."""

    def __init__(self, text: str):
        super().__init__()
        self.door = ""
        self.sections: list[dict] = []  # title, anchor, text
        self._in_main = False
        self._in_heading = False
        self._skipped = 0  # depth within the navigation at the end
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "main":
            self._in_main = True
            self.door = attributes.get("data-door", "")
        elif tag == "nav":
            self._skipped += 1
        elif self._in_main and tag in HEADINGS:
            self._in_heading = True
            self.sections.append({"title": "", "anchor": attributes.get("id", ""), "text": ""})
        elif self.sections and tag in ("p", "li", "td", "th", "pre", "br"):
            self.sections[-1]["text"] += " "

    def handle_endtag(self, tag):
        if tag == "main":
            self._in_main = False
        elif tag == "nav":
            self._skipped -= 1
        elif tag in HEADINGS:
            self._in_heading = False

    def handle_data(self, data):
        if self._in_main and self.sections and not self._skipped:
            self.sections[-1]["title" if self._in_heading else "text"] += data


def one_line(text: str) -> str:
    return " ".join(text.split())


def page_entries(site: pathlib.Path) -> list[dict]:
    entries = []
    for path in sorted(site.rglob("*.html")):
        name = path.relative_to(site).as_posix()
        if name.startswith(NOT_SEARCHED):
            continue
        page = Sections(path.read_text())
        for number, section in enumerate(page.sections):
            anchor = f"#{section['anchor']}" if number and section["anchor"] else ""
            entries.append(
                {
                    "title": one_line(section["title"]),
                    "page": one_line(page.sections[0]["title"]),
                    "url": name + anchor,
                    "door": DOORS.get(page.door, "weft"),
                    "text": one_line(section["text"]),
                }
            )
    return entries


def api_entries(xml: pathlib.Path) -> list[dict]:
    entries = []
    for path in sorted(xml.glob("*.xml")):
        for compound in ElementTree.parse(path).getroot().iter("compounddef"):
            if compound.get("kind") in ("class", "struct", "group", "concept"):
                entries += compound_entries(compound)
    return entries


def compound_entries(compound: ElementTree.Element) -> list[dict]:
    is_group = compound.get("kind") == "group"
    name = compound.findtext("title" if is_group else "compoundname")
    page = f"{API}/{compound.get('id')}.html"
    entries = [api_entry(name, "Reference" if is_group else compound.get("kind"), page, compound)]
    for member in compound.iter("memberdef"):
        text = described(member)
        if not text or member.get("prot") != "public":
            continue
        # Members of a namespace are documented in their group, those of a class with it.
        file, _, anchor = member.get("id").rpartition("_1")
        if f"{API}/{file}.html" == page:
            title = member_title(member)
            entries.append(api_entry(title, name, f"{page}#{anchor}", member))
    return entries


def member_title(member: ElementTree.Element) -> str:
    """Returns a user's name for it, without weft::. A group also defines members of classes."""
    return short(member.findtext("qualifiedname") or member.findtext("name"))


def short(name: str) -> str:
    return re.sub(r"<[^<>]*>", "", name).replace(" ", "").removeprefix("weft::")


def described(element: ElementTree.Element) -> str:
    parts = (element.find(tag) for tag in ("briefdescription", "detaileddescription"))
    return one_line(" ".join("".join(part.itertext()) for part in parts if part is not None))


def api_entry(title: str, page: str, url: str, element: ElementTree.Element) -> dict:
    text = described(element)
    if element.get("kind") == "group":
        text = text[:600]
    return {"title": title, "page": page, "url": url, "door": "Reference", "text": text}


def main(arguments: list[str]) -> None:
    if len(arguments) not in (1, 2):
        sys.exit(__doc__)
    site = pathlib.Path(arguments[0])
    entries = page_entries(site)
    if len(arguments) == 2:
        entries += api_entries(pathlib.Path(arguments[1]))
    data = json.dumps(entries, ensure_ascii=False, separators=(",", ":"))
    (site / "search-data.js").write_text(f"window.weftSearchData = {data};\n")


if __name__ == "__main__":
    main(sys.argv[1:])
