#!/usr/bin/env python3
"""The site renders, and leads nowhere but into itself and to addresses on the web.

    site_test.py             what is made of docs/ alone
    site_test.py --whole     with the reference and the search, which needs more to be installed
"""

import html.parser
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest
import urllib.parse

import browser
import stepper_test
from commands import DOCS, ROOT

DOORS = ("start", "how-to", "reference", "explanation")
WHOLE = "--whole" in sys.argv
NEEDED = ("mkdocs", "doxygen", "npm") if WHOLE else ("mkdocs",)
FOUND = "[...document.querySelectorAll('#found a')].map(link => link.href)"
MISSING = [tool for tool in NEEDED if shutil.which(tool) is None]


class Page(html.parser.HTMLParser):
    """The links of a page, the resources it loads, and its anchors."""

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


@unittest.skipIf(MISSING, f"not installed: {', '.join(MISSING)}")
class Site(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.root = pathlib.Path(scratch.name).resolve()
        how = [] if WHOLE else ["--pages"]
        command = [ROOT / "tools" / "guide" / "build", *how, cls.root]
        cls.built = subprocess.run(command, capture_output=True, text=True)
        cls.pages = {path: Page(path) for path in cls.root.rglob("*.html")}

    def test_it_renders(self):
        self.assertEqual(self.built.returncode, 0, self.built.stderr)
        self.assertEqual(self.built.stderr, "")

    def test_every_page_is_there_and_beside_those_of_its_door(self):
        for page in DOCS.rglob("*.md"):
            name = page.relative_to(DOCS).with_suffix(".html").as_posix()
            with self.subTest(page=name):
                self.assertTrue((self.root / name).exists())
                front = self.pages[self.root / "explanation" / "index.html"]
                door = name.partition("/")[0]
                if door in DOORS:
                    front = self.pages[self.root / door / "index.html"]
                if name != "index.html":
                    self.assertIn(f"../{name}", front.links)

    def test_every_page_has_the_four_doors(self):
        for path, page in self.pages.items():
            with self.subTest(page=str(path.relative_to(self.root))):
                led_to = {(path.parent / link).resolve() for link in page.links if "#" not in link}
                for door in DOORS:
                    self.assertIn(self.root / door / "index.html", led_to)

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

    @unittest.skipUnless(WHOLE, "only the whole site has a reference")
    def test_names_lead_to_the_reference(self):
        """Recipes link weft's names. The book links only weft:: names: its poll() is a call."""
        recipe = self.pages[self.root / "how-to" / "timeouts.html"]
        book = self.pages[self.root / "guide" / "03-event-queues-and-system-calls.html"]
        self.assertTrue(any("api/group__time.html#" in link for link in recipe.links))
        self.assertFalse(any("api/classweft_1_1EventQueue.html#" in link for link in book.links))

    @unittest.skipUnless(WHOLE, "a browser is tried with the whole site")
    @unittest.skipUnless(browser.is_installed(), "no chromium is installed")
    def test_the_stepper_goes_forward_and_back(self):
        """In a browser, from a file: by button and by key, to the end and back to the start."""
        page = (self.root / "guide" / "stepper" / "index.html").as_uri()
        steps = stepper_test.wake_up()["steps"]
        shown = "document.querySelector('#says').textContent"
        lit = "document.querySelector('#code [aria-current]')?.textContent ?? ''"
        part = "document.querySelector('#parts [aria-current]')?.dataset.part ?? ''"
        queue = "document.querySelector('[data-box=\"executor.queue\"] dd').textContent"
        everything = "document.querySelector('#parts').textContent"
        with browser.Browser() as tab:
            tab.open(page)
            seen = [tab.wait_for(everything)]
            for number, step in enumerate(steps, 1):
                with self.subTest(step=number):
                    tab.click("#next") if number % 2 else tab.press("ArrowRight")
                    self.assertEqual(tab.value_of(shown), step["says"])
                    self.assertEqual(tab.value_of(part), step["part"])
                    code = stepper_test.wake_up()["code"][step["line"] - 1]
                    self.assertEqual(tab.value_of(lit), code)
                    for task in step["sets"].get("executor.queue", []):
                        self.assertEqual(tab.value_of(queue), task)
                    seen.append(tab.value_of(everything))
            self.assertTrue(tab.value_of("document.querySelector('#next').disabled"))
            for number in reversed(range(len(steps))):
                tab.press("ArrowLeft") if number % 2 else tab.click("#back")
                self.assertEqual(tab.value_of(everything), seen[number])
            tab.press("End")
            self.assertEqual(tab.value_of(everything), seen[-1])
            tab.press("Home")
            self.assertEqual(tab.value_of(everything), seen[0])
            tab.open(page + "#3")
            self.assertEqual(tab.wait_for(shown), steps[2]["says"])
            self.assertEqual(tab.errors, [])

    @unittest.skipUnless(WHOLE, "only the whole site can be searched")
    @unittest.skipUnless(browser.is_installed(), "no chromium is installed")
    def test_search_works_from_files(self):
        """Searches in pages that were opened as files, from a page of each kind."""
        expected = {
            "index.html": ("stuck worker", "decisions/"),
            "guide/05-fibers.html": ("graceful shutdown", "how-to/"),
            "reference/api/group__sync.html": ("try_acquire", "reference/api/"),
        }
        with browser.Browser() as tab:
            for page, (query, folder) in expected.items():
                with self.subTest(page=page, query=query):
                    tab.open((self.root / page).as_uri())
                    tab.type_into("#search", query)
                    links = tab.wait_for(FOUND)
                    inside = [link.removeprefix(self.root.as_uri() + "/") for link in links]
                    self.assertTrue(any(link.startswith(folder) for link in inside[:3]), inside)
                    for link in inside:
                        self.assertTrue((self.root / link.partition("#")[0]).exists(), link)
                    self.assertEqual(tab.errors, [])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
