#!/usr/bin/env python3
"""Plants each violation that tidy knows in a tree of its own, and expects it alone."""

import contextlib
import io
import pathlib
import re
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import tidy  # noqa: E402
from planted import HEADER, LAYERS, SOURCE, WEFT, TidyTest  # noqa: E402
from source import blank  # noqa: E402


class Names(TidyTest):
    def unnamed(self, text: str) -> str:
        return SOURCE + f"{WEFT} {{\nnamespace {{\n\n{text}\n\n}}  // namespace\n}}\n"

    def test_no_two_sources_have_one_name(self):
        self.write("src/base/one.cpp", self.unnamed("constexpr int most = 1;\nstruct Kind {};"))
        self.expect("src/os/two.cpp", self.unnamed("constexpr long most = 2;"), "name", line=5)
        self.expect("src/os/two.cpp", self.unnamed("class Kind : Base {};"), "name")
        self.allow("src/os/two.cpp", self.unnamed("constexpr int least = 1;"))
        self.allow("src/os/two.cpp", SOURCE + "constexpr int most = 1;\n")

    def test_a_test_has_a_namespace_named_as_its_file(self):
        self.expect("src/os/two_test.cpp", self.unnamed("constexpr int most = 1;"), "name", line=2)
        named = self.unnamed("constexpr int most = 1;").replace("inline v0_1 {", "two_test {")
        self.write("src/base/one.cpp", self.unnamed("constexpr int most = 1;"))
        self.allow("src/os/two_test.cpp", named)
        self.allow("tests/api/two_test.cpp", named)
        self.expect("tests/api/one_test.cpp", named, "name", line=2)


class Version(TidyTest):
    def test_the_library_is_in_the_namespace_of_its_version(self):
        for rest in ("", "::detail", "::inline v0_2", "::inline v0_10"):
            text = HEADER + f"namespace weft{rest} {{}}\n"
            self.expect("include/weft/odd.hpp", text, "version", line=3)
            self.expect("src/base/odd.cpp", SOURCE + text.partition("once")[2], "version", line=3)
        for rest in ("::inline v0_1", "::inline v0_1::detail", "::testing"):
            self.allow("include/weft/odd.hpp", HEADER + f"namespace weft{rest} {{}}\n")
        self.write("CMakeLists.txt", "project(weft VERSION 0.2.0 LANGUAGES CXX)\n")
        text = HEADER + "namespace weft::inline v0_1 {}\n"
        self.expect("include/weft/odd.hpp", text, "version")
        self.write("CMakeLists.txt", "project(other VERSION 0.2.0 LANGUAGES CXX)\n")
        with self.assertRaisesRegex(ValueError, "CMakeLists.txt"):
            self.found()


