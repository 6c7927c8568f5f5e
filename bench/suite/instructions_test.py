#!/usr/bin/env python3
"""Tests the comparison of instruction counts with their table, and the update of the table."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

from suite import instructions  # noqa: E402


class Judge(unittest.TestCase):
    def test_less_than_two_per_cent_either_way_is_as_expected(self):
        self.assertEqual(instructions.judge({"x": 305, "y": 295}, {"x": 300, "y": 300}), [])

    def test_more_is_a_failure(self):
        self.assertEqual(
            instructions.judge({"x": 3120}, {"x": 3000}),
            ["cell x: 3,120.0 instructions an operation, 3,000.0 expected (+4.0 %)"],
        )

    def test_fewer_asks_for_an_update(self):
        self.assertEqual(
            instructions.judge({"x": 290}, {"x": 300}),
            [
                "cell x: 290.0 instructions an operation, 300.0 expected (-3.3 %); "
                "fewer than the table says: `bench/run instructions --update`"
            ],
        )

    def test_table_and_cells_have_the_same_names(self):
        new, old = instructions.judge({"new": 1}, {"old": 1})
        self.assertTrue(new.startswith("cell new: not in bench/instructions.toml"), new)
        self.assertTrue(old.startswith("cell old: in bench/instructions.toml alone"), old)


class TheTable(unittest.TestCase):
    def test_is_read_as_it_was_written(self):
        table = instructions.Table("g++ 12.2 Release x86_64", {"ping-pong": 769.4, "await": 175})
        self.assertEqual(instructions.table_of(instructions.text_of(table)), table)

    def test_has_every_cell(self):
        path = pathlib.Path(__file__).resolve().parent.parent / "instructions.toml"
        names = instructions.table_of(path.read_text()).instructions
        self.assertEqual(list(names), [cell.name for cell in instructions.CELLS])


if __name__ == "__main__":
    unittest.main()
