#!/usr/bin/env python3
"""weft-lint finds each form of co_await that g++ 12 miscompiles, and no other.

    lint_test.py Forms|Calls|Cmake|Survey|Sources

Exit code 77, with the reason, if what a suite needs is not installed.
"""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(ROOT / "tools" / "lint"))

import weft_lint

JOINED = 10
LINT = ROOT / "tools" / "lint" / "weft_lint.py"
SURVEY = ROOT / "tests" / "compiler" / "survey.cpp"
COMPILER = os.environ.get("WEFT_COMPILER", "g++")
FLAGS = ("-std=c++23", f"-I{ROOT / 'include'}", f"-I{SURVEY.parent}")
SKIPPED = 77

FINDING = re.compile(r"^\S+:(?P<line>\d+):\d+: error: .* \[(?P<rule>[\w-]+)\]$")
BAD = """#include <coroutine>
struct [[nodiscard]] Task {
  struct promise_type {
    Task get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() {}
  };
};
struct Noisy { ~Noisy(); };
struct Pair { Noisy noisy; int number; };
std::suspend_always wait_for(Pair pair);
Task bad() { co_await wait_for({Noisy(), 1}); }
"""
GOOD = BAD.replace(
    "co_await wait_for({Noisy(), 1})", "Pair pair{Noisy(), 1}; co_await wait_for(pair)"
)