class Sizes(TidyTest):
    BODY = "int f() {\n" + "  g();\n" * 69 + "}\n"

    def test_files(self):
        self.expect("src/base/x.hpp", HEADER + "int x;\n" * 399, "file-size", 401)
        self.allow("tests/api/x.cpp", SOURCE + "int x;\n" * 500)
        self.expect("tests/api/x.cpp", SOURCE + "int x;\n" * 600, "file-size", 601)
        self.expect("src/base/x_test.cpp", SOURCE + "int x;\n" * 600, "file-size", 601)

    def test_an_exception_for_a_file_is_used_up(self):
        self.exceptions('[[file]]\npath = "src/base/x.hpp"\nlines = 450\nreason = "planted"\n')
        self.allow("src/base/x.hpp", HEADER + "int x;\n" * 400)
        self.expect("src/base/x.hpp", HEADER + "int x;\n" * 460, "file-size", 451)
        self.expect("src/base/x.hpp", HEADER, "exception")
        self.assertEqual([rule for _, _, rule in self.found()], ["exception"])

    def test_an_exception_needs_a_reason(self):
        self.exceptions('[[file]]\npath = "src/base/x.hpp"\nlines = 450\n')
        self.assertRaises(ValueError, self.found)

    def test_functions(self):
        self.expect("src/base/x.cpp", SOURCE + self.BODY, "function-size", 2)
        self.allow("src/base/x.cpp", SOURCE + self.BODY.replace("  g();\n", "", 1))

    def test_functions_inside_scopes(self):
        scopes = "namespace a::b {\ntemplate <class T>\nclass X : Y<T> {\n public:\n"
        self.expect("src/base/x.cpp", SOURCE + scopes + self.BODY + "};\n}\n", "function-size")
        body = self.BODY.replace("int f()", "TEST(A, B)")
        self.expect("src/base/x_test.cpp", SOURCE + body, "function-size")

    def test_a_long_class_is_not_a_function(self):
        members = "  int f() { return 1; }\n" * 90
        self.allow("src/base/x.hpp", HEADER + "class alignas(64) X {\n" + members + "};\n")
        self.allow("src/base/x.cpp", SOURCE + "const int table[] = {\n" + "  1,\n" * 90 + "};\n")

    def test_braces_in_literals_and_directives_do_not_count(self):
        odd = '#define OPEN {\nconst char* a = "{{{";\n'
        odd += "char b = '{';\nauto c = R\"x({{)x\";  // {\n"
        self.expect("src/base/x.cpp", SOURCE + odd + self.BODY, "function-size", 6)

    def test_an_exception_for_a_function(self):
        entry = '[[function]]\npath = "src/base/x.cpp"\nname = "int f("\n'
        entry += 'lines = 80\nreason = "planted"\n'
        self.exceptions(entry)
        self.allow("src/base/x.cpp", SOURCE + self.BODY)
        self.assertEqual([rule for _, _, rule in self.found()], ["exception"])

    def test_python_functions(self):
        body = '"""x"""\ndef f():\n' + "    g()\n" * 70
        self.expect("tools/x.py", body, "function-size", 2)

    def test_columns(self):
        self.expect("src/base/x.cpp", SOURCE + "// " + "x" * 98 + "\n", "columns", 2)
        self.allow("src/base/x.cpp", SOURCE + "// " + "x" * 97 + "\n")


