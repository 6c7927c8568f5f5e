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


def table(results: list[Result]) -> str:
    """An aligned plain-text table: text to the left, numbers to the right."""
    rows = [
        [
            "bench",
            "params",
            "metric",
            "unit",
            "subject",
            "median",
            "min",
            "max",
            "runs",
            "ratio to base",
        ]
    ]
    for entry in (result.as_json() for result in results):
        params = " ".join(f"{key}={value}" for key, value in entry["params"].items())
        rows.append(
            [
                entry["bench"],
                params,
                entry["metric"],
                entry["unit"],
                entry["subject"],
                *(f"{entry[key]:,.2f}" for key in ("median", "min", "max")),
                str(entry["runs"]),
                f"{entry['ratio_to_base']:.3f}",
            ]
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column < 5 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
