"""The frame of Doxygen's pages: the same navigation and search as on the others."""

import html
import pathlib

import reference

ROOT = "$relpath^../../"

HEADER = """<!doctype html>
<html lang="en" data-root="{root}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title · weft</title>
<link rel="stylesheet" href="$relpath^$stylesheet">
$extrastylesheet
<link rel="stylesheet" href="{root}site.css">
<link rel="stylesheet" href="{root}api.css">
<script src="$relpath^jquery.js"></script>
<script src="$relpath^dynsections.js"></script>
<script src="{root}site.js"></script>
</head>
<body class="api">
{frame}
<div class="frame">
<nav class="side" aria-label="Pages">
<ul>{pages}</ul>
<p>By task</p>
<ul>{groups}</ul>
</nav>
<main id="text" data-door="reference">
<script>
for (const link of document.querySelectorAll(".side a")) {{
  if (link.href === location.href.replace(/#.*/, "")) link.parentNode.className = "here";
}}
</script>
<div id="top">
"""

FOOTER = """<footer>Made from the headers by Doxygen $doxygenversion.</footer>
</main>
</div>
</body>
</html>
"""


def write(folder: pathlib.Path, frame: str, pages: list[dict]) -> None:
    """Writes header.html and footer.html for Doxygen. `frame`: the HTML above the text."""
    header = HEADER.format(
        root=ROOT,
        frame=frame,
        pages="".join(item(ROOT + page["url"], page["title"]) for page in pages),
        groups="".join(item("$relpath^" + g.page, g.title) for g in reference.reference().groups),
    )
    (folder / "header.html").write_text(header)
    (folder / "footer.html").write_text(FOOTER)


def item(url: str, title: str) -> str:
    return f'<li><a href="{url}">{html.escape(title)}</a></li>'
