"""Which file may include which: the layer table, the public headers, and no cycles."""

import re
from collections.abc import Iterable

from source import Source, Violation, includes

STANDARD_HEADERS = frozenset(
    """
    algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv
    chrono cinttypes climits clocale cmath codecvt compare complex concepts condition_variable
    coroutine csetjmp csignal cstdarg cstddef cstdint cstdio cstdlib cstring ctime cuchar cwchar
    cwctype deque exception execution expected filesystem forward_list fstream functional future
    initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale map
    memory memory_resource mutex new numbers numeric optional ostream queue random ranges ratio
    regex scoped_allocator semaphore set shared_mutex source_location span spanstream sstream
    stack stdexcept stop_token streambuf string string_view syncstream system_error thread tuple
    type_traits typeindex typeinfo unordered_map unordered_set utility valarray variant vector
    version
    """.split()
)

# Folders of tests/ whose headers the unit tests beside the code may use as well.
TEST_FOLDERS = ("support", "conformance", "model")

# Headers of the standard library that stand for something of the operating system.
UNWANTED_IN_PUBLIC = {"cerrno": "errno is the operating system's: use <system_error>"}


TABLE = "tools/tidy/layers.toml"
UMBRELLA = "[umbrella]"  # the owner of a header that includes all of a part


class Table:
    """layers.toml, checked when it is read."""

    def __init__(self, data: dict):
        self.layer: dict[str, int] = data["folders"]
        self.only: dict[str, list[str]] = data.get("only", {})
        self.users: list[str] = data.get("user", {}).get("folders", [])
        self.edges = {(edge["from"], edge["to"]) for edge in data.get("edge", [])}
        # What is listed for public headers: (a name or pattern, a folder or UMBRELLA).
        lists = {**data.get("headers", {}), UMBRELLA: data.get("umbrella", {}).get("headers", [])}
        self.headers = [(entry, owner) for owner, entries in lists.items() for entry in entries]
        self._check_folders(data)
        for edge in data.get("edge", []):
            name = f"layers.toml: edge {edge['from']} -> {edge['to']}"
            if self.layer[edge["from"]] != self.layer[edge["to"]]:
                raise ValueError(f"{name} is not inside a layer")
            if not edge.get("reason"):
                raise ValueError(f"{name} gives no reason")

    def _check_folders(self, data: dict) -> None:
        ends = [folder for edge in self.edges for folder in edge]
        below = [folder for folders in self.only.values() for folder in folders]
        for folder in (*data.get("headers", {}), *self.only, *below, *self.users, *ends):
            if folder not in self.layer:
                raise ValueError(f"layers.toml: {folder} is not in [folders]")
        for folder in self.users:
            if folder in self.only:
                raise ValueError(f"layers.toml: {folder} is in [only] and in [user]")

    def refusal(self, user: str, used: str) -> str | None:
        """Returns why folder `user` may not include folder `used`; None if it may."""
        if user == used or (user, used) in self.edges:
            return None
        if user in self.users:
            return f"{user}/ may include only public headers, not {used}/"
        if user in self.only and used not in self.only[user]:
            return f"{user}/ may include only {self.only[user] or 'itself'}, not {used}/"
        if self.layer[used] < self.layer[user]:
            return None
        layers = f"(layer {self.layer[user]} over {self.layer[used]})"
        return f"{user}/ may not include {used}/ {layers}"

    def header_refusal(self, user: str, header: str) -> str | None:
        """Returns why folder `user` may not include the public header; None if it may."""
        owner = self.owner(header)
        if owner is None:
            return None  # said of the header itself
        if owner == UMBRELLA:
            return f"<weft/{header}> is for programs: include what is used"
        if user not in self.users:
            refusal = self.refusal(user, owner)
            return refusal and f"<weft/{header}>: {refusal}"
        if owner != user and is_detail(header):
            return f"<weft/{header}>: {user}/ may include only public headers outside detail/"
        return None

    def entries(self, header: str) -> list[tuple[str, str]]:
        """Returns all entries for the header."""
        return [(entry, owner) for entry, owner in self.headers if _matches(entry, header)]

    def owner(self, header: str) -> str | None:
        """Returns the folder that the header belongs to, or UMBRELLA; None if it is not listed."""
        found = self.entries(header)
        return found[0][1] if found else None


def _matches(entry: str, header: str) -> bool:
    """A `*` stands for the rest of a name, not for folders."""
    return re.fullmatch(re.escape(entry).replace(r"\*", "[^/]*"), header) is not None


def is_detail(header: str) -> bool:
    return "detail" in header.split("/")[:-1]


