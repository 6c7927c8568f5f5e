#!/usr/bin/env python3
"""Finds the forms of a coroutine that g++ 12 compiles wrongly and without a warning.

    weft-lint -p BUILD                      every source of BUILD/compile_commands.json
    weft-lint -p BUILD SOURCE...            these of them
    weft-lint SOURCE -- g++ -std=c++23 ...  one source, with the compiler's command

Reads the sources with clang-query 19 (Debian: apt install clang-tools-19) and prints each form with
its place, what happens, and a form that works. A form stays silent if its line, or the line above,
has a comment `// weft-lint-allow: REASON`.

Exit code: 0 if nothing was found, 1 if something was, 2 if a source could not be checked.
"""

import argparse
import concurrent.futures
import dataclasses
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
RULES = (HERE / "weft-lint.query", HERE.parent / "share" / "weft" / "weft-lint.query")
TOOLS = ("clang-query-19", "clang-query-20", "clang-query-21", "clang-query")
OLDEST = 19
NEEDED = (
    f"clang-query {OLDEST} or newer is needed: install it (Debian: apt install clang-tools-19), or "
    "name it with --clang-query"
)

# What happens, and the form that works, for each rule of weft-lint.query.
MESSAGES = {
    "list": (
        "g++ 12 refuses a list of values in a statement that awaits ('array used as initializer')",
        "name the container in a statement before: std::vector<T> values{…}; … std::move(values) …",
    ),
    "function": (
        "g++ 12 refuses a function that is declared inside a coroutine ('invalidly declared "
        "function type')",
        "declare it outside; a variable without arguments has no parentheses: T x;",
    ),
    "default-argument": (
        "g++ 12 destroys a default argument of this call twice: it makes an aggregate, a lambda "
        "with captures, a conditional expression, a throw or a new in this statement, which "
        "awaits",
        "pass the argument, by a name from a statement before; or give its type a constructor",
    ),
    "conditional": (
        "g++ 12 destroys the result of this conditional expression twice: its statement awaits",
        "use if and else, or choose in a statement before that does not await",
    ),
    "aggregate": (
        "g++ 12 destroys this aggregate twice: its statement awaits",
        "await first, then name the aggregate in a statement without co_await, and pass it with "
        "std::move; or give its type a constructor",
    ),
    "throw": (
        "g++ 12 destroys the thrown object twice: its statement awaits",
        "await first, then throw in a statement of its own: auto text = co_await …; throw E(text);",
    ),
    "new": (
        "g++ 12 destroys the new object twice: its value is a temporary of the same type, in a "
        "statement that awaits",
        "std::make_unique<T>(co_await …); or await first, and allocate in a statement of its own",
    ),
    "statement": (
        "g++ 12 destroys the value of this statement expression twice: its statement awaits",
        "give the value a name in a statement before",
    ),
    "copy": (
        "g++ 12 awaits a copy of this awaiter: it is neither made here nor a variable",
        "auto&& w = …; co_await w; (a capture of a lambda is no variable); what await_transform, "
        "yield_value or operator co_await gives is given by value",
    ),
    "alignment": (
        "g++ 12 ignores the alignment of this variable: it is a variable of a coroutine",
        "give the alignment to a type: struct Room { alignas(16) std::byte bytes[64]; } room;",
    ),
    "frame-alignment": (
        "this type asks for more than the 64 bytes of a frame: neither compiler aligns it",
        "std::make_unique<T>(), which aligns it",
    ),
    "lambda": (
        "g++ 12 destroys the captures of this lambda twice: its statement awaits",
        "capture by reference, or name the lambda in a statement before: auto f = [x] {…}; "
        "co_await g(std::move(f));",
    ),
    "short-circuit": (
        "g++ 12 ends with an internal error: an object is made before &&, || or ?, an await behind",
        "await in a statement of its own, within an if",
    ),
    "untaken": (
        "g++ 12 runs this co_await also if &&, || or ?: does not take its operand",
        "await in a statement of its own, within an if: bool x = a; if (x) x = co_await …;",
    ),
    "shift": (
        "g++ 12 loses the left operand of this shift: the right one awaits",
        "await first: const int count = co_await …; x << count",
    ),
    "order": (
        "g++ 12 awaits before it runs what stands before the co_await, though C++ says otherwise",
        "await in a statement of its own, then use the name",
    ),
    "condition": (
        "g++ 12 leaves out the whole body of this coroutine: a condition awaits, and the coroutine "
        "declares no variable",
        "await in a statement of its own: const auto x = co_await …; if (x) …",
    ),
}

