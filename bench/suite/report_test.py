#!/usr/bin/env python3
"""Tests the table of bench/run, its JSON, and the goals in them, with made-up figures."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from suite import report  # noqa: E402
from suite.core_cells import CELLS, Cell  # noqa: E402
from suite.goals import BEST, Goal, at_most, fib_calls, skynet_leaves  # noqa: E402
from suite.report import Result, results_of  # noqa: E402


def row(goal: Goal | None = None, metric: str = "time", **samples: list[float]) -> list[Result]:
    """Results of one row of the cell `spawn`; the subjects are the names of the samples."""
    params = {"cell": "spawn", "workers": 1}
    return results_of("task", params, metric, "ns", next(iter(samples)), samples, goal)


def goal_of(results: list[Result], metric: str = "time") -> list[str]:
    rows = [row for row in report.rows_of(results)["task"] if row.any.metric == metric]
    return rows[0].goal_cells()


class Scaling(unittest.TestCase):
    def test_calls_are_those_of_the_recursion(self):
        def calls(n: int) -> int:
            return 1 if n < 2 else 1 + calls(n - 1) + calls(n - 2)

        self.assertEqual([fib_calls(n) for n in range(15)], [calls(n) for n in range(15)])

    def test_a_goal_is_in_proportion_to_the_work(self):
        goal = Goal(250, work=fib_calls, size=39)
        self.assertAlmostEqual(goal.at(39).limit, 250)
        self.assertAlmostEqual(goal.at(30).limit, 250 * 2_692_537 / 204_668_309)
        self.assertAlmostEqual(Goal(230, work=skynet_leaves, size=8).at(6).limit, 2.3)

    def test_others_are_the_same_for_any_count(self):
        self.assertEqual(Goal(5).at(1_000), Goal(5))
        self.assertEqual(Goal(5, metric="p99").at(1_000), Goal(5, metric="p99"))

    def test_goals_go_by_the_number_of_workers(self):
        self.assertEqual(at_most(10, 30), {1: Goal(10), 2: Goal(30)})
        self.assertEqual(at_most(two=40), {2: Goal(40)})
        self.assertEqual(at_most(), {})


class Cells(unittest.TestCase):
    def cell(self, bench: str, name: str) -> Cell:
        return next(cell for cell in CELLS[bench] if cell.name == name)

    def test_a_cell_has_goals_for_numbers_of_workers_that_it_has(self):
        for bench, cells in CELLS.items():
            for cell in cells:
                for figure in cell.figures:
                    unknown = set(figure.goals) - {1, 2}
                    self.assertFalse(unknown, f"{bench} {cell.name}")

    def test_a_goal_is_a_multiple_of_something_in_its_cell(self):
        for cells in CELLS.values():
            for cell in cells:
                for goal in (goal for figure in cell.figures for goal in figure.goals.values()):
                    self.assertIn(goal.subject, {"", BEST, *cell.subjects})
                    self.assertIn(goal.metric, {"", *(figure.metric for figure in cell.figures)})

    def test_by_workers_and_by_size(self):
        time = self.cell("task", "spawn-join").figures[0]
        self.assertEqual(time.goal(1, 8_000), Goal(10))
        self.assertEqual(time.goal(2, 8_000), Goal(30))
        fib = self.cell("forkjoin", "fib").figures[0]
        self.assertIsNone(fib.goal(1, 30))
        self.assertAlmostEqual(fib.goal(2, 30).limit, 3.289, 3)
        self.assertAlmostEqual(fib.goal(2, 27).limit, 0.776, 3)
        skynet = self.cell("forkjoin", "skynet-tasks").figures[0]
        self.assertAlmostEqual(skynet.goal(2, 6).limit, 5.5)


class Reached(unittest.TestCase):
    def test_an_amount(self):
        self.assertEqual(goal_of(row(Goal(10), weft=[9, 10, 50])), ["≤ 10", "✓"])
        self.assertEqual(goal_of(row(Goal(10), weft=[1, 70, 80])), ["≤ 10", "✗ 7.0×"])
        self.assertEqual(goal_of(row(Goal(10), weft=[10.5])), ["≤ 10", "✗ 1.05×"])

    def test_what_is_judged_is_what_is_printed(self):
        self.assertEqual(goal_of(row(Goal(10), weft=[10.04])), ["≤ 10", "✓"])
        self.assertEqual(goal_of(row(Goal(10), weft=[10.06])), ["≤ 10", "✗ 1.01×"])

    def test_a_multiple_of_a_subject_goes_by_rounds(self):
        goal = Goal(1.03, subject="raw")
        drifting = row(goal, weft=[10, 20, 40], raw=[10, 20, 20])
        self.assertEqual(goal_of(drifting), ["≤ 1.03 × raw", "✓"])
        slow = row(goal, weft=[10, 20, 30], raw=[5, 10, 30])
        self.assertEqual(goal_of(slow), ["≤ 1.03 × raw", "✗ 1.94×"])

    def test_the_best_peer_is_not_weft_by_another_name(self):
        others = {"weft-coroutine": [1], "go": [20], "tokio": [8]}
        results = row(Goal(1, subject=BEST), weft=[10], **others)
        self.assertEqual(goal_of(results), ["≤ 1 × best", "✗ 1.25×"])

    def test_a_multiple_of_its_own(self):
        goal = Goal(5, metric="p99_unloaded")
        results = row(None, "p99_unloaded", weft=[1, 2], go=[1, 1])
        results += row(goal, "p99_loaded", weft=[5, 40], go=[1, 1])
        self.assertEqual(goal_of(results, "p99_loaded"), ["≤ 5 × p99_unloaded", "✗ 2.5×"])

    def test_what_it_is_a_multiple_of_may_be_missing(self):
        self.assertEqual(goal_of(row(Goal(1.03, subject="raw"), weft=[1])), ["≤ 1.03 × raw", "?"])
        self.assertEqual(goal_of(row(Goal(1, subject=BEST), weft=[1])), ["≤ 1 × best", "?"])

    def test_the_figure_that_would_do(self):
        (found,) = report.rows_of(row(Goal(2, subject="raw"), weft=[30], raw=[10]))["task"]
        self.assertAlmostEqual(found.goal_figure(), 20)


class Table(unittest.TestCase):
    def test_goals_stand_in_the_row_and_in_a_list(self):
        results = row(Goal(10), weft=[70, 70, 70], go=[100, 100, 100])
        results += row(Goal(40), "cpu", weft=[20, 20, 20], go=[10, 10, 10])
        results += row(None, "spawn", weft=[1, 1, 1], go=[1, 1, 1])
        self.assertEqual(
            report.table(results),
            """\
