#!/usr/bin/env python3
"""The reference's table: each public header is in one group; a header in none is reported."""

import sys
import unittest

from commands import ROOT

sys.path.insert(0, str(ROOT / "tools" / "guide"))
import reference  # noqa: E402

TABLE = {
    "group": [
        {"name": "tasks", "title": "Tasks", "text": "", "headers": ["task.hpp"]},
        {"name": "http", "title": "HTTP", "text": "", "headers": ["http/*"]},
    ],
    "internal": {"headers": ["frame.hpp"]},
}


def problems(headers: list[str], table: dict = TABLE) -> list[str]:
    return list(reference.sort_headers(table, headers).problems)


class Table(unittest.TestCase):
    def test_every_public_header_is_in_one_group(self):
        self.assertEqual(reference.reference().problems, ())

    def test_no_group_is_empty(self):
        for group in reference.reference().groups:
            with self.subTest(group=group.name):
                self.assertTrue(group.headers)

    def test_a_new_header_is_found(self):
        self.assertEqual(
            problems(["task.hpp", "new.hpp"]), ["include/weft/new.hpp is in 0 groups ()"]
        )

    def test_a_header_that_has_gone_is_found(self):
        self.assertEqual(
            problems([]), ["there is no include/weft/task.hpp, which group 'tasks' lists"]
        )

    def test_a_folder_may_be_empty_and_may_have_any_headers(self):
        self.assertEqual(problems(["task.hpp"]), [])
        self.assertEqual(problems(["task.hpp", "http/client.hpp", "http/server.hpp"]), [])

    def test_a_name_counts_more_than_a_folder(self):
        groups = [*TABLE["group"], {**TABLE["group"][0], "name": "x", "headers": ["http/y.hpp"]}]
        sorted_ = reference.sort_headers({**TABLE, "group": groups}, ["task.hpp", "http/y.hpp"])
        self.assertEqual(sorted_.problems, ())
        self.assertEqual(sorted_.group_of("http/y.hpp").name, "x")

    def test_two_groups_are_one_too_many(self):
        groups = [*TABLE["group"], {**TABLE["group"][0], "name": "more"}]
        found = problems(["task.hpp"], {**TABLE, "group": groups})
        self.assertEqual(found, ["include/weft/task.hpp is in 2 groups (tasks, more)"])

    def test_an_internal_header_has_no_group_and_no_problem(self):
        self.assertEqual(problems(["task.hpp", "frame.hpp"]), [])


class Filter(unittest.TestCase):
    def test_each_header_keeps_its_declarations(self):
        for group in reference.reference().groups:
            for header in group.headers:
                with self.subTest(header=header):
                    text = reference.filtered(reference.HEADERS / header)
                    self.assertIn(f"@section {reference.label_of(header)} ", text)
                    self.assertEqual(text.count("/// @{"), text.count("/// @}"))
                    self.assertNotIn("[[nodiscard]]", text)


    def test_inline_namespaces_are_not_shown(self):
        written = [
            "namespace weft {",
            "inline namespace v1 {",
            "class A {};",
            "}  // namespace v1",
            "}  // namespace weft",
            "namespace weft::inline v1 {",
        ]
        shown = ["namespace weft {", "class A {};", "}  // namespace weft", "namespace weft {"]
        self.assertEqual(reference._without_inline_namespaces(written), shown)


if __name__ == "__main__":
    unittest.main()
