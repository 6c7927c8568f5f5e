"""bench/run fiber: weft's fibers beside Boost.Context, Boost.Fiber, Go, and weft's coroutines.

Each subject is a program that does one cell's work on one thread and prints its figure. Rounds go
over the subjects in turn, so that a drift of the host falls on all of them.
"""

import os
import pathlib
import subprocess

from . import processes
from .build import Failure
from .goals import Goal
from .report import Benchmark, Result, results_of

ROUNDS = 11
QUICK_ROUNDS = 5

# subject → (program, prefix of its cells)
WEFT = ("fiber_weft", "")
COROUTINE = ("fiber_weft", "coroutine-")
BOOST = ("fiber_boost", "")
GO = ("fiber_go", "")

# (cell, metric, unit, weft's goal, count, quick count, subjects: the first is the base)
CELLS = [
    ("switch", "switch", "ns", 2, 20_000_000, 4_000_000, {
        "boost-context": BOOST, "weft": WEFT,
    }),
    *(
        (cell, metric, unit, goal, count, quick, {
            "boost-fiber": BOOST, "weft": WEFT, "weft-coroutine": COROUTINE, "go": GO,
        })
        for cell, metric, unit, goal, count, quick in (
            ("yield-2", "yield", "ns", 6, 8_000_000, 1_000_000),
            ("yield-1000", "yield", "ns", 26, 8_000_000, 1_000_000),
            ("spawn-join", "spawn_and_join", "ns", 60, 1_000_000, 200_000),
            ("ping-pong", "round", "ns", 60, 2_000_000, 400_000),
            ("memory", "resident_per_parked_fiber", "bytes", 4_096, 20_000, 20_000),
        )
    ),
]


def _measure(build_directory: pathlib.Path, subject: tuple, cell: str, count: int, cpus) -> float:
    program, prefix = subject
    command = [str(build_directory / "bench" / program), prefix + cell, str(count)]
    done = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "GOMAXPROCS": "1"},
        preexec_fn=processes.pinned_to(cpus),
    )
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    return float(done.stdout)


def run(build_directory: pathlib.Path, quick: bool, log) -> list[Result]:
    cpus, _ = processes.cpu_split()
    results = []
    for cell, metric, unit, limit, full_count, quick_count, subjects in CELLS:
        count = quick_count if quick else full_count
        samples: dict[str, list[float]] = {name: [] for name in subjects}
        for turn in range(QUICK_ROUNDS if quick else ROUNDS):
            order = list(subjects) if turn % 2 == 0 else list(reversed(subjects))
            for name in order:
                figure = _measure(build_directory, subjects[name], cell, count, cpus)
                samples[name].append(figure)
            shown = "  ".join(f"{name} {values[-1]:,.2f}" for name, values in samples.items())
            log(f"  {cell} round {turn + 1}: {shown} {unit}")
        base = next(iter(subjects))
        params = {"cell": cell}
        results += results_of("fiber", params, metric, unit, base, samples, Goal(limit))
    return results


BENCHMARK = Benchmark(
    name="fiber",
    summary="switch, yield, spawn + join and memory of fibers beside Boost, Go and coroutines",
    targets=["fiber_weft", "fiber_boost", "fiber_go_program"],
    commands=["go"],
    run=run,
)
