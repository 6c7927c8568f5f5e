"""The results of a benchmark, and their printed forms."""

import dataclasses
import statistics
from typing import Callable

from .goals import BEST, Goal


@dataclasses.dataclass(frozen=True)
class Benchmark:
    name: str
    summary: str
    targets: list[str]
    commands: list[str]
    run: Callable


@dataclasses.dataclass(frozen=True)
class Result:
    """One metric of one subject: a sample per round, each round's ratio to the base, and the goal
    if the subject is weft and has one."""

    bench: str
    subject: str
    params: dict
    metric: str
    unit: str
    samples: list[float]
    ratios: list[float]
    goal: Goal | None = None

    def as_json(self) -> dict:
        return {
            "bench": self.bench,
            "subject": self.subject,
            "params": self.params,
            "metric": self.metric,
            "unit": self.unit,
            "median": round(statistics.median(self.samples), 3),
            "min": round(min(self.samples), 3),
            "max": round(max(self.samples), 3),
            "runs": len(self.samples),
            "ratio_to_base": round(statistics.median(self.ratios), 4),
        }


def results_of(
    bench: str,
    params: dict,
    metric: str,
    unit: str,
    base: str,
    samples: dict[str, list[float]],
    goal: Goal | None = None,
) -> list[Result]:
    """Returns a Result per subject. Ratios are taken round by round (the host drifts), then their
    median. The goal is weft's."""
    return [
        Result(
            bench,
            subject,
            params,
            metric,
            unit,
            values,
            [v / b for v, b in zip(values, samples[base])],
            goal if subject == "weft" else None,
        )
        for subject, values in samples.items()
    ]


def more_is_better(unit: str) -> bool:
    """Returns true for a rate or a share. All other metrics are costs: less is better."""
    return unit in ("1/s", "%")


def _aligned(rows: list[list[str]], text_columns: set[int]) -> str:
    """Formats plain text: `text_columns` to the left, the others (numbers) to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column in text_columns else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def cost_ratio(weft: Result, peer: Result) -> float:
    """Returns the median of the rounds' ratios of weft's cost to the peer's: weft leads below 1."""
    ratios = []
    for ours, theirs in zip(weft.samples, peer.samples):
        over, under = (theirs, ours) if more_is_better(weft.unit) else (ours, theirs)
        ratios.append(over / under if under else float("inf"))
    return statistics.median(ratios)


BEHIND_FROM = 1.03  # less is noise


@dataclasses.dataclass(frozen=True)
class Row:
    """One metric of one cell, by subject."""

    results: dict[str, Result]
    own: dict[str, Result]  # weft's of all the cell's metrics

    @property
    def any(self) -> Result:
        return next(iter(self.results.values()))

    @property
    def name(self) -> str:
        params = dict(self.any.params)
        cell = str(params.pop("cell", ""))
        texts = [cell] if cell else []
        if "workers" in params:
            workers = params.pop("workers")
            texts.append(f"{workers} worker{'s' if workers > 1 else ''}")
        return ", ".join([*texts, *(f"{key}={value}" for key, value in params.items())])

    def ratios(self) -> dict[str, float]:
        """Returns weft's cost to each peer's; none for a share, which is neither good nor bad."""
        weft = self.results.get("weft")
        if weft is None or weft.unit == "%":
            return {}
        peers = {n: r for n, r in self.results.items() if not n.startswith("weft")}
        return {name: cost_ratio(weft, peer) for name, peer in peers.items()}

    def ahead(self) -> dict[str, float]:
        """Returns the peers ahead of weft, in descending order of their lead."""
        found = {name: ratio for name, ratio in self.ratios().items() if ratio > BEHIND_FROM}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def cell(self, subject: str) -> str:
        """Returns the text of the subject's column."""
        result = self.results.get(subject)
        if result is None:
            return ""
        median = statistics.median(result.samples)
        text = f"{median:,.1f}" if median >= 1 else f"{median:.2f}"
        ratio = self.ratios().get(subject)
        if ratio is None:
            return text
        return f"{text} ({ratio:.2f}{'!' if ratio > BEHIND_FROM else ''})"

    @property
    def goal(self) -> Goal | None:
        weft = self.results.get("weft")
        return weft.goal if weft else None

    def over_goal(self) -> float | None:
        """Returns weft's figure divided by the goal's limit, to two digits, as it is printed: 1 and
        less reach the goal. None without a goal, or without the figure it is relative to."""
        figure = self._figure_for_goal()
        return None if figure is None else round(figure / self.goal.limit, 2)

    def _figure_for_goal(self) -> float | None:
        """Returns weft's figure: its amount, or its ratio to the figure that the goal names."""
        if self.goal is None:
            return None
        weft = self.results["weft"]
        if self.goal.metric:
            beside = self.own.get(self.goal.metric)
            return cost_ratio(weft, beside) if beside else None
        if self.goal.subject == BEST:
            return max(self.ratios().values(), default=None)
        if self.goal.subject:
            return self.ratios().get(self.goal.subject)
        return statistics.median(weft.samples)

    def goal_figure(self) -> float | None:
        """Returns the figure that would just reach the goal, in this row's unit."""
        figure = self._figure_for_goal()
        if not figure:
            return None
        return statistics.median(self.results["weft"].samples) / figure * self.goal.limit

    def goal_cells(self) -> list[str]:
        """Returns the goal, and whether weft reaches it; if not, weft's multiple of it."""
        over = self.over_goal()
        if over is None:
            return [str(self.goal), "?"] if self.goal else ["", ""]
        if over <= 1:
            return [str(self.goal), "✓"]
        return [str(self.goal), f"✗ {over:.2f}×" if over < 2 else f"✗ {over:,.1f}×"]

    def spread(self) -> str:
        weft = self.results.get("weft")
        if weft is None:
            return ""
        half = (max(weft.samples) - min(weft.samples)) / 2
        return f"±{100 * half / (statistics.median(weft.samples) or 1):.0f}%"


