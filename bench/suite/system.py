"""The system benchmarks of bench/run: files, udp, process, dns, each a group of cells."""

import contextlib
import dataclasses
import os
import pathlib
import subprocess

from . import plots
from .build import Failure
from .cells import Place, measure_cell, targets_of
from .core_cells import Cell
from .report import Benchmark, Result
from .system_cells import BY_GETADDRINFO, CELLS, DATA_MIB, SUBJECTS

MIB = 1024 * 1024
BLOCK_BYTES = 4096
CHECKED_BLOCKS = 1_000  # of a copy
NAME_SERVER = "name_server"

SUMMARIES = {
    "files": "random reads of 4 KiB, 32 at once, and a copy",
    "udp": "datagrams of 64 bytes, one at a time and in batches, and segmented sends",
    "process": "start /bin/true and wait for its end",
    "dns": "look-ups of names at a server of this machine",
}


def make_data(path: pathlib.Path, mib: int) -> None:
    """Makes the file that the cells read: each block begins with its number."""
    rest = bytes(BLOCK_BYTES - 8)
    each = MIB // BLOCK_BYTES
    with open(path, "wb") as file:
        for first in range(0, mib * each, each):
            blocks = (n.to_bytes(8, "little") + rest for n in range(first, first + each))
            file.write(b"".join(blocks))
        file.flush()
        os.fsync(file.fileno())


def check_copy(path: pathlib.Path, mib: int) -> None:
    """Checks the size of a copy, and blocks all over it, the last among them."""
    blocks = mib * MIB // BLOCK_BYTES
    size = path.stat().st_size
    if size != mib * MIB:
        raise Failure(f"{path}: the copy has {size} bytes instead of {mib * MIB}")
    step = max(1, blocks // CHECKED_BLOCKS)
    with open(path, "rb") as file:
        for block in [*range(0, blocks, step), blocks - 1]:
            file.seek(block * BLOCK_BYTES)
            if int.from_bytes(file.read(8), "little") != block:
                raise Failure(f"{path}: block {block} of the copy is not the one of the file")


@contextlib.contextmanager
def _files(bench: pathlib.Path, quick: bool):
    """A place with a file to read. A copy from an earlier run is removed before a run, so that no
    subject pays for freeing it."""
    data, copy = bench / "system.data", bench / "system.copy"

    def before(cell: Cell) -> list[str]:
        copy.unlink(missing_ok=True)
        return []

    def after(cell: Cell, count: int) -> None:
        if cell.name.startswith("copy"):
            check_copy(copy, count)

    try:
        make_data(data, DATA_MIB[1 if quick else 0])
        yield Place(bench, SUBJECTS, before, after)
    finally:
        for path in (data, copy):
            path.unlink(missing_ok=True)


@contextlib.contextmanager
def _place(bench_directory: pathlib.Path, bench: str, quick: bool):
    if bench == "files":
        with _files(bench_directory, quick) as place:
            yield place
    elif bench == "dns":
        server = str(bench_directory / NAME_SERVER)
        yield Place(bench_directory, SUBJECTS, lambda cell: [server])
    else:
        yield Place(bench_directory, SUBJECTS)


def _cells(bench_directory: pathlib.Path, bench: str, log) -> list[Cell]:
    """Returns the cells, without the subjects that this machine cannot measure."""
    if bench != "dns":
        return CELLS[bench]
    probe = [str(bench_directory / NAME_SERVER), "--probe"]
    done = subprocess.run(probe, stdout=subprocess.PIPE, text=True, cwd=bench_directory)
    if done.returncode == 0:
        return CELLS[bench]
    log(f"  without {', '.join(BY_GETADDRINFO)}: getaddrinfo(3) cannot be told the server's port,")
    log(f"  and a network of its own is not allowed here: {done.stdout.strip()}")
    return [without_getaddrinfo(cell) for cell in CELLS[bench]]


def without_getaddrinfo(cell: Cell) -> Cell:
    subjects = tuple(name for name in cell.subjects if name not in BY_GETADDRINFO)
    return dataclasses.replace(cell, subjects=subjects)


def _runner(bench: str):
    def run(directory: pathlib.Path, quick: bool, log) -> list[Result]:
        results = []
        with _place(directory / "bench", bench, quick) as place:
            for cell in _cells(place.bench, bench, log):
                for workers in cell.workers:
                    if workers <= len(os.sched_getaffinity(0)):
                        results += measure_cell(place, bench, cell, workers, quick, log)
        plot = directory.parent / "bench" / f"{bench}.svg"
        plots.bars(results, SUMMARIES[bench], plot)
        log(f"  drawn: {plot}")
        return results

    return run


def _targets(bench: str) -> list[str]:
    return targets_of(CELLS[bench], SUBJECTS) + ([NAME_SERVER] if bench == "dns" else [])


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
