"""The core benchmarks of bench/run: task, yield, pingpong … forkjoin, each a group of cells.

Each subject is a program (bench/core/) that does one cell's work and prints its figures. Rounds go
over the subjects in turn, so that a drift of the host falls on all of them. With one worker a
program has one CPU, with two it has two.
"""

import os
import pathlib
import subprocess

from . import plots, processes
from .build import Failure
from .core_cells import CELLS, SERIAL, SUBJECTS, Cell
from .report import Benchmark, Result, results_of

ROUNDS = 5
WINDOW_S = 0.12
QUICK_WINDOW_S = 0.03
DEADLINE_S = 60  # of one cell of one subject

SUMMARIES = {
    "task": "create, await, spawn and join tasks beside the peers",
    "yield": "1,000 tasks that yield",
    "pingpong": "two tasks that hand a number to and fro",
    "channel": "a bounded channel, 1 to 1, 4 to 1 and 4 to 4",
    "mutex": "a mutex for tasks, alone and with 8 at it",
    "semaphore": "4 permits, 8 tasks",
    "timer": "timers created, cancelled and fired",
    "memory": "bytes and time of a task that waits",
    "fairness": "the slow rounds of a ping-pong beside tasks that do not wait",
    "wake": "wakes and work that come from outside the runtime",
    "forkjoin": "fib, skynet, nqueens, matmul: fork and join",
}


def _cpus(workers: int) -> set[int]:
    server, _ = processes.cpu_split()
    return server if workers == 1 else os.sched_getaffinity(0)


def _measure(directory: pathlib.Path, subject: str, cell: Cell, workers: int, count: int):
    program, environment = SUBJECTS[subject]
    name = cell.peers_run if cell.peers_run and subject != "weft" else cell.name
    command = [str(directory / "bench" / program), name, str(workers), str(count)]
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=DEADLINE_S,
            env={**os.environ, **environment},
            preexec_fn=processes.pinned_to(_cpus(workers)),
        )
    except subprocess.TimeoutExpired:
        raise Failure(f"{' '.join(command)}: not done after {DEADLINE_S} s") from None
    if done.returncode != 0 or done.stderr:
        raise Failure(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    figures = [float(text) for text in done.stdout.split()]
    if len(figures) != len(cell.figures):
        raise Failure(f"{' '.join(command)}: printed {done.stdout!r}")
    return figures


def _weft_has(directory: pathlib.Path, cell: Cell) -> bool:
    """Asks the program for its cells. It has none for features that weft lacks."""
    program = str(directory / "bench" / SUBJECTS["weft"][0])
    listed = subprocess.run([program], stderr=subprocess.PIPE, text=True).stderr
    return cell.name in listed.split()


def _count(directory: pathlib.Path, subject: str, cell: Cell, workers: int, quick: bool) -> int:
    fixed = cell.count(subject, quick)
    if fixed is not None:
        return fixed
    # A window's count, by the time that a few took; rounded to the thousand, as some cells divide
    # by it.
    ns = _measure(directory, subject, cell, workers, cell.probe)[0]
    window = QUICK_WINDOW_S if quick else WINDOW_S
    return max(cell.probe, round(window * 1e9 / max(ns, 1) / 8_000) * 8_000)


def _cell(directory, bench: str, cell: Cell, workers: int, quick: bool, log) -> list[Result]:
    subjects = [
        name
        for name in cell.subjects
        if (name not in SERIAL or workers == 1) and (name != "weft" or _weft_has(directory, cell))
    ]
    counts = {name: _count(directory, name, cell, workers, quick) for name in subjects}
    samples = {name: [] for name in subjects}
    for turn in range(ROUNDS):
        for name in subjects if turn % 2 == 0 else reversed(subjects):
            samples[name].append(_measure(directory, name, cell, workers, counts[name]))
    results = []
    for index, figure in enumerate(cell.figures):
        values = {name: [taken[index] for taken in samples[name]] for name in subjects}
        params = {"cell": cell.name, "workers": workers}
        goal = figure.goal(workers, counts["weft"]) if "weft" in counts else None
        results += results_of(bench, params, figure.metric, figure.unit, subjects[0], values, goal)
        shown = "  ".join(f"{name} {sorted(v)[len(v) // 2]:,.1f}" for name, v in values.items())
        log(f"  {cell.name}, {workers} worker(s), {figure.metric}: {shown} {figure.unit}")
    return results


def _runner(bench: str):
    def run(directory: pathlib.Path, quick: bool, log) -> list[Result]:
        results = []
        for cell in CELLS[bench]:
            for workers in cell.workers:
                if workers <= len(os.sched_getaffinity(0)):
                    results += _cell(directory, bench, cell, workers, quick, log)
        plot = directory.parent / "bench" / f"{bench}.svg"
        plots.bars(results, SUMMARIES[bench], plot)
        log(f"  drawn: {plot}")
        return results

    return run


def _targets(bench: str) -> list[str]:
    programs = {SUBJECTS[subject][0] for cell in CELLS[bench] for subject in cell.subjects}
    return sorted(
        f"{program}_program" if program in ("core_go", "core_tokio") else program
        for program in programs
    )


BENCHMARKS = [
    Benchmark(
        name=bench,
        summary=SUMMARIES[bench],
        targets=_targets(bench),
        commands=["go", "/usr/bin/cargo"],
        run=_runner(bench),
    )
    for bench in CELLS
]