def rows_of(results: list[Result]) -> dict[str, list[Row]]:
    """Returns the rows of each benchmark."""
    groups: dict[tuple[str, str, str], dict[str, Result]] = {}
    own: dict[tuple[str, str], dict[str, Result]] = {}
    for result in results:
        cell = (result.bench, str(result.params))
        groups.setdefault((*cell, result.metric), {})[result.subject] = result
        if result.subject == "weft":
            own.setdefault(cell, {})[result.metric] = result
    found: dict[str, list[Row]] = {}
    for (bench, params, _), group in groups.items():
        found.setdefault(bench, []).append(Row(group, own.get((bench, params), {})))
    return found


def entries(results: list[Result]) -> list[dict]:
    """Returns the results for JSON, in their order. Those with a goal say whether it is reached."""
    over = {
        id(row.results["weft"]): row.over_goal()
        for rows in rows_of(results).values()
        for row in rows
        if row.goal
    }
    listed = []
    for result in results:
        entry = result.as_json()
        ratio = over.get(id(result))
        if ratio is not None:
            times = {"times": result.goal.times} if result.goal.times else {}
            limit = {"at_most": round(result.goal.limit, 4), **times}
            entry["goal"] = {**limit, "ratio": ratio, "reached": ratio <= 1}
        listed.append(entry)
    return listed


def _bench_table(bench: str, rows: list[Row]) -> str:
    subjects = list(dict.fromkeys(name for row in rows for name in row.results))
    weft = "weft" in subjects
    goals = any(row.goal for row in rows)
    if weft:
        subjects = ["weft", *(name for name in subjects if name != "weft")]
    lines = [[bench, "", *(["goal", ""] * goals), *(["spread"] * weft), *subjects]]
    for row in rows:
        goal = row.goal_cells() if goals else []
        spread = [row.spread()] if weft else []
        metric = f"{row.any.metric} {row.any.unit}"
        figures = [row.cell(name) for name in subjects]
        lines.append([f"  {row.name}", metric, *goal, *spread, *figures])
    return _aligned(lines, {0, 1, 3} if goals else {0, 1})


Named = list[tuple[str, Row]]  # rows, each with its benchmark


def _full_name(bench: str, row: Row) -> str:
    return f"  {bench}: {row.name}, {row.any.metric} {row.any.unit}"


def _behind(rows: Named) -> str:
    """Returns the rows in which a peer is ahead of weft."""
    compared = [(bench, row) for bench, row in rows if row.ratios()]
    if not compared:
        return ""
    behind = [(bench, row) for bench, row in compared if row.ahead()]
    lines = [["", "weft", "ahead of it: weft's cost / theirs"]]
    for bench, row in behind:
        ahead = "  ".join(f"{name} {ratio:.2f}" for name, ratio in row.ahead().items())
        lines.append([_full_name(bench, row), row.cell("weft"), ahead])
    head = (
        "medians; in parentheses weft's cost / the peer's; ! where the peer is ahead by over 3%\n"
        f"weft is behind somebody in {len(behind)} of {len(compared)} rows"
    )
    return head + ("\n" + _aligned(lines, {0, 2}) if behind else "")


def _short_of_goals(rows: Named) -> str:
    """Returns the rows in which weft does not reach its goal."""
    aimed = [(bench, row, row.over_goal()) for bench, row in rows]
    aimed = [(bench, row, over) for bench, row, over in aimed if over is not None]
    if not aimed:
        return ""
    short = [(bench, row) for bench, row, over in aimed if over > 1]
    lines = [["", "weft", "goal", "weft's figure / the goal"]]
    for bench, row in short:
        lines.append([_full_name(bench, row), row.cell("weft"), *row.goal_cells()])
    head = f"weft does not reach the goal in {len(short)} of {len(aimed)} rows that have one"
    return head + ("\n" + _aligned(lines, {0, 3}) if short else "")


def table(results: list[Result]) -> str:
    """Returns a table per benchmark, with a row per metric and a column per subject; then the rows
    where weft is behind, and those where it does not reach its goal. In parentheses: weft's cost to
    that peer's. Below 1 weft is ahead; ! marks where it is not."""
    benches = rows_of(results)
    named = [(bench, row) for bench, rows in benches.items() for row in rows]
    tables = [_bench_table(bench, rows) for bench, rows in benches.items()]
    return "\n\n".join(part for part in (*tables, _behind(named), _short_of_goals(named)) if part)


def markdown(results: list[Result]) -> str:
    """Returns the rows of each benchmark as a table of Markdown, for bench/README.md. What stands
    in parentheses is what table() has there."""
    tables = []
    for rows in rows_of(results).values():
        subjects = list(dict.fromkeys(name for row in rows for name in row.results))
        lines = [["cell", "figure", *subjects], ["---"] * (2 + len(subjects))]
        for row in rows:
            figure = f"{row.any.metric}, {row.any.unit}"
            figures = [row.cell(name) or "–" for name in subjects]
            lines.append([row.name, figure, *figures])
        tables.append("\n".join(f"| {' | '.join(line)} |" for line in lines))
    return "\n\n".join(tables)
