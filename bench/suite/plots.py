"""A bar chart of a benchmark: a panel per cell and metric, a bar per subject, weft in a color."""

import pathlib
import statistics

from .report import Result, Row, more_is_better, rows_of

COLUMNS = 3
LOG_FROM = 20  # times the least: from that ratio on the scale is logarithmic
WEFT = "#d9480f"
PEER = "#8d99a8"
GOAL = "#1864ab"
DARK = "@media (prefers-color-scheme: dark) { svg { filter: invert(1) hue-rotate(180deg); } }"


def number(value: float) -> str:
    """Formats with three significant digits and a thousands separator."""
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _title(result: Result) -> str:
    workers = result.params["workers"]
    what = result.params["cell"] + ("" if result.metric == "time" else f": {result.metric}")
    return f"{what.replace('_', ' ')}, {workers} worker{'s' if workers > 1 else ''}"


def _panel(axis, row: Row, rows: int) -> None:
    panel = list(row.results.values())
    better_first = sorted(
        panel,
        key=lambda result: statistics.median(result.samples),
        reverse=more_is_better(panel[0].unit),
    )
    medians = [statistics.median(result.samples) for result in better_first]
    goal = row.goal_figure()
    compared = medians if goal is None else [*medians, goal]
    least, most = min(compared), max(compared)
    log = least > 0 and most / least > LOG_FROM
    start = 10 ** -0.3 * least if log else 0
    places = range(len(better_first))
    colors = [WEFT if result.subject.startswith("weft") else PEER for result in better_first]
    axis.barh(places, [m - start for m in medians], left=start, color=colors, height=0.72)
    low = [max(0, m - min(r.samples)) for m, r in zip(medians, better_first)]
    high = [max(0, max(r.samples) - m) for m, r in zip(medians, better_first)]
    axis.errorbar(medians, places, xerr=[low, high], fmt="none", ecolor="#00000088", elinewidth=1)
    if goal is not None:
        place = [result.subject for result in better_first].index("weft")
        axis.vlines(goal, place - 0.46, place + 0.46, color=GOAL, linewidth=2)
    if log:
        axis.set_xscale("log")
    # Labels stand in a column of their own, right of all bars.
    axis.set_xlim(start, most * (most / start) ** 0.05 if log else most * 1.05 or 1)
    for place, median, result in zip(places, medians, better_first):
        weight = "bold" if result.subject.startswith("weft") else "normal"
        text = f" {number(median)} {panel[0].unit}"
        axis.text(1.0, place, text, va="center", fontsize=8, fontweight=weight,
                  transform=axis.get_yaxis_transform())
    axis.set_yticks(list(places), [result.subject for result in better_first], fontsize=8)
    for label, result in zip(axis.get_yticklabels(), better_first):
        label.set_fontweight("bold" if result.subject.startswith("weft") else "normal")
    axis.set_ylim(rows - 0.4, -0.6)
    axis.set_title(_title(panel[0]), fontsize=9, loc="left", fontweight="bold")
    axis.tick_params(axis="x", bottom=False, labelbottom=False, which="both")
    axis.tick_params(axis="y", length=0)
    for side in ("top", "right", "bottom"):
        axis.spines[side].set_visible(False)
    axis.spines["left"].set_bounds(-0.5, len(better_first) - 0.5)
    if log:
        axis.text(1.04, 1.03, "log scale", transform=axis.transAxes, fontsize=7, style="italic",
                  color="#555555")


def bars(results: list[Result], title: str, path: pathlib.Path) -> None:
    """Draws the results of one benchmark. The thin lines are from least to most of the rounds, the
    mark in weft's row is its goal."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "weft"  # the same figure is the same file
    from matplotlib import pyplot

    (panels,) = rows_of(results).values()
    columns = min(COLUMNS, len(panels))
    lines = -(-len(panels) // columns)
    rows = max(len(row.results) for row in panels)
    height = 0.7 + lines * (0.42 + 0.21 * (rows + 0.3))
    figure, axes = pyplot.subplots(
        lines, columns, figsize=(0.6 + 3.5 * columns, height), squeeze=False, layout="constrained"
    )
    flat = list(axes.flat)
    for axis, row in zip(flat, panels):
        _panel(axis, row, rows)
    for axis in flat[len(panels) :]:
        axis.set_visible(False)
    shares = any(result.unit == "%" for result in results)
    note = "less is better, but for %" if shares else "less is better"
    note += "; blue: the goal" if any(row.goal for row in panels) else ""
    figure.suptitle(f"{results[0].bench}: {title} ({note})", fontsize=10, x=0.01, ha="left")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None}, transparent=True)
    pyplot.close(figure)
    adapt_to_dark_pages(path, title)


def adapt_to_dark_pages(path: pathlib.Path, title: str) -> None:
    """Makes the plot black, white on dark pages. Adds a title for screen readers."""
    text = path.read_text()
    head = f"<title>{title}</title>\n <style>{DARK}</style>\n <defs>"
    path.write_text(text.replace("<defs>", head, 1))
