#!/usr/bin/env python3
"""The code and the links of documents: code equals its source, links have a target."""

import pathlib
import re
import sys
import unittest

import bounds
from commands import ROOT, SHOWN_BY, commands, commands_of, pages

sys.path.insert(0, str(ROOT / "tools" / "guide"))
import blocks  # noqa: E402

_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")


def documents() -> list[pathlib.Path]:
    found = [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "bench" / "README.md"]
    return sorted(found)


def prose(text: str) -> str:
    """Returns the text without code, in which brackets mean something else."""
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def anchors(text: str) -> set[str]:
    """Returns the anchors of a document's headings."""
    without_blocks = re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    titles = re.findall(r"^#+ +(.+?) *$", without_blocks, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def table_cells(text: str) -> list[list[str]]:
    """Returns the cells of all rows of tables, headings among them."""
    rows = re.findall(r"^\|(.*)\|$", text, re.MULTILINE)
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)] for row in rows]


def without_spaces(code: str) -> str:
    return re.sub(r"\s+", "", code)


class Documents(unittest.TestCase):
    def test_links_lead_somewhere(self):
        for document in documents():
            for link in _LINK.findall(prose(document.read_text())):
                if "://" in link:
                    continue
                path, _, anchor = link.partition("#")
                target = document.parent / path if path else document
                with self.subTest(document=str(document.relative_to(ROOT)), link=link):
                    self.assertTrue(target.exists())
                    if anchor:
                        self.assertIn(anchor, anchors(target.read_text()))

    def test_code_is_that_of_its_source(self):
        for document in documents():
            for block in blocks.blocks_of(document):
                with self.subTest(document=document.name, source=block.path, region=block.region):
                    self.assertEqual(block.shown, block.source(), "tools/guide/blocks.py --fix")

    def test_numbers_of_lines_are_those_of_the_file(self):
        for page in pages():
            for block in blocks.blocks_of(page):
                if not block.numbered:
                    continue
                lines = (ROOT / block.path).read_text().splitlines()
                with self.subTest(page=page.name, source=block.path, region=block.region):
                    for shown in block.shown.splitlines():
                        number, text = int(shown[:3]), shown[3:].strip()
                        self.assertEqual(lines[number - 1].strip(), text)

    def test_all_code_has_a_source(self):
        for page in pages():
            with self.subTest(page=page.name):
                fences = len(re.findall(r"^```(?:cpp|cmake)$", page.read_text(), re.MULTILINE))
                self.assertEqual(fences, len(blocks.blocks_of(page)))

    def test_all_regions_are_shown(self):
        shown = {(b.path, b.region) for page in pages() for b in blocks.blocks_of(page)}
        folders = [ROOT / "examples" / folder for folder in (*SHOWN_BY, "foreign")]
        for source in sorted(file for folder in folders for file in folder.glob("*.[ch]pp")):
            path = str(source.relative_to(ROOT))
            for region in re.findall(r"// \[(\w+)\]\n", source.read_text()):
                with self.subTest(source=path, region=region):
                    self.assertTrue((path, region) in shown, "a region that no page shows")

    def test_code_in_rows_for_users_of_others_is_compiled(self):
        programs = sorted((ROOT / "examples" / "how_to").glob("*.cpp"))
        # Comments that stand alone, or behind two spaces: there is "//" in addresses, too.
        texts = (re.sub(r"^ *//.*$|  //.*$", "", p.read_text(), flags=re.M) for p in programs)
        compiled = without_spaces("\n".join(texts))
        headers = "\n".join(h.read_text() for h in (ROOT / "include").rglob("*.hpp"))
        names = set(re.findall(r"\w+", headers))
        for page in ("from-asio.md", "from-tokio.md"):
            rows = table_cells((ROOT / "docs" / "how-to" / page).read_text())
            shown = [code for row in rows for code in re.findall(r"`([^`]+)`", row[-1])]
            self.assertGreater(len(shown), 100, page)
            for code in shown:
                with self.subTest(page=page, code=code):
                    if bare := re.fullmatch(r"(?:\w+::)*(\w+)(?:\(\))?", code):
                        self.assertIn(bare[1], names, "a name that no public header has")
                    else:
                        self.assertIn(without_spaces(code.replace("\\|", "|")), compiled)

    def test_programs_that_are_run_are_there(self):
        for command in commands():
            if command.program is not None:
                with self.subTest(command=command.line):
                    source = ROOT / "examples" / f"{command.program}.cpp"
                    self.assertTrue(source.exists())

    def test_every_bound_belongs_to_a_command(self):
        typed = {command.typed for command in commands()}
        self.assertEqual(set(bounds.BOUNDS) - typed, set())

    def test_what_a_command_prints_is_marked(self):
        for page in pages():
            with self.subTest(page=page.name):
                printed = len(re.findall(r"^```text$", page.read_text(), re.MULTILINE))
                marked = sum(command.output is not None for command in commands_of(page))
                self.assertEqual(printed, marked)

    def test_no_more_is_shown_than_the_command_lets_through(self):
        for command in commands():
            found = re.search(r"grep -m 1 -B (\d+) -A (\d+) ", command.line)
            if not found:
                continue
            with self.subTest(page=command.page, command=command.line):
                at_most = int(found[1]) + 1 + int(found[2])
                self.assertLessEqual(len(command.output.splitlines()), at_most)

    def test_the_glossary_is_in_order_and_leads_on(self):
        text = (ROOT / "docs" / "guide" / "glossary.md").read_text()
        of_the_book, inside = text.split("## Names inside weft")
        for part in (of_the_book, inside):
            form = r"^\*\*(.+?)\*\*: (.+?)(?=\n\n|\Z)"
            entries = re.findall(form, part, re.DOTALL | re.MULTILINE)
            names = [re.sub(r"[^a-z0-9]", "", name.lower()) for name, _ in entries]
            self.assertGreater(len(names), 10)
            self.assertEqual(names, sorted(set(names)))
            for name, meaning in entries:
                with self.subTest(name=name):
                    self.assertEqual(len(_LINK.findall(meaning)), 1)
        # That a link's page has its section is tested with all links.
        self.assertNotRegex(of_the_book, r"\]\([^)#]*\)", "to a section, not to a page")

    def test_images_are_read_in_light_and_dark(self):
        for image in (ROOT / "docs").rglob("*.svg"):
            with self.subTest(image=image.name):
                text = image.read_text()
                self.assertIn("prefers-color-scheme: dark", text)
                self.assertIn("<title>", text)


if __name__ == "__main__":
    unittest.main()
