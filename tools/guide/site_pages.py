"""A hook of mkdocs: orders the site's pages in four sections, and makes the site self-contained.

Files outside docs/ that pages link to (a header, an example, another document) become part of the
site: each gets a page below source/, so that every link stays inside the site. A link to a public
header leads to its place in the reference, if that is built (WEFT_SITE_REFERENCE=FOLDER: where to
put the frame of Doxygen's pages). A page that is written as HTML (the stepper) stays as it is, but
for its links to documents.
"""

import html
import logging
import os
import pathlib
import posixpath
import re
import shutil
import sys
import tempfile

from mkdocs.structure.files import File

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import api_frame  # noqa: E402
import reference  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
API = "reference/api"
HAS_REFERENCE = "WEFT_SITE_REFERENCE" in os.environ

LINK = re.compile(r"(?<!!)\[((?:[^\[\]]|\[[^\]]*\])*)\]\(([^)#\s:]+)((?:#[^)\s]*)?)\)")
CODE = re.compile(r"(```.*?```|`[^`\n]*`)", re.DOTALL)
# In a page that is written as HTML: its links lead to documents, which on the site are pages.
_PAGE_LINK = re.compile(r'href="([^":]+)\.md(#[^"]*)?"')
LANGUAGES = {".hpp": "cpp", ".cpp": "cpp", ".py": "python", ".md": "markdown", ".cmake": "cmake"}
MORE_LANGUAGES = {"CMakeLists.txt": "cmake"}

DOORS = (
    ("start", "Start"),
    ("how-to", "How-to"),
    ("reference", "Reference"),
    ("explanation", "Explanation"),
)
# Folders behind a door that is named otherwise.
BEHIND = {"guide": "explanation", "solutions": "explanation", "decisions": "explanation"}

log = logging.getLogger("mkdocs.plugins.site_pages")
_sources: dict[str, str] = {}  # path in the repository -> path among the documents
_made = pathlib.Path()


def on_config(config):
    config["nav"] = ["index.md", *(page for door, _ in DOORS for page in pages_of(door))]
    config["extra"].update(doors=DOORS, door_of=door_of, parts_of=parts_of)
    return config


def on_env(env, **_):
    if HAS_REFERENCE:
        template = env.get_template("frame.html")
        frame = template.render(root=api_frame.ROOT, doors=DOORS, here="reference")
        pages = part("", folder_pages("reference"))["pages"]
        api_frame.write(pathlib.Path(os.environ["WEFT_SITE_REFERENCE"]), frame, pages)


def pages_of(door: str) -> list[str]:
    folders = [door, *(folder for folder, at in BEHIND.items() if at == door)]
    return [page for folder in folders for page in folder_pages(folder)]


def folder_pages(folder: str) -> list[str]:
    """Returns its pages in the order of its index, or by name if there is no index."""
    names = sorted(path.name for path in (DOCS / folder).glob("*.md"))
    if "index.md" in names:
        text = CODE.sub("", (DOCS / folder / "index.md").read_text())
        linked = [match[2] for match in LINK.finditer(text)]
        names.sort(key=lambda n: (n != "index.md", linked.index(n) if n in linked else len(linked)))
    return [f"{folder}/{name}" for name in names]


def door_of(page: str) -> str:
    folder = page.partition("/")[0]
    return BEHIND.get(folder, folder)


def parts_of(door: str) -> list[dict]:
    """Returns the links beside the pages of a section, in parts that may have a title."""
    if door == "reference":
        parts = [part("", folder_pages("reference"))]
        if HAS_REFERENCE:
            parts.append({"title": "By task", "pages": [group_link(g) for g in groups()]})
        return parts
    if door == "explanation":
        titles = {
            "explanation": "",
            "guide": "The book",
            "solutions": "Solutions",
            "decisions": "Decisions",
        }
        return [part(title, folder_pages(folder)) for folder, title in titles.items()]
    return [part("", folder_pages(door))] if door in dict(DOORS) else []


def part(title: str, pages: list[str]) -> dict:
    return {"title": title, "pages": [page_link(page) for page in pages]}


def page_link(page: str) -> dict:
    return {"page": page, "url": page.removesuffix(".md") + ".html", "title": title_of(page)}


def title_of(page: str) -> str:
    title = re.search(r"^# +(.+?) *$", (DOCS / page).read_text(), re.MULTILINE)
    return title[1].replace("`", "") if title else page


def groups() -> tuple[reference.Group, ...]:
    return reference.reference().groups


def group_link(group: reference.Group) -> dict:
    return {"page": group.page, "url": f"{API}/{group.page}", "title": group.title}