class Words(TidyTest):
    def bad(self, rule: str, *lines: str, path: str = "src/net/x.cpp") -> None:
        for line in lines:
            self.expect(path, SOURCE + line + "\n", rule, 2)

    def good(self, *lines: str, path: str = "src/net/x.cpp") -> None:
        for line in lines:
            self.allow(path, SOURCE + line + "\n")

    def test_sleep(self):
        calls = ("sleep(1);", "::usleep(1);", "std::this_thread::sleep_for(1ms);")
        self.bad("sleep", *calls, path="tests/api/x.cpp")
        self.good(
            "sleep_for(1ms);", "bool sleep(int x);", "sleep();", "// sleep(1)", 'f("sleep(1)");'
        )

    def test_volatile(self):
        self.bad("volatile", "volatile int x;")
        self.good('asm volatile("" ::: "memory");')

    def test_using_namespace(self):
        self.bad("using-namespace", "using namespace std;")
        self.good("using namespace std::chrono_literals;")
        text = HEADER + "using namespace std::chrono_literals;\n"
        self.expect("src/net/x.hpp", text, "using-namespace", 3)

    def test_raw_atomics_in_the_core(self):
        self.bad("raw-atomic", "std::atomic<int> x;", "std::mutex m;", "std::atomic_ref x(y);")
        self.bad("raw-atomic", "std::condition_variable c;", "std::atomic_thread_fence(x);")
        self.good("std::memory_order_relaxed;", "Atomic<int> x;")
        for folder in ("time", "event", "http"):
            self.bad("raw-atomic", "std::mutex m;", path=f"src/{folder}/x.cpp")
        self.good("std::atomic<int> x;", path="src/base/x.cpp")
        self.good("std::atomic<int> x;", path="src/os/x.cpp")
        self.good("std::atomic<int> x;", path="src/net/x_test.cpp")

    def test_raw_atomics_in_public_headers(self):
        self.layers(LAYERS.replace('["*.hpp"]', '["*.hpp", "model/*", "detail/*"]'))
        self.write("include/weft/model/x.hpp", HEADER)
        self.write("include/weft/detail/x.hpp", HEADER + f"{WEFT}::detail {{}}\n")
        text = HEADER + f"{WEFT}::detail {{ std::atomic<int> x; }}\n"
        for name in ("x.hpp", "atomic_waker.hpp"):
            self.expect(f"include/weft/{name}", text, "raw-atomic", 3)
        for name in ("atomic.hpp", "model.hpp", "model_data.hpp", "model/y.hpp"):
            self.allow(f"include/weft/{name}", text)
        self.expect("include/weft/detail/y.hpp", text, "raw-atomic", 3)

    def test_assert_rand_printf(self):
        self.bad("assert", "assert(x);")
        self.bad("rand", "int x = rand();", "std::srand(1);")
        self.bad("printf", 'std::printf("x");', 'fprintf(stderr, "x");', "std::cout << 1;")
        self.good("static_assert(x);", "operand(1);", "snprintf(a, b, c);")
        self.good('std::printf("x");', path="tools/weft/x.cpp")

    def test_platform_conditionals(self):
        for test in ("ifdef __linux__", "if defined(_WIN32)", "ifndef __APPLE__"):
            self.bad("platform", f"#{test}\n#endif")
        self.good("#ifdef __clang__\n#endif")
        for path in ("src/os/x.cpp", "src/event/epoll.cpp"):
            self.good("#ifdef __linux__\n#endif", path=path)
        self.expect("src/event/x.hpp", HEADER + "#ifdef __linux__\n#endif\n", "platform", 3)

    def test_thread_local_needs_a_noinline_accessor(self):
        self.bad("thread-local", "thread_local int x;")
        self.good("thread_local int x;\n[[gnu::noinline]] int& get() { return x; }")

    def test_unfinished_work(self):
        for word in ("TO" + "DO", "FIX" + "ME", "X" + "XX"):
            self.bad("unfinished", f"// {word}: later")
        self.good("// /tmp/weft-XXXXXX is a pattern for mkdtemp")

    def test_an_exception_for_a_word(self):
        self.exceptions('[[word]]\npath = "src/net/x.cpp"\nrule = "printf"\nreason = "planted"\n')
        self.good('std::printf("x");')
        self.assertEqual([rule for _, _, rule in self.found()], ["exception"])

    def test_openings(self):
        self.expect("src/base/x.hpp", "#pragma once\n", "opening", 1)
        self.expect("src/base/x.hpp", "// What it is.\n", "opening", 1)
        self.expect("src/base/x.cpp", "int x;\n", "opening", 1)
        self.allow("src/base/good.cpp", '#include "base/good.hpp"\n')
        self.allow("src/base/x_test.cpp", "int x;\n")


class Traces(TidyTest):
    def test_not_in_coroutines(self):
        trace = '  SCOPED_TRACE("x");\n'
        body = "  run([&]() -> Task<void> { co_await g(); });\n"
        self.allow("tests/api/x.cpp", "TEST(A, B) {\n" + trace + body + "}\n")
        waits = trace + "  co_await g();\n"
        self.expect("tests/api/x.cpp", "Task<> f() {\n" + waits + "}\n", "trace", 2)
        looping = "auto f = [&]() -> Task<void> {\n  for (;;) {\n" + waits + "}};\n"
        self.expect("tests/api/x.cpp", looping, "trace", 3)


