"""Counts weft's instructions per operation and compares them with bench/instructions.toml.

Callgrind counts a whole program, so each cell runs twice: the difference of the two counts, divided
by the difference of the operations, leaves out the start and the end of the program. The programs
get a clock of their own (bench/instructions/clock.cpp) and the C library's functions for one kind
of processor, so that a count depends on the code and the compiler alone.
"""

import concurrent.futures
import dataclasses
import os
import pathlib
import platform
import re
import shutil
import subprocess
import tomllib

from . import build, machine

TOLERANCE = 0.02
SKIPPED = 77  # the exit code that ctest takes for a skipped test
DEADLINE_S = 100  # of one run
COMPILER = "g++ 12"
TARGETS = ["core_weft", "core_weft_http", "instructions_clock"]

# Valgrind shows programs another processor where the machine has no AVX2, and the C library has
# functions for each. Without these features it takes the same ones everywhere.
TUNABLES = "glibc.cpu.hwcaps=-AVX,-AVX2,-AVX_Fast_Unaligned_Load,-BMI2,-ERMS"


@dataclasses.dataclass(frozen=True)
class Cell:
    """`counts`: how many operations the shorter run does, and the longer."""

    name: str
    counts: tuple[int, int]
    program: str = "core_weft"


CELLS = [
    Cell("await", (20_000, 320_000)),
    Cell("spawn-join", (20_000, 120_000)),
    Cell("yield", (20_000, 320_000)),
    Cell("ping-pong", (20_000, 120_000)),
    Cell("channel-1p1c", (20_000, 320_000)),
    Cell("mutex-alone", (20_000, 520_000)),
    Cell("timer-cancel", (20_000, 120_000)),
    Cell("sleep-cancel", (20_000, 70_000)),
    Cell("http-get", (2_000, 12_000), "core_weft_http"),
]


@dataclasses.dataclass(frozen=True)
class Table:
    """bench/instructions.toml: the compiler, and each cell's instructions per operation."""

    compiler: str
    instructions: dict[str, float]


def table_of(text: str) -> Table:
    parsed = tomllib.loads(text)
    return Table(parsed["compiler"], parsed["instructions"])


def text_of(table: Table) -> str:
    lines = [
        "# weft's instructions an operation: README.md, \"Instruction counts\".",
        "# Written by `bench/run instructions --update`.",
        f'compiler = "{table.compiler}"',
        "",
        "[instructions]",
        *(f"{name} = {count:.1f}" for name, count in table.instructions.items()),
    ]
    return "\n".join(lines) + "\n"


def judge(counted: dict[str, float], expected: dict[str, float]) -> list[str]:
    """Returns a line for each cell that differs from the table."""
    update = "bench/run instructions --update"
    complaints = []
    for name, count in counted.items():
        if name not in expected:
            complaints.append(f"cell {name}: not in bench/instructions.toml; add it by `{update}`")
            continue
        change = count / expected[name] - 1
        if abs(change) <= TOLERANCE:
            continue
        counts = f"{count:,.1f} instructions an operation, {expected[name]:,.1f} expected"
        hint = f"; fewer than the table says: `{update}`" if change < 0 else ""
        complaints.append(f"cell {name}: {counts} ({100 * change:+.1f} %){hint}")
    for name in expected.keys() - counted.keys():
        complaints.append(f"cell {name}: in bench/instructions.toml alone; remove it by `{update}`")
    return complaints


def report_of(counted: dict[str, float], expected: dict[str, float]) -> str:
    lines = [f"{'cell':14}{'counted':>10}{'expected':>10}"]
    for name, count in counted.items():
        known = f"{'–':>10}"
        if before := expected.get(name):
            change = round(100 * (count / before - 1), 1) + 0.0  # no -0.0
            known = f"{before:10,.1f}{change:+8.1f} %"
        lines.append(f"{name:14}{count:10,.1f}{known}")
    return "\n".join(lines)


def _instructions(directory: pathlib.Path, cell: Cell, count: int) -> int:
    """Returns the instructions of one run. Leaves the profile for callgrind_annotate."""
    profiles = directory / "instructions"
    profiles.mkdir(exist_ok=True)
    programs = directory / "bench"
    command = [
        "valgrind",
        "--tool=callgrind",
        f"--callgrind-out-file={profiles / f'{cell.name}.{count}'}",
        str(programs / cell.program),
        *(cell.name, "1", str(count)),
    ]
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LD_BIND_NOW": "1",
        "LD_PRELOAD": str(programs / "libinstructions_clock.so"),
        "GLIBC_TUNABLES": TUNABLES,
    }
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=DEADLINE_S, env=environment
        )
    except subprocess.TimeoutExpired:
        raise build.Failure(f"{' '.join(command)}: not done after {DEADLINE_S} s") from None
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or not found:
        raise build.Failure(
            f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}"
        )
    return int(found.group(1))


def count_all(directory: pathlib.Path) -> dict[str, float]:
    """Returns each cell's instructions per operation. Runs one per processor at a time."""
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        runs = {
            cell: [pool.submit(_instructions, directory, cell, count) for count in cell.counts]
            for cell in CELLS
        }
        counted = {}
        for cell, (shorter, longer) in runs.items():
            operations = cell.counts[1] - cell.counts[0]
            counted[cell.name] = (longer.result() - shorter.result()) / operations
        return counted


def _compiler(directory: pathlib.Path) -> str:
    """Returns the table's key: compiler, build type and architecture."""
    name, _, version = machine.compiler(directory).partition(" ")
    cache = (directory / "CMakeCache.txt").read_text()
    kind = re.search(r"^CMAKE_BUILD_TYPE:\w+=(\w*)$", cache, re.MULTILINE)
    named = f"{'g++' if name == 'GNU' else name} {'.'.join(version.split('.')[:2])}"
    return f"{named} {kind.group(1) if kind else ''} {platform.machine()}"


def _reason_to_skip(compiler: str) -> str | None:
    if not (compiler.startswith(f"{COMPILER}.") and compiler.endswith(" Release x86_64")):
        return f"the table is for {COMPILER} Release x86_64; this build is {compiler}"
    if not shutil.which("valgrind"):
        return "valgrind is not installed (tools/install-packages check)"
    return None


def main(root: pathlib.Path, directory: pathlib.Path, update: bool) -> int:
    """Returns the exit code: 0 if all cells match the table, 1 if not, SKIPPED if the table has no
    entry for this build or cannot be compared."""
    compiler = _compiler(directory)
    if reason := _reason_to_skip(compiler):
        print(f"instructions: skipped: {reason}")
        return SKIPPED
    path = root / "bench" / "instructions.toml"
    expected = table_of(path.read_text()).instructions if path.exists() else {}
    counted = count_all(directory)
    print(report_of(counted, expected))
    if update:
        path.write_text(text_of(Table(compiler, counted)))
        return 0
    complaints = judge(counted, expected)
    print("".join(f"{complaint}\n" for complaint in complaints), end="")
    return 1 if complaints else 0