def on_files(files, config):
    global _made
    _made = pathlib.Path(tempfile.mkdtemp(prefix="weft-site-"))
    _sources.clear()
    for page in sorted(DOCS.rglob("*.md")):
        folder = page.parent.relative_to(ROOT).as_posix()
        for target in outside(page.read_text(), folder):
            add_source(target)
    for header in reference.public_headers():
        add_source(f"include/weft/{header}")
    for target, page in _sources.items():
        path = _made / page
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(source_page(target))
        files.append(File(page, str(_made), config["site_dir"], config["use_directory_urls"]))
    return files


def add_source(target: str) -> None:
    _sources[target] = f"source/{target.removesuffix('.md')}.md"


def on_page_markdown(markdown, page, **_):
    source = page.file.src_uri
    if source.startswith("source/"):
        return markdown
    markdown = markdown.replace("<!-- the groups -->", groups_table())
    markdown = markdown.replace("<!-- the decisions -->", decisions_list())
    return relink(markdown, f"docs/{posixpath.dirname(source)}", posixpath.dirname(source))


def on_post_build(config, **_):
    shutil.rmtree(_made, ignore_errors=True)
    for page in DOCS.rglob("*.html"):
        copy = pathlib.Path(config["site_dir"]) / page.relative_to(DOCS)
        copy.write_text(_PAGE_LINK.sub(r'href="\1.html\2"', copy.read_text()))


def outside(text: str, folder: str) -> list[str]:
    """Returns the files of the repository, outside docs/, that a text in `folder` links to."""
    found = []
    for match in LINK.finditer(re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        target = posixpath.normpath(posixpath.join(folder, match[2]))
        if not target.startswith("docs/") and (ROOT / target).is_file():
            found.append(target)
    return found


def relink(text: str, folder: str, page_folder: str) -> str:
    """Redirects links to files outside docs/ to their pages or the reference; removes folders'."""

    def replace(match: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(folder, match[2]))
        if target.startswith("docs/"):
            return match[0] if (ROOT / target).is_file() else match[1]
        place = reference_place(target)
        if place is not None:
            return f'<a href="{posixpath.relpath(place, page_folder or ".")}">{match[1]}</a>'
        if target in _sources:
            return f"[{match[1]}]({posixpath.relpath(_sources[target], page_folder or '.')})"
        return match[1]

    pieces = re.split(r"(```.*?```)", text, flags=re.DOTALL)
    return "".join(
        piece if index % 2 else LINK.sub(replace, piece) for index, piece in enumerate(pieces)
    )


def reference_place(target: str) -> str | None:
    header = target.removeprefix("include/weft/")
    group = reference.reference().group_of(header) if header != target else None
    if group is None or not HAS_REFERENCE:
        return None
    return f"{API}/{group.page}#{reference.label_of(header)}"


def source_page(target: str) -> str:
    text = (ROOT / target).read_text()
    suffix = os.path.splitext(target)[1]
    if suffix == ".md":
        # A document: its own links to other places lead out of the site, so they become text.
        return re.sub(r"!?\[([^\[\]]+)\]\((?![a-z]+://)[^)]*\)", r"\1", text)
    language = MORE_LANGUAGES.get(posixpath.basename(target), LANGUAGES.get(suffix, "text"))
    return f"# `{target}`\n\n{reference_note(target)}~~~~{language}\n{text}~~~~\n"


def reference_note(target: str) -> str:
    place = reference_place(target)
    if place is None:
        return ""
    page_folder = posixpath.dirname(f"source/{target}")
    link = posixpath.relpath(place, page_folder)
    group = reference.reference().group_of(target.removeprefix("include/weft/"))
    return f'In the reference: <a href="{link}">{html.escape(group.title)}</a>.\n\n'


def groups_table() -> str:
    """Returns the groups of the reference, as HTML, since their pages are not mkdocs's."""
    rows = "".join(
        f"<tr><td>{group_title(group)}</td><td>{header_links(group)}</td></tr>"
        for group in groups()
    )
    head = "<thead><tr><th>task</th><th>headers</th></tr></thead>"
    return f"<table>{head}<tbody>{rows}</tbody></table>"


def group_title(group: reference.Group) -> str:
    title = html.escape(group.title)
    return f'<a href="api/{group.page}">{title}</a>' if HAS_REFERENCE else title


def header_links(group: reference.Group) -> str:
    return ", ".join(
        f'<a href="../source/include/weft/{header}.html"><code>{header}</code></a>'
        for header in group.headers
    )


def decisions_list() -> str:
    pages = folder_pages("decisions")
    return "\n".join(f"- [{title_of(page)}](../{page})" for page in pages)
