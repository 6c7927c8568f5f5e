#!/usr/bin/env python3
"""Tests what the system benchmarks do around their programs: the file, its copy, the cells."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from suite import system  # noqa: E402
from suite.build import Failure  # noqa: E402
from suite.system_cells import BURST, CELLS, SEGMENTS, SUBJECTS  # noqa: E402


class Files(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "data"
        system.make_data(self.path, 2)

    def test_each_block_begins_with_its_number(self):
        data = self.path.read_bytes()
        self.assertEqual(len(data), 2 * system.MIB)
        numbers = [
            int.from_bytes(data[at : at + 8], "little")
            for at in range(0, len(data), system.BLOCK_BYTES)
        ]
        self.assertEqual(numbers, list(range(512)))

    def test_a_right_copy_passes(self):
        system.check_copy(self.path, 2)

    def test_a_short_copy_is_told(self):
        with open(self.path, "r+b") as file:
            file.truncate(2 * system.MIB - 1)
        with self.assertRaisesRegex(Failure, "2097151 bytes instead of 2097152"):
            system.check_copy(self.path, 2)

    def test_a_block_in_the_wrong_place_is_told(self):
        with open(self.path, "r+b") as file:
            file.seek(511 * system.BLOCK_BYTES)
            file.write(bytes(8))
        with self.assertRaisesRegex(Failure, "block 511 of the copy"):
            system.check_copy(self.path, 2)


class Cells(unittest.TestCase):
    def cells(self):
        return [(bench, cell) for bench, cells in CELLS.items() for cell in cells]

    def test_each_has_weft_a_floor_and_known_subjects(self):
        for bench, cell in self.cells():
            with self.subTest(f"{bench} {cell.name}"):
                self.assertEqual(cell.subjects[:2], ("weft", "raw"))
                self.assertLessEqual(set(cell.subjects), set(SUBJECTS))

    def test_counts_are_whole_bursts_and_whole_sends(self):
        wholes = {"udp-one-way": BURST, "udp-batch": BURST, "udp-segments": SEGMENTS}
        seen = set()
        for _, cell in self.cells():
            if cell.name in wholes:
                seen.add(cell.name)
                self.assertEqual([count % wholes[cell.name] for count in cell.counts], [0, 0])
        self.assertEqual(seen, set(wholes))

    def test_a_quick_run_does_less(self):
        for bench, cell in self.cells():
            if cell.counts is not None:
                self.assertLess(cell.counts[1], cell.counts[0], f"{bench} {cell.name}")

    def test_without_a_network_of_its_own_those_with_getaddrinfo_are_left_out(self):
        for cell in CELLS["dns"]:
            left = system.without_getaddrinfo(cell)
            self.assertEqual(left.subjects, ("weft", "raw", "go", "tokio"))
            self.assertEqual(left.counts, cell.counts)

    def test_programs_are_built(self):
        targets = {bench.name: bench.targets for bench in system.BENCHMARKS}
        self.assertIn("system_go_program", targets["files"])
        self.assertIn("system_tokio_program", targets["udp"])
        self.assertIn("system_weft", targets["process"])
        self.assertNotIn("name_server", targets["udp"])
        self.assertIn("name_server", targets["dns"])


if __name__ == "__main__":
    unittest.main()