def check(sources: list[Source], table: Table) -> Iterable[Violation]:
    for source in filter(lambda s: s.is_cpp, sources):
        if source.folder == "include":
            yield from _check_public(source, table)
        elif source.module is not None:
            yield from _check_module(source, table)
        elif source.folder in ("examples", "tools", "bench"):
            yield from _check_user(source, table)
    yield from _check_table(sources, table)
    yield from _check_cycles(sources)


def _check_public(source: Source, table: Table) -> Iterable[Violation]:
    name = source.public_name
    owner = table.owner(name) if name is not None else None
    for offset, used, quoted in includes(source):
        if quoted:
            message = f'"{used}": public headers are <weft/…>'
            yield source.violation(offset, "public-include", message)
        elif used in UNWANTED_IN_PUBLIC:
            yield source.violation(offset, "public-include", UNWANTED_IN_PUBLIC[used])
        elif used not in STANDARD_HEADERS and not re.fullmatch(r"weft/[a-z0-9_/]+\.hpp", used):
            message = f"<{used}>: public headers include only std and <weft/…>"
            yield source.violation(offset, "public-include", message)
        elif owner not in (None, UMBRELLA):
            yield from _check_header(source, offset, used, owner, table)


def _check_header(
    source: Source, offset: int, used: str, user: str, table: Table
) -> Iterable[Violation]:
    """An include in angle brackets by a file of the folder `user`."""
    if used.startswith("weft/"):
        refusal = table.header_refusal(user, used.removeprefix("weft/"))
        if refusal is not None:
            yield source.violation(offset, "layer", refusal)


def _check_module(source: Source, table: Table) -> Iterable[Violation]:
    user = source.module
    if user not in table.layer:
        yield source.violation(0, "layer", f"src/{user} is not in {TABLE}")
        return
    for offset, name, quoted in includes(source):
        used = name.split("/", 1)[0]
        if not quoted:
            yield from _check_header(source, offset, name, user, table)
            if used in table.layer and name.endswith(".hpp"):
                message = f'<{name}>: private headers are "folder/x.hpp"'
                yield source.violation(offset, "layer", message)
            continue
        if source.is_test and used in TEST_FOLDERS:
            continue
        if "/" not in name or used not in table.layer:
            message = f'"{name}" is not folder/x.hpp of a folder in layers.toml'
            yield source.violation(offset, "layer", message)
            continue
        refusal = table.refusal(user, used)
        if refusal is not None:
            yield source.violation(offset, "layer", refusal)


def _check_user(source: Source, table: Table) -> Iterable[Violation]:
    """Examples and programs use the public headers, as a user's program would.

    A benchmark may measure a private part, but not through the internals of the public headers.
    """
    for offset, name, _ in includes(source):
        if source.folder != "bench" and "/" in name and name.split("/", 1)[0] in table.layer:
            yield source.violation(offset, "private-include", f"{name}: only public headers here")
        if name.startswith("weft/") and is_detail(name):
            message = f"<{name}>: only public headers outside detail/ here"
            yield source.violation(offset, "private-include", message)


def _check_table(sources: list[Source], table: Table) -> Iterable[Violation]:
    """The table lists each existing folder and public header once, and no other."""
    there = {source.module for source in sources}
    for folder in table.layer:
        if folder not in there:
            yield Violation(TABLE, 1, "layer", f"there is no src/{folder} any more")
    used = set()
    for source in sources:
        name = source.public_name
        if name is None:
            continue
        entries = table.entries(name)
        used.update(entries)
        if not entries:
            message = f"{name} belongs to no folder: list it under [headers] of {TABLE}"
            yield source.violation(0, "header", message)
        elif len(entries) > 1:
            where = ", ".join(f'"{entry}" of {owner}' for entry, owner in entries)
            yield source.violation(0, "header", f"{name} is listed more than once: {where}")
    for entry, owner in dict.fromkeys(table.headers):
        if (entry, owner) not in used:
            yield Violation(TABLE, 1, "header", f'"{entry}" of {owner} names no public header')


def _check_cycles(sources: list[Source]) -> Iterable[Violation]:
    """Reports each include cycle among our files once."""
    by_name = {}
    for source in sources:
        for prefix in ("include/", "src/"):
            if source.path.startswith(prefix):
                by_name[source.path[len(prefix) :]] = source
    state: dict[str, str] = {}
    for start in sorted(by_name):
        yield from _visit(start, by_name, state, [])


def _visit(name: str, by_name: dict[str, Source], state: dict[str, str], trail: list[str]):
    if state.get(name) == "done":
        return
    state[name] = "open"
    for offset, used, _ in includes(by_name[name]):
        if used not in by_name:
            continue
        if state.get(used) == "open":
            loop = trail[trail.index(used) :] if used in trail else []
            path = " -> ".join([*loop, name, used])
            yield by_name[name].violation(offset, "cycle", f"include cycle: {path}")
        else:
            yield from _visit(used, by_name, state, [*trail, name])
    state[name] = "done"