class CoroutineRules(TidyTest):
    def bad(self, statement: str) -> None:
        self.write("tests/api/x.cpp", "Task<> f() {\n  " + statement + "\n}\n")
        # One statement may be wrong in more than one way.
        self.assertEqual(set(self.found()), {("tests/api/x.cpp", 2, "gxx12")}, statement)

    def good(self, statement: str) -> None:
        self.allow("tests/api/x.cpp", "Task<> f() {\n  " + statement + "\n}\n")

    def test_statements_of_their_own(self):
        self.good("co_await g();")
        self.good("auto x = co_await g(1, h(2));")
        self.good("x.y = co_await g();")
        self.good("co_return co_await g();")
        self.good("static_cast<void>(co_await g());")
        self.good("if (auto x = co_await g()) co_return 1;")
        self.good("while (auto x = co_await g()) { co_await h(); }")
        self.good("for (int i = co_await g(); i < 2; ++i) co_await h();")
        self.good("auto n = (co_await g()).size();")
        self.good("if (auto x = co_await g(); !x) { co_return; } else { co_await h(); }")
        self.good("switch (x) { case 1: co_await g(); break; default: co_await h(); }")
        self.good("try { co_await g(); } catch (...) { } co_await h();")
        self.good("do { co_await g(); } while (x);")
        self.good("std::string s{1}; co_await f(std::string{s}, {}, milliseconds{5});")

    def test_what_is_yielded(self):
        self.good("co_yield x;")
        self.good("co_yield f(1) ? a : b;")
        self.good("Pair pair{a, 1}; co_yield std::move(pair);")
        self.bad("co_yield Pair{a, 1};")
        self.bad("co_yield {a, 1};")
        self.bad("co_yield f({a, 1});")

    def test_what_is_thrown_and_what_is_allocated(self):
        self.good("auto x = co_await g(); throw E(x);")
        self.good("if (auto x = co_await g(); !x) throw E(x);")
        self.good("if (const int x = co_await g()) throw E(x); else throw 1;")
        self.good("switch (x) { case 1: throw E(); default: co_await g(); }")
        self.good("try { throw E(); } catch (...) { } co_await g();")
        self.good("co_await h([&] { throw E(); });")
        self.bad("throw co_await g();")
        self.bad("throw E(co_await g());")
        self.bad("int x = a ? throw co_await g() : 1;")
        self.bad("if (c) throw co_await g();")
        self.bad("co_await h(a ? 1 : throw E());")
        self.bad("co_await g(), throw E();")
        self.bad("co_await g() || (throw E(), true);")
        self.bad("co_yield c ? 1 : throw E();")
        self.good("std::unique_ptr<X> x(new X(f())); co_await g(std::move(x));")
        self.good("co_await g(std::make_unique<X>(f()));")
        self.bad("co_await g(std::unique_ptr<X>(new X(f())));")
        self.bad("co_yield new X(f());")

    def test_after_conditionals_and_initializers(self):
        self.good("int x = a ? b : c; co_await g();")
        self.good("X x{1, 2}; co_await g();")
        self.good("auto x = co_await g() ? 1 : 2;")

    def test_bodies_of_lambdas(self):
        self.good("co_await scope([&](Scope& s) -> Task<> { co_await g(); });")
        mutable = "[x]() mutable noexcept -> Task<int> { co_await g(); }"
        self.good("spawn([] { return 1; }, " + mutable + ", 2);")
        self.good("auto f = [=](int a) -> Task<std::pair<int, int>> { co_return co_await g(a); };")
        self.good("X x{.body = [](int) -> Task<> { co_await g(); }};")
        self.good(
            "co_await scope([this, &x, &y = z](Scope& s) -> Task<> { f(X{1}); co_await g(); });"
        )
        self.good("auto f = [x, y = X{1}] { return 1; }; co_await scope(f);")
        self.good("co_await g(x[i], y[j](1));")

    def test_call_arguments(self):
        self.bad("f(co_await g());")
        self.bad("EXPECT_EQ(co_await g(), 1);")
        self.bad("x.y(1, co_await g());")
        self.bad("f<int>(co_await g());")
        self.bad("auto x = f((co_await g()).y);")
        self.bad("co_await f(co_await g());")
        self.bad("f([] { return 1; }, co_await g());")
        self.bad("[x](int y) { h(x, y); }(co_await g());")
        self.bad("a[co_await g()] = 1;")

    def test_braced_initializers(self):
        self.bad("X x{co_await g()};")
        self.bad("X x = {1, co_await g()};")
        self.bad("auto x = X{.a = 1, .b = co_await g()};")
        self.bad("co_return {1, co_await g()};")
        self.bad("std::vector<int> v{co_await g()};")
        self.bad("co_await X{1};")
        self.bad("co_await ns::X<int>{y};")

    def test_braced_arguments_and_statement_expressions(self):
        self.bad("f({x, co_await g()});")
        self.bad("auto y = ({ auto z = co_await g(); z; });")

    def test_conditions(self):
        self.bad("if (co_await g()) co_return 1;")
        self.bad("if (x == 1 && co_await g()) co_return 1;")
        self.bad("while ((co_await g()).more()) { }")
        self.bad("switch (co_await g()) { default: break; }")
        self.bad("for (; co_await g();) { }")
        self.bad("do { f(); } while (co_await g());")

    def test_temporaries_that_would_be_destroyed_twice(self):
        self.bad("co_await scope([x](Scope& s) -> Task<> { co_await g(); });")
        self.bad("co_await scope([=] { return 1; });")
        self.bad("co_await scope([&y, p = std::move(p)]() mutable { return 1; });")
        self.bad("auto r = co_await fetch(Options{.limit = 1});")
        self.bad("auto r = co_await fetch(Options{});")
        self.bad("co_await f(std::array<X, 2>{a, b});")
        self.bad("auto r = co_await fetch(1, {.limit = 1});")
        self.bad("co_await f({a, b});")

    def test_conditional_expressions(self):
        self.bad("auto x = c ? co_await g() : 1;")
        self.bad("auto x = c ? 1 : co_await g();")
        self.bad("auto x = c ? h(1) : co_await g();")