def lint(*arguments: str | pathlib.Path, cwd: pathlib.Path = ROOT) -> subprocess.CompletedProcess:
    command = [sys.executable, "-B", str(LINT), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


def found(output: str) -> list[tuple[int, str]]:
    matches = filter(None, map(FINDING.match, output.splitlines()))
    return sorted((int(match["line"]), match["rule"]) for match in matches)


class Forms(unittest.TestCase):
    def test_each_marked_line_is_found_and_no_other(self):
        source = HERE / "forms.cpp"
        lines = source.read_text().splitlines()
        expected = [
            (number, mark.group(1))
            for number, line in enumerate(lines, 1)
            if (mark := re.search(r"// .*\bfinds: ([\w-]+)$", line))
        ]
        done = lint(source, "--", "g++", *FLAGS)
        self.assertEqual(found(done.stdout), expected, done.stderr)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(len({rule for _, rule in expected}), 17)

    def test_a_finding_says_where_and_what_and_what_works(self):
        done = lint(HERE / "forms.cpp", "--", "g++", *FLAGS)
        self.assertRegex(
            done.stdout,
            r"tests/lint/forms\.cpp:\d+:\d+: error: g\+\+ 12 destroys this aggregate twice: .*\n"
            r".*co_await ship\(\{\"one\", 2\}\);.*\n +\^\n  instead: .*std::move",
        )
        self.assertIn("weft-lint-allow gives no reason here", done.stdout)


class Calls(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="weft-lint-")
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def write(self, name: str, text: str) -> pathlib.Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def test_what_the_compile_commands_name_is_checked(self):
        bad, good = self.write("bad.cpp", BAD), self.write("good.cpp", GOOD)
        plain = self.write("plain.cpp", "this has no coroutine, and is never read\n")
        unity = self.write("unity.cpp", f'#include "{bad}"\n')
        entries = ",\n".join(
            f'{{"directory": "{self.folder}", "file": "{path}", '
            f'"command": "g++ -std=c++23 -fmodules-ts -Winvented -DX=1 -o x.o -c {path}"}}'
            for path in (bad, good, plain, unity)
        )
        self.write("compile_commands.json", f"[{entries}]")
        done = lint("-p", self.folder)
        self.assertEqual(found(done.stdout), [(14, "aggregate")], done.stderr)
        self.assertIn("1 found in 3 sources", done.stdout)
        self.assertEqual(lint("-p", self.folder, good).returncode, 0)
        self.assertEqual(lint("-p", self.folder, unity).returncode, 1)
        without = ("--exclude", "bad.cpp", "--exclude", "unity.cpp")
        self.assertEqual(lint("-p", self.folder, *without).returncode, 0)
        done = lint("-p", self.folder, "absent.cpp")
        self.assertEqual(done.returncode, 2)
        self.assertIn("absent.cpp is not in", done.stderr)

    def test_a_coroutine_that_never_suspends_is_read_for_its_alignments(self):
        text = GOOD.split("Task bad()")[0].replace("std::suspend_always wait_for", "void wait_for")
        line = "Task own() { alignas(64) int number = 1; (void)number; co_return; }\n"
        source = self.write("source.cpp", text + line)
        done = lint(source, "--", "g++", "-std=c++23")
        self.assertEqual([rule for _, rule in found(done.stdout)], ["alignment"], done.stderr)

    def test_a_header_in_quotes_counts_as_the_source_does(self):
        self.write("own/form.hpp", BAD)
        source = self.write("source.cpp", '#include "form.hpp"\n')
        done = lint(source, "--", "g++", "-std=c++23", f"-I{self.folder / 'own'}")
        self.assertEqual(found(done.stdout), [(14, "aggregate")], done.stderr)
        self.assertIn("own/form.hpp:14:", done.stdout)

    def test_a_header_of_the_system_is_not_the_users(self):
        self.write("system/other.hpp", BAD)
        text = "#include <other.hpp>\nTask own() { co_await wait_for(Pair()); }\n"
        call = (self.write("own.cpp", text), "--", "g++", "-std=c++23")
        self.assertEqual(lint(*call, "-isystem", self.folder / "system").returncode, 0)
        done = lint(*call, f"-I{self.folder / 'system'}")
        self.assertEqual(found(done.stdout), [(14, "aggregate")])

    def test_what_cannot_be_checked_is_not_passed_over(self):
        broken = self.write("broken.cpp", GOOD + "Task broken() { co_await undeclared; }\n")
        done = lint(broken, "--", "g++", "-std=c++23")
        self.assertEqual(done.returncode, 2)
        self.assertIn("broken.cpp was not checked, it does not compile", done.stderr)
        self.assertIn("undeclared", done.stderr)
        for call, said in (
            ((broken,), "give the build directory"),
            (("-p", self.folder), "CMAKE_EXPORT_COMPILE_COMMANDS"),
            (("absent.cpp", "--", "g++"), "absent.cpp: No such file"),
            (("--clang-query", "/absent", broken, "--", "g++"), "apt install clang-tools-19"),
        ):
            done = lint(*call)
            self.assertEqual(done.returncode, 2, call)
            self.assertIn(said, done.stderr)
            self.assertNotIn("Traceback", done.stderr)

    def test_a_source_that_does_not_compile_shows_the_compilers_errors(self):
        """All of them, with the lines, before what the tool says of itself."""
        text = GOOD + "Task broken() { co_await undeclared; }\nint other = absent;\n"
        broken = self.write("broken.cpp", text)
        output = self.folder / "broken.o"
        flags = ("-std=c++23", "-MD", "-MP", "-MF", f"{output}.d", "-o", output, "-c", broken)
        done = lint(broken, "--", COMPILER, *flags)
        self.assertEqual(done.returncode, 2)
        errors, _, own = done.stderr.partition("weft-lint: ")
        for said in ("broken.cpp:15:", "undeclared;", "broken.cpp:16:", "int other = absent;"):
            self.assertIn(said, errors)
        self.assertEqual(own, f"{broken} was not checked, it does not compile\n")
        self.assertEqual([path.name for path in self.folder.iterdir()], ["broken.cpp"])

    def test_a_source_that_clang_alone_cannot_read_says_what_to_do(self):
        alone = self.write("alone.cpp", GOOD + "#ifdef __clang__\n#error not for clang\n#endif\n")
        done = lint(alone, "--", "g++", "-std=c++23", "-c", alone)
        self.assertEqual(done.returncode, 2)
        self.assertIn("error: not for clang", done.stderr)
        self.assertIn("g++ compiles it, but clang cannot read it", done.stderr)
        self.assertIn("or leave it out", done.stderr)
        self.assertNotRegex(done.stdout + done.stderr, r"(?m)^\d+ match(es)?\.$")

    def test_an_older_clang_query_is_refused(self):
        old = self.write("clang-query", "#!/bin/sh\necho Debian LLVM version 14.0.6\n")
        old.chmod(0o755)
        done = lint("--clang-query", old, "--which")
        self.assertEqual(done.returncode, 2)
        self.assertIn("is of LLVM 14: clang-query 19 or newer is needed", done.stderr)


class Cmake(unittest.TestCase):
    def build(self, text: str, clang_tidy: str = "") -> tuple[str, str, int]:
        with tempfile.TemporaryDirectory(prefix="weft-lint-") as folder:
            source = pathlib.Path(folder) / "source.cpp"
            source.write_text(text)
            cmake = os.environ["WEFT_CMAKE"]
            command = [cmake, "-S", HERE / "project", "-B", folder, "-GNinja"]
            command += [f"-DCMAKE_CXX_COMPILER={COMPILER}", f"-DCLANG_TIDY={clang_tidy}"]
            command += [f"-DPROGRAM={LINT}", f"-DMODULE={ROOT / 'cmake' / 'WeftLint.cmake'}"]
            command += [f"-DSOURCE={source}"]
            configured = subprocess.run(command, capture_output=True, text=True, check=False)
            self.assertEqual(configured.returncode, 0, configured.stderr)
            built = subprocess.run(
                [cmake, "--build", folder], capture_output=True, text=True, check=False
            )
            return configured.stdout, built.stdout + built.stderr, built.returncode

    def test_a_miscompiled_form_is_a_build_error(self):
        configured, built, status = self.build(BAD)
        self.assertNotEqual(status, 0)
        self.assertRegex(built, r"source\.cpp:14:\d+: error: g\+\+ 12 destroys this aggregate")
        _, built, status = self.build(GOOD)
        self.assertEqual(status, 0, built)
        self.assertEqual(configured.count("weft_lint(<target>)"), 1 if is_gxx12() else 0)

    def test_a_typo_shows_the_compilers_own_error(self):
        _, built, status = self.build(GOOD + "int first = absent;\nint second = missing;\n")
        self.assertNotEqual(status, 0)
        for said in ("int first = absent;", "int second = missing;", "it does not compile"):
            self.assertIn(said, built)
        self.assertNotIn("clang cannot read", built)

    def test_the_targets_own_tidy_runs_as_well(self):
        _, built, status = self.build(GOOD, clang_tidy="sh;-c;echo it was here $*")
        self.assertEqual(status, 0, built)
        self.assertIn("it was here", built)
        _, _, status = self.build(GOOD, clang_tidy="sh;-c;exit 3")
        self.assertNotEqual(status, 0)


class Survey(unittest.TestCase):
    def test_what_gxx12_gets_wrong_is_what_is_found(self):
        """Each row of tests/compiler/survey.cpp, to the compiler and to weft-lint."""
        text = SURVEY.read_text()
        rows = re.findall(r'\{"([^"]+)", observed<(?:sum_of<)?(\w+)', text)
        begins = sorted(
            (text.count("\n", 0, place.start()) + 1, place.group(1))
            for place in re.finditer(r"^(?:Task<\w+>|Pairs) (\w+)\(", text, re.MULTILINE)
        )
        done = lint(SURVEY, "--", "g++", *FLAGS)
        lines = [line for line, _ in found(done.stdout)]
        flagged = {max(begin for begin in begins if begin[0] <= line)[1] for line in lines}
        survey = subprocess.run(
            [os.environ["WEFT_SURVEY"]], capture_output=True, text=True, check=False
        )
        said = [line.split("  ") for line in survey.stdout.splitlines()]
        wrong = {form for verdict, form, *_ in said if verdict == "WRONG"}
        self.assertGreater(len(wrong), 40)
        self.assertGreater(len(rows), len(wrong))
        for form, function in rows:
            self.assertEqual(function in flagged, form in wrong, form)


class Sources(unittest.TestCase):
    def test_our_own_sources_have_none(self):
        """The sources of this build with coroutines.

        Not those that hold the forms, and not those that await Asio, whose headers have no
        coroutines for clang. A tree that was clean before is not read again.
        """
        build = pathlib.Path(os.environ["WEFT_BUILD_DIR"])
        clean = build / "lint.clean"
        state = self.state(build)
        if clean.exists() and clean.read_text() == state:
            return
        with tempfile.TemporaryDirectory(prefix="weft-lint-") as folder:
            count = self.join_sources(build, pathlib.Path(folder))
            self.assertGreater(count, 40)
            self.check("-p", folder)
        without = ["tests/compiler/survey.cpp", "guide/left_out.cpp", "bench/core/asio_*.cpp"]
        without += ["src/*/*.cpp", "tools/weft/*.cpp"]
        self.check("-p", build, *(f"--exclude={pattern}" for pattern in without))
        clean.write_text(state)

    def check(self, *arguments: str | pathlib.Path) -> None:
        done = lint(*arguments)
        print(done.stdout[-10000:], done.stderr[-5000:])
        self.assertEqual(done.returncode, 0)

    @staticmethod
    def join_sources(build: pathlib.Path, folder: pathlib.Path) -> int:
        """Writes compile commands that read the library and the program several sources at a time,
        as WEFT_UNITY compiles them: most of the time goes to the headers that they share.

        Returns the number of sources.
        """
        joined: dict[tuple[str, ...], list[pathlib.Path]] = {}
        sources = set()
        for command in weft_lint.commands_of(build, ["*_test.cpp"]):
            part = command.source.parent
            is_own = ROOT / "src" in part.parents or part == ROOT / "tools" / "weft"
            if is_own and command.source not in sources and weft_lint.is_read(command):
                sources.add(command.source)
                kept = (word for word in command.arguments if not word.startswith("CMakeFiles/"))
                flags = [word for word in kept if word not in ("-o", str(command.source))]
                key = (str(command.directory), *flags)
                joined.setdefault(key, []).append(command.source)
        entries = []
        for (directory, *flags), paths in joined.items():
            for begin in range(0, len(paths), JOINED):
                source = folder / f"joined_{len(entries)}.cpp"
                source.write_text(
                    "".join(f'#include "{path}"\n' for path in paths[begin : begin + JOINED])
                )
                call = [*flags, str(source)]
                entries.append({"directory": directory, "file": str(source), "arguments": call})
        (folder / "compile_commands.json").write_text(json.dumps(entries))
        return len(sources)

    @staticmethod
    def state(build: pathlib.Path) -> str:
        """Returns a number of all that is read, but the headers of the system."""
        folders = ("bench", "examples", "include", "src", "tests", "tools")
        files = [path for folder in folders for path in (ROOT / folder).rglob("*.[ch]pp")]
        files += [build / "compile_commands.json", LINT, LINT.with_name("weft-lint.query")]
        content = hashlib.sha256()
        for path in sorted(files):
            content.update(str(path).encode() + path.read_bytes())
        return content.hexdigest()


def is_gxx12() -> bool:
    said = subprocess.run([COMPILER, "--version"], capture_output=True, text=True, check=True)
    return bool(re.match(r"g\+\+.* 12\.", said.stdout))


def missing() -> str | None:
    """Returns what the wanted suite needs and does not have."""
    tool = lint("--which")
    if tool.returncode != 0:
        return tool.stderr
    if "Survey" in sys.argv and not is_gxx12():
        return f"{COMPILER} is not g++ 12"
    return None


if __name__ == "__main__":
    if lacking := missing():
        print(f"skipped: {lacking}")
        sys.exit(SKIPPED)
    unittest.main()
