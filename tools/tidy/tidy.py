#!/usr/bin/env python3
"""Style and architecture as a failing test: checks the tree by the rules of this folder's modules.

Prints one line per violation. Exit code: 0 for none, 1 for some, 2 if it cannot run.

    tools/tidy/tidy.py                                 the whole tree
    tools/tidy/tidy.py --rule prose src/exec           one rule, in one folder
    tools/tidy/tidy.py --rule prose --count            how many of it each folder has
"""

import argparse
import collections
import pathlib
import sys
import tomllib
from collections.abc import Iterable

import coroutines
import detail
import layers
import names
import prose
import references
import sizes
import traces
import version
import words
from source import Violation, read_tree

HERE = pathlib.Path(__file__).resolve().parent
RULES = """
    assert columns cycle detail exception file-size function-size gxx12 header layer name opening
    platform printf private-include prose public-include rand raw-atomic reference sleep
    thread-local trace unfinished using-namespace version volatile
""".split()


def check(root: pathlib.Path, rules: pathlib.Path = HERE) -> list[Violation]:
    """Returns all violations in the tree at root, by the tables in the folder `rules`."""
    table = layers.Table(_read(rules / "layers.toml"))
    exceptions = _read(rules / "exceptions.toml")
    for entries in exceptions.values():
        for entry in entries:
            if not entry.get("reason"):
                raise ValueError(f"exceptions.toml: {entry['path']} gives no reason")
    sources = read_tree(root)
    if not sources:
        raise ValueError(f"no source files in {root}")
    said = [
        *words.check(sources),
        *prose.check(sources),
        *references.check(root, sources, _read(rules / "known.toml")),
    ]
    violations: Iterable[Violation] = [
        *layers.check(sources, table),
        *detail.check(sources),
        *sizes.check(sources, exceptions),
        *names.check(sources),
        *version.check(root, sources),
        *traces.check(sources),
        *_without(exceptions.get("word", []), said),
        *_without(exceptions.get("form", []), coroutines.check(sources)),
    ]
    return sorted(violations, key=lambda found: (found.path, found.line, found.rule))


def _without(exceptions: list[dict], violations: Iterable[Violation]) -> Iterable[Violation]:
    """Drops violations that the exceptions of that kind allow, and reports unused exceptions."""
    allowed = {(entry["path"], entry["rule"]): False for entry in exceptions}
    for violation in violations:
        if (violation.path, violation.rule) in allowed:
            allowed[violation.path, violation.rule] = True
        else:
            yield violation
    for (path, rule), used in allowed.items():
        if not used:
            yield Violation(sizes.TABLE, 1, "exception", f"{path}: {rule} is not needed any more")


def _read(path: pathlib.Path) -> dict:
    with path.open("rb") as file:
        return tomllib.load(file)


def main(arguments: list[str]) -> int:
    options = _parse(arguments)
    root = options.root.resolve()
    try:
        violations = check(root)
        folders = [(root / path).resolve(strict=True).relative_to(root) for path in options.paths]
    except (OSError, ValueError, KeyError) as error:
        print(f"tidy: {error}", file=sys.stderr)
        return 2
    violations = [found for found in violations if _is_wanted(found, options.rules, folders)]
    for line in _counts(violations) if options.count else violations:
        print(line)
    print(f"tidy: {len(violations)} violations" if violations else "tidy: clean")
    return 1 if violations else 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--root", type=pathlib.Path, default=HERE.parent.parent, help="another tree to check"
    )
    parser.add_argument(
        "--rule",
        action="append",
        dest="rules",
        choices=RULES,
        metavar="RULE",
        help=f"this rule alone, may be repeated; one of {', '.join(RULES)}",
    )
    parser.add_argument("--count", action="store_true", help="numbers by rule and folder")
    parser.add_argument("paths", nargs="*", metavar="PATH", help="a file or folder, from the root")
    return parser.parse_args(arguments)


def _is_wanted(found: Violation, rules: list[str] | None, folders: list[pathlib.Path]) -> bool:
    path = pathlib.Path(found.path)
    is_there = not folders or any(path.is_relative_to(folder) for folder in folders)
    return is_there and (not rules or found.rule in rules)


def _counts(violations: list[Violation]) -> list[str]:
    folders = (pathlib.PurePosixPath(found.path).parts[:-1][:2] for found in violations)
    counts = collections.Counter(
        (found.rule, "/".join(folder) or found.path) for found, folder in zip(violations, folders)
    )
    return [f"{count:6} {rule:16} {folder}" for (rule, folder), count in sorted(counts.items())]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
