"""Who may include whom: the layer table, the public headers, and no cycles."""

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


class Table:
    """layers.toml, checked when it is read."""

    def __init__(self, data: dict):
        self.layer: dict[str, int] = data["folders"]
        self.only: dict[str, list[str]] = data.get("only", {})
        self.edges = {(edge["from"], edge["to"]) for edge in data.get("edge", [])}
        for edge in data.get("edge", []):
            name = f"layers.toml: edge {edge['from']} -> {edge['to']}"
            if self.layer[edge["from"]] != self.layer[edge["to"]]:
                raise ValueError(f"{name} is not inside a layer")
            if not edge.get("reason"):
                raise ValueError(f"{name} gives no reason")

    def refusal(self, user: str, used: str) -> str | None:
        """Why folder `user` may not include folder `used`; None when it may."""
        if user == used or (user, used) in self.edges:
            return None
        if user in self.only and used not in self.only[user]:
            return f"{user}/ may include only {self.only[user] or 'public headers'}, not {used}/"
        if self.layer[used] < self.layer[user]:
            return None
        layers = f"(layer {self.layer[user]} over {self.layer[used]})"
        return f"{user}/ may not include {used}/ {layers}"


def check(sources: list[Source], table: Table) -> Iterable[Violation]:
    for source in filter(lambda s: s.is_cpp, sources):
        if source.folder == "include":
            yield from _check_public(source)
        elif source.module is not None:
            yield from _check_module(source, table)
        elif source.folder in ("examples", "tools"):
            yield from _check_user(source, table)
    yield from _check_cycles(sources)


def _check_public(source: Source) -> Iterable[Violation]:
    for offset, name, quoted in includes(source):
        if quoted:
            message = f'"{name}": public headers are <weft/…>'
            yield source.violation(offset, "public-include", message)
        elif name in UNWANTED_IN_PUBLIC:
            yield source.violation(offset, "public-include", UNWANTED_IN_PUBLIC[name])
        elif name not in STANDARD_HEADERS and not re.fullmatch(r"weft/[a-z0-9_/]+\.hpp", name):
            message = f"<{name}>: public headers include only std and <weft/…>"
            yield source.violation(offset, "public-include", message)


def _check_module(source: Source, table: Table) -> Iterable[Violation]:
    user = source.module
    if user not in table.layer:
        yield source.violation(0, "layer", f"src/{user} is not in tools/tidy/layers.toml")
        return
    for offset, name, quoted in includes(source):
        used = name.split("/", 1)[0]
        if not quoted:
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
    """Examples and programs are written against the public headers, as a user's would be."""
    for offset, name, _ in includes(source):
        if name.split("/", 1)[0] in table.layer:
            yield source.violation(offset, "private-include", f"{name}: only public headers here")


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
