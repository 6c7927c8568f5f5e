#!/usr/bin/env python3
"""The guide renders, and the site leads nowhere but into itself and to addresses on the web."""

import html.parser
import pathlib
import shutil
import subprocess
import tempfile
import unittest
import urllib.parse

from commands import ROOT, chapters


class Page(html.parser.HTMLParser):
    """What a page links to, what it loads, and the names in it that can be linked to."""

    def __init__(self, path: pathlib.Path):
        super().__init__()
        self.links: list[str] = []
        self.loads: list[str] = []
        self.names: set[str] = set()
        self.feed(path.read_text())

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if "id" in attributes:
            self.names.add(attributes["id"])
        if tag == "a" and "href" in attributes:
            self.links.append(attributes["href"])
        if tag == "link":
            self.loads.append(attributes["href"])
        if "src" in attributes:
            self.loads.append(attributes["src"])


@unittest.skipUnless(shutil.which("mkdocs"), "mkdocs is not installed")
class Site(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.root = pathlib.Path(scratch.name).resolve()
        command = [ROOT / "tools" / "guide" / "build", cls.root]
        cls.built = subprocess.run(command, capture_output=True, text=True)
        cls.pages = {path: Page(path) for path in cls.root.rglob("*.html")}

    def test_it_renders(self):
        self.assertEqual(self.built.returncode, 0, self.built.stderr)
        self.assertEqual(self.built.stderr, "")

    def test_every_chapter_is_there_and_in_the_navigation(self):
        front = (self.root / "index.html").read_text()
        for chapter in chapters():
            with self.subTest(chapter=chapter.name):
                page = chapter.with_suffix(".html").name
                self.assertTrue((self.root / page).exists())
                if page != "index.html":
                    self.assertIn(f'href="{page}"', front)

    def test_links_lead_somewhere(self):
        for path, page in self.pages.items():
            for link in page.links:
                url = urllib.parse.urlsplit(link)
                if url.scheme:
                    continue
                target = (path.parent / urllib.parse.unquote(url.path)).resolve()
                target = path if not url.path else target
                with self.subTest(page=str(path.relative_to(self.root)), link=link):
                    self.assertTrue(target in self.pages, "there is no such page")
                    if url.fragment:
                        self.assertIn(url.fragment, self.pages[target].names)

    def test_it_loads_nothing_from_elsewhere(self):
        for path, page in self.pages.items():
            for source in page.loads:
                with self.subTest(page=str(path.relative_to(self.root)), source=source):
                    self.assertNotIn("//", source)
                    self.assertTrue((path.parent / source).exists())


if __name__ == "__main__":
    unittest.main()
