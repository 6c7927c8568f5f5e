#!/usr/bin/env python3
"""Plants words and references in comments and documents. Run by tidy_test.py, or alone."""

import unittest

import tidy
from planted import HEADER, SOURCE, TidyTest


class Prose(TidyTest):
    WORDS = ("who", "whoever", "whom", "nobody", "somebody", "everybody", "he", "his", "him", "Who")

    def test_words_for_persons(self):
        for word in self.WORDS:
            self.expect("src/net/x.cpp", SOURCE + f"// a task: {word} waits\n", "prose", 2)
        names = ("017-who-runs.md", "who-runs", "by-who", "who_waits", "`who`")
        for word in ("whose", "whole", "the", "history", *names):
            self.allow("src/net/x.cpp", SOURCE + f"// a task {word} waits\n")

    def test_the_message_says_what_to_write(self):
        self.write("src/net/x.cpp", SOURCE + "// Whoever waits\n")
        [found] = tidy.check(self.root, self.rules)
        self.assertEqual(found.message, "'Whoever': name the part: task, worker, caller …")

    def test_comments_of_cpp(self):
        for folder in ("include/weft", "src/net", "tools/weft", "bench", "tests/api", "examples"):
            for comment in ("int x;  // of him", "/* a\n of him */", "/// of him"):
                self.expect(f"{folder}/x.hpp", HEADER + comment + "\n", "prose")
        self.allow("src/net/x.cpp", SOURCE + 'auto he = f("who");\n')
        self.allow("examples/guide/x.cpp", SOURCE + "// who\n")

    def test_comments_of_scripts(self):
        for text in ('"""x"""\nx = 1  # of him\n', '"""Of\nhim."""\n', 'def f():\n    """him"""\n'):
            self.expect("tools/x.py", text, "prose")
            self.expect("bench/x", "#!/usr/bin/env python3\n" + text, "prose")
            self.allow("tests/e2e/x.py", text)
        self.allow("tools/x.py", 'he = "# him"\n')
        self.expect("tools/x", "#!/bin/bash\necho '# x' # of him\n", "prose", 2)
        quoted = "he='#' him=\"#\" echo 'a # him' \"b # him\" ${#him} x#him\n"
        self.allow("tools/x", "#!/bin/bash\n" + quoted)

    def test_documents(self):
        for path in ("README.md", "docs/decisions/001-x.md", "bench/README.md"):
            self.expect(path, "# x\n\nof him\n", "prose", 3)
        for path in ("CHANGELOG.md", "docs/guide/01-x.md"):
            self.allow(path, "of him\n")

    def test_an_exception(self):
        self.exceptions('[[word]]\npath = "README.md"\nrule = "prose"\nreason = "planted"\n')
        self.allow("README.md", "of him\n")


class References(TidyTest):
    def setUp(self):
        super().setUp()
        self.write("docs/decisions/012-x.md", "x\n")
        stream = "#include <odd.h>\nclass NetStream { void read_some(); };\n"
        self.write("src/net/stream.cpp", SOURCE + stream)
        self.write("include/weft/net.hpp", HEADER + "void connect_to(int);\n")
        self.write("src/fiber.S", "weft_switch:\n")
        self.write("tools/weft/lines.hpp.in", HEADER)

    def bad(self, *texts: str) -> None:
        for text in texts:
            self.expect("src/net/x.cpp", SOURCE + f"// {text}\n", "reference", 2)

    def good(self, *texts: str) -> None:
        for text in texts:
            self.allow("src/net/x.cpp", SOURCE + f"// {text}\n")

    def test_headers(self):
        self.good("<weft/net.hpp>", "<weft/…>", "<boost/x.hpp>")
        self.bad("<weft/odd.hpp>", "Part of <weft/http/odd.hpp>.")

    def test_files(self):
        self.good("stream.cpp", '"net/stream.cpp"', "src/net/stream.cpp.", "(../net/stream.cpp)")
        self.good("src/net/", "src/net/*.cpp", "src/net/odd*.cpp", "*.hpp", "src/<folder>/x.hpp")
        self.good("net/stream.cpp/.hpp", "https://x.org/src/odd.cpp", "/usr/include/x")
        self.good("fiber.S", "lines.hpp")
        self.bad("odd.cpp", '"net/odd.hpp"', "src/odd", "odd/stream.cpp", "tests/odd_test.cpp.")
        self.bad("tools/odd", "../src/odd/x.cpp", "docs/decisions/012-y.md")

    def test_decisions(self):
        self.good("decision 012", "docs/decisions/012", "docs/decisions/012-x.md")
        self.good("decisions are 013")
        self.bad("decision 013", "Decisions 012 and 013", "docs/decisions/013")
        self.expect("src/net/x.cpp", SOURCE + "// see decision\n// 013\n", "reference", 3)

    def test_functions(self):
        self.good("read_some()", "NetStream::read_some()", "weft::connect_to()", "std::odd()")
        self.good("weft_switch()", "a Odd()", "connect_to(odd)")
        self.bad("odd()", "x.odd()", "weft::odd()", "NetStream::odd()", "read_odd<int>()")
        self.bad("NetStream::connect_to()", "Odd::read_some()")
        self.good("  co_await odd();", "  if (x) { odd();  // as NetOdd")
        self.bad("  odd() is called", "   <weft/odd.hpp>;")

    def test_types(self):
        self.good("NetStream", "all are NetStreams", "GET", "Stream", "NetStream.md")
        self.bad("NetOdd", "a NetOdd's", "NetStreamss")

    def test_where(self):
        decision = "docs/decisions/013-x.md"
        for path in ("README.md", "docs/guide/01-x.md", decision, "bench/README.md"):
            self.expect(path, "# x\n`src/odd`\n", "reference", 2)
            self.allow(path, "odd() and NetOdd\n")
        for path in ("tests/api/x.cpp", "bench/x.cpp", "tools/weft/x.cpp", "examples/guide/x.cpp"):
            self.expect(path, SOURCE + "// odd.cpp\n", "reference", 2)
        self.allow("src/net/x.cpp", SOURCE + 'f("odd.cpp");\n')
        self.allow("CHANGELOG.md", "src/odd\n")

    def test_known_names(self):
        self.known('files = ["odd.cpp", "docs/decisions/NNN-x.md"]\nnames = ["odd", "NetOdd"]\n')
        self.good("odd.cpp", "docs/decisions/NNN-x.md", "odd()", "NetOdd", "NetOdd::any()")


if __name__ == "__main__":
    unittest.main()
