#!/usr/bin/env python3
"""Each example in a header's comment is compiled, and keeps to the forms that g++ 12 compiles."""

import sys
import unittest

import extract

sys.path.insert(0, str(extract.ROOT / "tools" / "tidy"))
import coroutines  # noqa: E402
from source import Source  # noqa: E402

HEADER = """\
// What it is for.
//
//   weft::Thing thing;
//   …
//   co_await thing.work(…);
//
// The rules:
//  1. a list, which goes on
//     in the next line;
//
//   name     effect
//   plain    a table
#pragma once
struct Options {
  /// A member.
  ///
  ///   Options options;
  int value = 0;
};
"""


class Examples(unittest.TestCase):
    def test_examples_are_told_from_lists_and_tables(self):
        found = extract.examples_in("weft/thing.hpp", HEADER)
        self.assertEqual([(e.line, len(e.lines)) for e in found], [(3, 3), (17, 1)])

    def test_an_ellipsis_is_taken_away(self):
        code = extract.examples_in("weft/thing.hpp", HEADER)[0].source()
        self.assertNotIn("…", code)
        self.assertIn("co_await thing.work();", code)

    def test_a_part_is_cut_out_at_a_line(self):
        whole = extract.examples_in("weft/thing.hpp", HEADER)[0]
        self.assertEqual(len(whole.part("up to", "co_await").lines), 2)
        self.assertEqual(whole.part("from", "co_await").line, 5)
        with self.assertRaises(extract.Wrong):
            whole.part("from", "not there")

    def test_every_line_of_every_example_is_compiled(self):
        compiled = set()
        for context in extract.contexts():
            for directive in extract.directives(context.read_text()):
                example = extract.example_for(directive)
                lines = range(example.line, example.line + len(example.lines))
                compiled.update((example.header, line) for line in lines)
        for header in extract.headers():
            for example in extract.examples_of(header):
                with self.subTest(header=header, line=example.line):
                    lines = range(example.line, example.line + len(example.lines))
                    left = [line for line in lines if (header, line) not in compiled]
                    self.assertEqual(left, [], "add it to a context in tests/header_examples")

    def test_examples_keep_to_the_forms_of_g_plus_plus_12(self):
        for context in extract.contexts():
            path = str(context.relative_to(extract.ROOT))
            source = Source(path, extract.filled_in(context))
            with self.subTest(context=path):
                found = [str(violation) for violation in coroutines.check([source])]
                self.assertEqual(found, [])

    def test_what_is_no_example_is_still_there(self):
        for header, begins in extract.NO_EXAMPLES:
            with self.subTest(header=header):
                self.assertIn(begins, (extract.INCLUDE / header).read_text())


if __name__ == "__main__":
    unittest.main()