ALLOW = re.compile(r"//.*\bweft-lint-allow\b(?::\s*(?P<reason>\S.*))?")
BINDING = re.compile(
    r'^(?P<path>.+):(?P<line>\d+):(?P<column>\d+): note: "(?P<rule>[\w-]+)" binds here$'
)
_ERROR = re.compile(r"^(?:.*: )?(?:fatal )?error: .*", re.MULTILINE)
# What clang-query says at the end of each rule.
_MATCHES = re.compile(r"^\d+ match(?:es)?\.\n?", re.MULTILINE)
# A source with a coroutine that can be wrong. One that never suspends has its variables in a frame.
SUSPENDS = re.compile(rb"\bco_(?:await|yield)\b")
NEVER_SUSPENDS = re.compile(rb"\bco_return\b")
ALIGNS = re.compile(rb"\balignas\b|\baligned\b")
QUOTED_INCLUDE = re.compile(rb'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
# What decides how a source reads; the rest of a compiler's command may be unknown to clang.
WITH_VALUE = frozenset("-I -D -U -isystem -iquote -idirafter -include -imacros -isysroot".split())
ALONE = re.compile(
    r"-(?:[IDU].+|isystem.+|iquote.+|std=.+|-sysroot=.+|O.*|pthread|nostdinc.*"
    r"|m(?:arch|cpu|abi)=.+|m\d+|m(?:avx|sse|bmi|fma|popcnt|aes).*|fsanitize=.+"
    r"|f(?:no-)?(?:exceptions|rtti|char8_t|short-enums|signed-char|unsigned-char))\Z"
)


class Failure(Exception):
    """A source that could not be checked, or a wrong call: the text says what to do.

    `said` is the text of the compiler that is the reason, if one is.
    """

    def __init__(self, text: str, said: str = "") -> None:
        super().__init__(text)
        self.said = said

    def show(self) -> None:
        text = f"{self.said}\n" if self.said else ""
        print(f"{text}weft-lint: {self}", file=sys.stderr)


@dataclasses.dataclass(frozen=True)
class Command:
    """How a source is compiled."""

    source: pathlib.Path
    directory: pathlib.Path
    arguments: tuple[str, ...]


@dataclasses.dataclass(frozen=True, order=True)
class Finding:
    path: str
    line: int
    column: int
    rule: str


def check(command: Command, tool: str) -> list[Finding]:
    """Returns what the rules find in a source and in the headers that it includes."""
    rules = next((path for path in RULES if path.exists()), None)
    if rules is None:
        raise Failure(f"{RULES[1]} is missing: install weft again")
    call = [tool, "-f", str(rules), str(command.source), "--", "clang++", "-w", "-x", "c++"]
    call += _for_clang(command.arguments)
    run = subprocess.run(call, cwd=command.directory, capture_output=True, text=True, check=False)
    if run.returncode != 0 or _ERROR.search(run.stderr):
        said = _MATCHES.sub("", run.stderr + run.stdout)
        raise _unreadable(command, said[-4000:].strip())
    found: dict[tuple[str, int, int], str] = {}
    order = list(MESSAGES)
    for line in run.stdout.splitlines():
        match = BINDING.match(line)
        if match and match["rule"] in MESSAGES:
            path = os.path.normpath(command.directory / match["path"])
            place = (path, int(match["line"]), int(match["column"]))
            found[place] = min(found.get(place, match["rule"]), match["rule"], key=order.index)
    return [Finding(*place, rule) for place, rule in found.items()]


def _unreadable(command: Command, said: str) -> Failure:
    """Returns why clang cannot read a source: its compiler's errors, unless it is clang alone."""
    compiler = _without_output(command)
    try:
        run = subprocess.run(
            compiler, cwd=command.directory, capture_output=True, text=True, check=False
        )
    except OSError as error:
        return Failure(f"{command.source} was not checked: {compiler[0]}: {error.strerror}", said)
    if run.returncode != 0:
        errors = (run.stderr + run.stdout).strip()
        return Failure(f"{command.source} was not checked, it does not compile", errors)
    return Failure(
        f"{command.source} was not checked: {compiler[0]} compiles it, but clang cannot read it; "
        "write it so that clang can, or leave it out (its target of weft_lint(), or --exclude)",
        said,
    )


def _without_output(command: Command) -> list[str]:
    """Returns the compiler's command that looks for errors and writes no file."""
    kept = []
    is_named = False
    rest = iter(command.arguments)
    for argument in rest:
        if argument in ("-o", "-MF", "-MT", "-MQ"):
            next(rest, "")
        elif argument != "-c" and not argument.startswith("-M"):
            kept.append(argument)
            is_named |= os.path.normpath(command.directory / argument) == str(command.source)
    return [*kept, "-fsyntax-only", *([] if is_named else [str(command.source)])]


def _for_clang(arguments: tuple[str, ...]) -> list[str]:
    """Returns the arguments that clang needs to read the source as its compiler does."""
    kept = []
    rest = iter(arguments[1:])
    for argument in rest:
        if argument in WITH_VALUE:
            kept += [argument, next(rest, "")]
        elif ALONE.match(argument):
            kept.append(argument)
        elif argument.startswith("@"):
            kept += _for_clang(("", *shlex.split(pathlib.Path(argument[1:]).read_text())))
    return kept


def commands_of(build: pathlib.Path, excluded: list[str]) -> list[Command]:
    """Returns how the C++ sources of a build directory are compiled."""
    database = build / "compile_commands.json"
    try:
        entries = json.loads(database.read_text())
    except (OSError, ValueError) as error:
        raise Failure(
            f"{database}: {error}; configure with -DCMAKE_EXPORT_COMPILE_COMMANDS=ON"
        ) from error
    commands = {}
    for entry in entries:
        directory = pathlib.Path(entry["directory"])
        source = pathlib.Path(os.path.normpath(directory / entry["file"]))
        arguments = entry.get("arguments") or shlex.split(entry["command"])
        is_excluded = any(source.match(pattern) for pattern in excluded)
        if source.suffix not in (".c", ".S", ".s") and not is_excluded:
            commands.setdefault(source, Command(source, directory, tuple(arguments)))
    return list(commands.values())


def is_read(command: Command) -> bool:
    """Returns whether a source, or a file that it includes in quotes, may have a wrong form."""
    try:
        text = command.source.read_bytes()
    except OSError as error:
        raise Failure(f"{command.source}: {error.strerror}") from error
    if _may_be_wrong(text):
        return True
    included = [argument[2:] for argument in command.arguments if argument.startswith("-I")]
    folders = [command.source.parent, *(command.directory / folder for folder in included)]
    near = [os.fsdecode(name) for name in QUOTED_INCLUDE.findall(text)]
    paths = [folder / name for name in near for folder in folders]
    return any(_may_be_wrong(path.read_bytes()) for path in paths if path.is_file())


def _may_be_wrong(text: bytes) -> bool:
    if SUSPENDS.search(text):
        return True
    return bool(NEVER_SUSPENDS.search(text) and ALIGNS.search(text))


def report(findings: list[Finding]) -> list[Finding]:
    """Prints the findings that no comment allows, and returns them."""
    left = []
    for finding in sorted(findings):
        lines = pathlib.Path(finding.path).read_text(errors="replace").splitlines()
        text = lines[finding.line - 1]
        above = lines[finding.line - 2].strip() if finding.line > 1 else ""
        allowed = ALLOW.search(text) or (ALLOW.search(above) if above.startswith("//") else None)
        if allowed and allowed["reason"]:
            continue
        left.append(finding)
        what, instead = MESSAGES[finding.rule]
        if allowed:
            what = f"weft-lint-allow gives no reason here: {what}"
        caret = re.sub(r"[^\t]", " ", text[: finding.column - 1]) + "^"
        print(f"{finding.path}:{finding.line}:{finding.column}: error: {what} [{finding.rule}]")
        print(f"  {text}\n  {caret}\n  instead: {instead}")
    return left


def main(arguments: list[str]) -> int:
    try:
        return _run(arguments)
    except Failure as failure:
        failure.show()
        return 2


def _run(arguments: list[str]) -> int:
    """As main(). After `--then`, as cmake/WeftLint.cmake sets it, stands another tool's command."""
    then: list[str] = []
    if "--then" in arguments:
        split = arguments.index("--then")
        arguments, then = arguments[:split], arguments[split + 1 :]
        arguments += then[then.index("--") - 1 :]
    compiler: list[str] = []
    if "--" in arguments:
        split = arguments.index("--")
        arguments, compiler = arguments[:split], arguments[split + 1 :]
    options = _parse(arguments)
    tool = _tool(options.clang_query)
    if options.which:
        print(tool)
        return 0
    commands = _commands(options, compiler)
    findings, failures = _check_all(commands, tool, options.jobs)
    left = report(findings)
    for failure in failures:
        failure.show()
    if not compiler:
        print(f"weft-lint: {len(left)} found in {len(commands)} sources with coroutines")
    status = 2 if failures else 1 if left else 0
    if then and status == 0:
        return subprocess.run(then, check=False).returncode
    return status


def _tool(named: str | None) -> str:
    """Returns the path of a clang-query that is new enough."""
    tool = next(filter(None, map(shutil.which, [named] if named else TOOLS)), None)
    if tool is None:
        raise Failure(f"{named or 'clang-query'} was not found: {NEEDED}")
    said = subprocess.run([tool, "--version"], capture_output=True, text=True, check=False).stdout
    version = re.search(r"LLVM version (\d+)", said)
    if not version or int(version.group(1)) < OLDEST:
        raise Failure(f"{tool} is of LLVM {version.group(1) if version else '?'}: {NEEDED}")
    return tool


def _commands(options: argparse.Namespace, compiler: list[str]) -> list[Command]:
    here = pathlib.Path.cwd()
    named = [pathlib.Path(os.path.normpath(here / source)) for source in options.sources]
    if compiler:
        commands = [Command(source, here, tuple(compiler)) for source in named]
    else:
        if options.build is None:
            raise Failure("give the build directory (-p BUILD), or the compiler's command after --")
        commands = commands_of(options.build, options.exclude)
        known = {command.source: command for command in commands}
        for source in named:
            if source not in known:
                raise Failure(f"{source} is not in {options.build}/compile_commands.json")
        commands = [known[source] for source in named] if named else commands
    return [command for command in commands if is_read(command)]


def _check_all(
    commands: list[Command], tool: str, jobs: int
) -> tuple[list[Finding], list[Failure]]:
    findings: set[Finding] = set()
    failures: list[Failure] = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for running in [pool.submit(check, command, tool) for command in commands]:
            try:
                findings.update(running.result())
            except Failure as failure:
                failures.append(failure)
    return list(findings), failures


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="weft-lint", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("-p", dest="build", metavar="BUILD", type=pathlib.Path, help="a build directory of CMake")
    add("-j", dest="jobs", type=int, default=os.cpu_count(), help="sources at a time")
    add(
        "--exclude", action="append", default=[], metavar="GLOB", help="leave these sources out"
    )
    add("--clang-query", metavar="PROGRAM", help="the clang-query to use")
    add("--which", action="store_true", help="print the clang-query to use, and end")
    # What CMake adds for clang-tidy.
    add("--extra-arg-before", help=argparse.SUPPRESS)
    add("sources", nargs="*", metavar="SOURCE")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `weft-lint … | head` ends in silence
    sys.exit(main(sys.argv[1:]))
