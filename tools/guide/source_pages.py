"""A hook of mkdocs: what the chapters link to outside docs/guide becomes part of the site.

Such a file (a header, an example, a decision) gets a page of its own below source/, so that the
rendered guide leads nowhere but into itself. Also orders the chapters for the navigation.
"""

import logging
import os
import pathlib
import posixpath
import re
import shutil
import tempfile

from mkdocs.structure.files import File

ROOT = pathlib.Path(__file__).resolve().parents[2]
GUIDE = "docs/guide"
LINK = re.compile(r"(\]\()([^)#\s:]+)((?:#[^)\s]*)?\))")
CODE = re.compile(r"```.*?```|`[^`\n]*`", re.DOTALL)
LANGUAGES = {".hpp": "cpp", ".cpp": "cpp", ".py": "python", ".md": "markdown", ".cmake": "cmake"}

log = logging.getLogger("mkdocs.plugins.source_pages")
_pages: dict[str, str] = {}  # path in the repository -> path among the documents
_made = pathlib.Path()


def on_config(config):
    names = sorted(path.name for path in (ROOT / GUIDE).glob("*.md"))
    config["nav"] = ["index.md", *(name for name in names if name != "index.md")]
    return config


def on_files(files, config):
    global _made
    _made = pathlib.Path(tempfile.mkdtemp(prefix="weft-guide-"))
    _pages.clear()
    for chapter in sorted((ROOT / GUIDE).glob("*.md")):
        for target in outside(chapter.read_text(), GUIDE):
            _pages[target] = f"source/{target.removesuffix('.md')}.md"
    for target, page in _pages.items():
        path = _made / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source_page(target))
        files.append(File(page, str(_made), config["site_dir"], config["use_directory_urls"]))
    return files


def on_page_markdown(markdown, page, **_):
    source = page.file.src_uri
    if source.startswith("source/"):
        return markdown
    return relink(markdown, GUIDE, posixpath.dirname(source))


def on_post_build(**_):
    shutil.rmtree(_made, ignore_errors=True)


def outside(text: str, folder: str) -> list[str]:
    """The files of the repository, outside the guide, that a text in `folder` links to."""
    found = []
    for match in LINK.finditer(CODE.sub("", text)):
        target = posixpath.normpath(posixpath.join(folder, match.group(2)))
        if not target.startswith(GUIDE) and (ROOT / target).is_file():
            found.append(target)
    return found


def relink(text: str, folder: str, page_folder: str) -> str:
    """Leads links to files outside the guide to their pages, and takes away those without one."""

    def replace(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match.group(2)))
        if target in _pages:
            page = posixpath.relpath(_pages[target], page_folder or ".")
            return f"{match.group(1)}{page})"
        return match.group()

    pieces = re.split(r"(```.*?```)", text, flags=re.DOTALL)
    return "".join(
        piece if index % 2 else LINK.sub(replace, piece) for index, piece in enumerate(pieces)
    )


def source_page(target: str) -> str:
    text = (ROOT / target).read_text()
    suffix = os.path.splitext(target)[1]
    if suffix == ".md":
        # A document: its own links to other places lead out of the guide, so they become text.
        return re.sub(r"\[([^\[\]]+)\]\((?![a-z]+://)[^)]*\)", r"\1", text)
    language = LANGUAGES.get(suffix, "text")
    return f"# `{target}`\n\n~~~~{language}\n{text}~~~~\n"