task                         goal          spread  weft            go
  spawn, 1 worker  time ns   ≤ 10  ✗ 7.0×     ±0%  70.0  100.0 (0.70)
  spawn, 1 worker  cpu ns    ≤ 40  ✓          ±0%  20.0  10.0 (2.00!)
  spawn, 1 worker  spawn ns                   ±0%   1.0    1.0 (1.00)

medians; in parentheses weft's cost / the peer's; ! where the peer is ahead by over 3%
weft is behind somebody in 1 of 3 rows
                                 weft  ahead of it: weft's cost / theirs
  task: spawn, 1 worker, cpu ns  20.0  go 2.00

weft does not reach the goal in 1 of 2 rows that have one
                                  weft  goal  weft's figure / the goal
  task: spawn, 1 worker, time ns  70.0  ≤ 10  ✗ 7.0×""",
        )

    def test_no_column_where_nobody_has_a_goal(self):
        self.assertNotIn("goal", report.table(row(None, weft=[1], go=[2])))
        self.assertNotIn("goal", report.table(row(None, threads=[1], fibers=[2])))


class Markdown(unittest.TestCase):
    def test_a_row_a_metric_and_a_column_a_subject(self):
        results = row(None, weft=[70, 70, 70], go=[100, 100, 100])
        results += row(None, "cpu", weft=[20, 20, 20], go=[10, 10, 10], tokio=[30, 30, 30])
        self.assertEqual(
            report.markdown(results),
            """\
| cell | figure | weft | go | tokio |
| --- | --- | --- | --- | --- |
| spawn, 1 worker | time, ns | 70.0 | 100.0 (0.70) | – |
| spawn, 1 worker | cpu, ns | 20.0 | 10.0 (2.00!) | 30.0 (0.67) |""",
        )


class Json(unittest.TestCase):
    def test_goals_are_added_to_entries_of_weft_that_have_one(self):
        results = row(Goal(10), weft=[70], go=[100])
        results += row(Goal(0.5, subject="go"), "cpu", weft=[5], go=[20])
        results += row(None, "spawn", weft=[1])
        entries = report.entries(results)
        self.assertEqual(
            [(entry["metric"], entry["subject"], entry.pop("goal", None)) for entry in entries],
            [
                ("time", "weft", {"at_most": 10, "ratio": 7.0, "reached": False}),
                ("time", "go", None),
                ("cpu", "weft", {"at_most": 0.5, "times": "go", "ratio": 0.5, "reached": True}),
                ("cpu", "go", None),
                ("spawn", "weft", None),
            ],
        )
        self.assertEqual(entries, [result.as_json() for result in results])


if __name__ == "__main__":
    unittest.main()
