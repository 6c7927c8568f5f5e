"""What a benchmark returns, and how it is printed."""

import dataclasses
import statistics
from typing import Callable


@dataclasses.dataclass(frozen=True)
class Benchmark:
    name: str
    summary: str
    targets: list[str]
    commands: list[str]
    run: Callable


@dataclasses.dataclass(frozen=True)
class Result:
    """One metric of one subject: a sample a round, and each round's ratio to the base."""

    bench: str
    subject: str
    params: dict
    metric: str
    unit: str
    samples: list[float]
    ratios: list[float]

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
    bench: str, params: dict, metric: str, unit: str, base: str, samples: dict[str, list[float]]
) -> list[Result]:
    """A Result a subject. Ratios are taken round by round (the host drifts), then their median."""
    return [
        Result(
            bench,
            subject,
            params,
            metric,
            unit,
            values,
            [v / b for v, b in zip(values, samples[base])],
        )
        for subject, values in samples.items()
    ]


def more_is_better(unit: str) -> bool:
    """Of a rate or a share more is better; of everything else, which is a cost, less."""
    return unit in ("1/s", "%")


def _aligned(rows: list[list[str]], text_columns: int) -> str:
    """Plain text: the first columns to the left, the others, numbers, to the right."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column < text_columns else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)


def cost_ratio(weft: Result, peer: Result) -> float:
    """The median of the rounds' ratios of weft's cost to the peer's: below 1, weft is ahead."""
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
        """weft's cost to each peer's; none of a share, which is neither good nor bad."""
        weft = self.results.get("weft")
        if weft is None or weft.unit == "%":
            return {}
        peers = {n: r for n, r in self.results.items() if not n.startswith("weft")}
        return {name: cost_ratio(weft, peer) for name, peer in peers.items()}

    def ahead(self) -> dict[str, float]:
        """Who is ahead of weft, the first one first."""
        found = {name: ratio for name, ratio in self.ratios().items() if ratio > BEHIND_FROM}
        return dict(sorted(found.items(), key=lambda item: -item[1]))

    def cell(self, subject: str) -> str:
        """What stands in the subject's column."""
        result = self.results.get(subject)
        if result is None:
            return ""
        text = f"{statistics.median(result.samples):,.1f}"
        ratio = self.ratios().get(subject)
        if ratio is None:
            return text
        return f"{text} ({ratio:.2f}{'!' if ratio > BEHIND_FROM else ''})"

    def spread(self) -> str:
        weft = self.results.get("weft")
        if weft is None:
            return ""
        half = (max(weft.samples) - min(weft.samples)) / 2
        return f"±{100 * half / (statistics.median(weft.samples) or 1):.0f}%"


def _rows(results: list[Result]) -> dict[str, list[Row]]:
    """The rows of each benchmark."""
    found: dict[str, dict[tuple, dict[str, Result]]] = {}
    for result in results:
        key = (str(result.params), result.metric)
        found.setdefault(result.bench, {}).setdefault(key, {})[result.subject] = result
    return {bench: [Row(group) for group in rows.values()] for bench, rows in found.items()}


def _bench_table(bench: str, rows: list[Row]) -> str:
    subjects = list(dict.fromkeys(name for row in rows for name in row.results))
    if "weft" in subjects:
        subjects = ["weft", *(name for name in subjects if name != "weft")]
    head = [bench, "", *(["spread"] if "weft" in subjects else []), *subjects]
    lines = [head]
    for row in rows:
        spread = [row.spread()] if "weft" in subjects else []
        metric = f"{row.any.metric} {row.any.unit}"
        lines.append([f"  {row.name}", metric, *spread, *(row.cell(name) for name in subjects)])
    return _aligned(lines, 2)


def table(results: list[Result]) -> str:
    """A table a benchmark, a row a metric, a column a subject; then the rows where weft is behind.
    In parentheses is weft's cost to that peer's: below 1 weft is ahead, ! marks where it is not."""
    benches = _rows(results)
    parts = [_bench_table(bench, rows) for bench, rows in benches.items()]
    compared = [(b, row) for b, rows in benches.items() for row in rows if row.ratios()]
    if not compared:
        return "\n\n".join(parts)
    behind = [(bench, row) for bench, row in compared if row.ahead()]
    lines = [["", "", "weft", "ahead of it: weft's cost / theirs"]]
    for bench, row in behind:
        ahead = "  ".join(f"{name} {ratio:.2f}" for name, ratio in row.ahead().items())
        what = f"  {bench}: {row.name}, {row.any.metric} {row.any.unit}"
        lines.append([what, "", row.cell("weft"), ahead])
    parts.append(
        "medians; in parentheses weft's cost / the peer's; ! where the peer is ahead by over 3%\n"
        f"weft is behind somebody in {len(behind)} of {len(compared)} rows"
    )
    return "\n\n".join(parts) + ("\n" + _aligned(lines, 4) if behind else "")