class CommandLine(TidyTest):
    def test_one_rule_in_one_folder(self):
        self.write("src/net/x.cpp", SOURCE + "// of him, whom\nstd::mutex m;\n")
        self.write("src/net2/x.cpp", SOURCE + "// of him\n")
        output = self.run_tidy(1, "--rule", "prose", "src/net/")
        self.assertEqual([line.split()[0] for line in output], ["src/net/x.cpp:2:"] * 2 + ["tidy:"])
        counts = ["     2 prose            src/net", "     1 prose            src/net2"]
        self.assertEqual(self.run_tidy(1, "--rule=prose", "--count")[:-1], counts)
        self.assertEqual(self.run_tidy(0, "--rule", "prose", "src/time"), ["tidy: clean"])
        self.assertEqual(self.run_tidy(1, "--rule=prose", str(self.root / "src/net")), output)
        self.assertEqual(self.run_tidy(2, "src/odd"), [])
        self.assertEqual(self.run_tidy(2, "/"), [])

    def run_tidy(self, code: int, *arguments: str) -> list[str]:
        with contextlib.redirect_stdout(io.StringIO()) as output:
            with contextlib.redirect_stderr(io.StringIO()):
                self.assertEqual(tidy.main(["--root", str(self.root), *arguments]), code)
        return output.getvalue().splitlines()

    def test_all_rules_can_be_named(self):
        text = "".join(path.read_text() for path in tidy.HERE.glob("*.py"))
        given = re.findall(r'(?:violation\([^"]*?|Violation\([^"]*?|Ban\(\s*)"([a-z0-9-]+)",', text)
        self.assertEqual(set(given) - set(tidy.RULES), set())
        self.assertEqual(set(tidy.RULES) - set(given), set())


class Blanking(unittest.TestCase):
    def test_positions_are_kept(self):
        text = 'a /* b\nc */ "d\\"e" \'f\' 1\'000 R"(g\nh)" // i\nj'
        lengths = [len(line) for line in text.split("\n")]
        self.assertEqual([len(line) for line in blank(text).split("\n")], lengths)
        self.assertEqual(set(blank(text)) & set("bcdefghi"), set())
        self.assertIn("1'000", blank(text))

    def test_the_repository_has_a_readable_table(self):
        for name in ("layers.toml", "exceptions.toml", "known.toml"):
            tidy._read(tidy.HERE / name)


def load_tests(loader, tests, _):
    """Loads all of tidy's tests, those of the other files too."""
    tests.addTests(loader.loadTestsFromNames(["layers_test", "comments_test"]))
    return tests


if __name__ == "__main__":
    unittest.main()
