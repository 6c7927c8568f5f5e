"""The core benchmarks of bench/run: task, yield, pingpong … forkjoin, each a group of cells."""

import os
import pathlib

from . import plots
from .cells import Place, measure_cell, targets_of
from .core_cells import CELLS, SUBJECTS
from .report import Benchmark, Result

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


def _runner(bench: str):
    def run(directory: pathlib.Path, quick: bool, log) -> list[Result]:
        place = Place(directory / "bench", SUBJECTS)
        results = []
        for cell in CELLS[bench]:
            for workers in cell.workers:
                if workers <= len(os.sched_getaffinity(0)):
                    results += measure_cell(place, bench, cell, workers, quick, log)
        plot = directory.parent / "bench" / f"{bench}.svg"
        plots.bars(results, SUMMARIES[bench], plot)
        log(f"  drawn: {plot}")
        return results

    return run


BENCHMARKS = [
    Benchmark(
        name=bench,
        summary=SUMMARIES[bench],
        targets=targets_of(CELLS[bench], SUBJECTS),
        commands=["go", "/usr/bin/cargo"],
        run=_runner(bench),
    )
    for bench in CELLS
]
