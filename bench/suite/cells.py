"""Runs the cells of a benchmark whose subjects are programs, one a subject.

A program does one cell's work and prints its figures. Rounds go over the subjects in turn, so that
a drift of the host falls on all of them. With one worker a program has one CPU, with two it has
two.
"""

import dataclasses
import os
import pathlib
import subprocess
from typing import Callable

from . import processes
from .build import Failure
from .core_cells import SERIAL, Cell
from .report import Result, results_of

ROUNDS = 5
WINDOW_S = 0.12
QUICK_WINDOW_S = 0.03
DEADLINE_S = 60  # of one cell of one subject

# subject → (program, its additional environment)
Subjects = dict[str, tuple[str, dict[str, str]]]


@dataclasses.dataclass(frozen=True)
class Place:
    """Where the programs are, and what is done around each run of a cell."""

    bench: pathlib.Path  # the directory of the programs, and in which they run
    subjects: Subjects
    # Prepares a run, and returns a command that runs the program's.
    before: Callable[[Cell], list[str]] = lambda cell: []
    # Checks what a run of this count has left behind.
    after: Callable[[Cell, int], None] = lambda cell, count: None


def _cpus(workers: int) -> set[int]:
    server, _ = processes.cpu_split()
    return server if workers == 1 else os.sched_getaffinity(0)


def _run(place: Place, subject: str, cell: Cell, workers: int, count: int) -> list[float]:
    """Returns the figures of one run of one subject."""
    program, environment = place.subjects[subject]
    name = cell.peers_run if cell.peers_run and subject != "weft" else cell.name
    command = [*place.before(cell), str(place.bench / program), name, str(workers), str(count)]
    try:
        done = subprocess.run(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            timeout=DEADLINE_S,
            env={**os.environ, **environment},
            cwd=place.bench,
            preexec_fn=processes.pinned_to(_cpus(workers)),
        )
    except subprocess.TimeoutExpired:
        raise Failure(f"{' '.join(command)}: not done after {DEADLINE_S} s") from None
    if done.returncode != 0 or done.stderr:
        raise Failure(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    figures = [float(text) for text in done.stdout.split()]
    if len(figures) != len(cell.figures):
        raise Failure(f"{' '.join(command)}: printed {done.stdout!r}")
    place.after(cell, count)
    return figures


def _weft_has(place: Place, cell: Cell) -> bool:
    """Asks the program for its cells. It has none for features that weft lacks."""
    program = str(place.bench / place.subjects["weft"][0])
    listed = subprocess.run([program], stderr=subprocess.PIPE, text=True).stderr
    return cell.name in listed.split()


def _count(place: Place, subject: str, cell: Cell, workers: int, quick: bool) -> int:
    fixed = cell.count(subject, quick)
    if fixed is not None:
        return fixed
    # A window's count, by the time that a few took; rounded to the thousand, as some cells divide
    # by it.
    ns = _run(place, subject, cell, workers, cell.probe)[0]
    window = QUICK_WINDOW_S if quick else WINDOW_S
    return max(cell.probe, round(window * 1e9 / max(ns, 1) / 8_000) * 8_000)


def measure_cell(
    place: Place, bench: str, cell: Cell, workers: int, quick: bool, log
) -> list[Result]:
    """Returns the results of one cell, of all its subjects."""
    subjects = [
        name
        for name in cell.subjects
        if (name not in SERIAL or workers == 1) and (name != "weft" or _weft_has(place, cell))
    ]
    counts = {name: _count(place, name, cell, workers, quick) for name in subjects}
    samples = {name: [] for name in subjects}
    for turn in range(ROUNDS):
        for name in subjects if turn % 2 == 0 else reversed(subjects):
            samples[name].append(_run(place, name, cell, workers, counts[name]))
    results = []
    for index, figure in enumerate(cell.figures):
        values = {name: [taken[index] for taken in samples[name]] for name in subjects}
        params = {"cell": cell.name, "workers": workers}
        goal = figure.goal(workers, counts["weft"]) if "weft" in counts else None
        results += results_of(bench, params, figure.metric, figure.unit, subjects[0], values, goal)
        shown = "  ".join(f"{name} {sorted(v)[len(v) // 2]:,.1f}" for name, v in values.items())
        log(f"  {cell.name}, {workers} worker(s), {figure.metric}: {shown} {figure.unit}")
    return results


def targets_of(cells: list[Cell], subjects: Subjects) -> list[str]:
    """Returns the build's targets of the programs."""
    programs = {subjects[subject][0] for cell in cells for subject in cell.subjects}
    return sorted(
        f"{program}_program" if program.endswith(("_go", "_tokio")) else program
        for program in programs
    )
