#!/usr/bin/env python3
"""Style and architecture as a failing test: checks the tree by the rules of this folder's modules.

    tools/tidy/tidy.py [ROOT]

Prints one line a violation. Exit code: 0 for none, 1 for some, 2 when it cannot run.
"""

import pathlib
import sys
import tomllib
from collections.abc import Iterable

import coroutines
import layers
import names
import sizes
import words
from source import Violation, read_tree

HERE = pathlib.Path(__file__).resolve().parent


def check(root: pathlib.Path, rules: pathlib.Path = HERE) -> list[Violation]:
    """All violations in the tree at root, by the tables in the folder `rules`."""
    table = layers.Table(_read(rules / "layers.toml"))
    exceptions = _read(rules / "exceptions.toml")
    for entries in exceptions.values():
        for entry in entries:
            if not entry.get("reason"):
                raise ValueError(f"exceptions.toml: {entry['path']} gives no reason")
    sources = read_tree(root)
    if not sources:
        raise ValueError(f"no source files in {root}")
    violations: Iterable[Violation] = [
        *layers.check(sources, table),
        *sizes.check(sources, exceptions),
        *names.check(sources),
        *_without(exceptions.get("word", []), words.check(sources)),
        *_without(exceptions.get("form", []), coroutines.check(sources)),
    ]
    return sorted(violations, key=lambda found: (found.path, found.line, found.rule))


def _without(exceptions: list[dict], violations: Iterable[Violation]) -> Iterable[Violation]:
    """Leaves out what the exceptions of that kind allow, and says which of them are not needed."""
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
    root = pathlib.Path(arguments[0]) if arguments else HERE.parent.parent
    try:
        violations = check(root)
    except (OSError, ValueError, KeyError) as error:
        print(f"tidy: {error}", file=sys.stderr)
        return 2
    for violation in violations:
        print(violation)
    print(f"tidy: {len(violations)} violations" if violations else "tidy: clean")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
