"""bench/run models: `weft models` with growing numbers of waiters, and a plot of their costs.

The plot, build/bench/models.svg, is the one in the README.
"""

import json
import pathlib
import subprocess

from . import plots
from .build import Failure
from .report import Benchmark, Result

COUNTS = [100, 1_000, 10_000, 100_000]
QUICK_COUNTS = [100, 1_000]
METRICS = {
    "wall_ms": "ms",
    "cpu_ms": "ms",
    "memory_per_waiter_bytes": "bytes",
    "switches": "1",
    "allocations_per_waiter": "1",
}
BASE = "threads"
TITLE = "Memory and time of five ways of writing the same work, by the number of waiters"


def _runs_of(program: pathlib.Path, count: int) -> list[dict]:
    command = [str(program), "models", "--count", str(count), "--delay", "1000", "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)}: exit {done.returncode}: {done.stderr.strip()}")
    return json.loads(done.stdout)["models"]


def _results(count: int, runs: list[dict]) -> list[Result]:
    base = next(run for run in runs if run["model"] == BASE)
    results = []
    for metric, unit in METRICS.items():
        for run in runs:
            figure = float(run[metric])
            ratio = figure / base[metric] if base[metric] else 0.0
            params = {"waiters": run["count"], "asked": count}
            results.append(Result("models", run["model"], params, metric, unit, [figure], [ratio]))
    return results


def _plot(series: dict[int, list[dict]], path: pathlib.Path) -> None:
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "weft"  # the same figure is the same file
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    panels = (
        (axes[0], "memory of all waiters (MiB)", lambda run: run["memory_per_waiter_bytes"]
         * run["count"] / 2**20),
        (axes[1], "time (s), of which 1 s is the delay", lambda run: run["wall_ms"] / 1000),
    )
    models = [run["model"] for run in next(iter(series.values()))]
    for axis, title, value in panels:
        for model in models:
            points = {}
            for runs in series.values():
                run = next(run for run in runs if run["model"] == model)
                points[run["count"]] = value(run)
            axis.plot(list(points), list(points.values()), marker="o", label=model)
        axis.set(xscale="log", yscale="log", xlabel="waiters at once", title=title)
        axis.grid(True, alpha=0.3)
    axes[0].legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None}, transparent=True)
    plots.adapt_to_dark_pages(path, TITLE)


def run(build_directory: pathlib.Path, quick: bool, log) -> list[Result]:
    program = build_directory / "tools" / "weft" / "weft"
    series = {}
    results = []
    for count in QUICK_COUNTS if quick else COUNTS:
        series[count] = _runs_of(program, count)
        results += _results(count, series[count])
        log(f"  {count:,} waiters: " + "  ".join(
            f"{run['model']} {run['wall_ms']:,.0f} ms {run['memory_per_waiter_bytes']:,} B"
            for run in series[count]
        ))
    plot = build_directory.parent / "bench" / "models.svg"
    _plot(series, plot)
    log(f"  drawn: {plot}")
    return results


BENCHMARK = Benchmark(
    name="models",
    summary="one work in five ways of writing it, with growing numbers of waiters",
    targets=["weft_program"],
    commands=[],
    run=run,
)
