"""Manual pages and completions of shells: all of the help is in them, and tools take them."""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import support
from support import DEADLINE_S

COMMANDS = ["delay", "serve", "fetch", "demo", "models"]
INSIDE = ["thread-serve", "thread-fetch", "model-client", "--die-with-parent", "manual"]


def plain(page: str) -> str:
    """The text of a page without the marks of fonts."""
    return re.sub(r"\\f[BIR]", "", page).replace("\\-", "-").replace("\\&", "").replace("\\e", "\\")


class Manual(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        done = support.run("manual", str(cls.directory))
        assert (done.returncode, done.stdout, done.stderr) == (0, "", ""), done

    def text(self, name: str) -> str:
        return (self.directory / name).read_text()

    def test_its_files(self):
        pages = [f"weft-{command}.1" for command in COMMANDS]
        expected = sorted(["weft.1", *pages, "weft.bash", "_weft", "weft.fish"])
        self.assertEqual(sorted(path.name for path in self.directory.iterdir()), expected)

    def test_all_of_the_help_is_in_them(self):
        shells = {name: self.text(name) for name in ["weft.bash", "_weft", "weft.fish"]}
        for command in COMMANDS:
            help_text = support.run(command, "--help").stdout
            page = plain(self.text(f"weft-{command}.1"))
            options = set(re.findall(r"(?m)^  (?:-\w,)?(--[\w-]+)", help_text))
            options |= set(re.findall(r"(?m)^  --[\w-]+,(--[\w-]+)", help_text))
            self.assertGreaterEqual(len(options), 3, help_text)
            self.assertIn(command, plain(self.text("weft.1")))
            for option in options:
                with self.subTest(command=command, option=option):
                    self.assertRegex(page, rf"(?m)^(?:[^\n]*, )?{option}\b")
                    for name, text in shells.items():
                        shown = "-l " + option[2:] if name == "weft.fish" else option
                        self.assertIn(shown, text, name)
            # What is said of each option, and at the end, word by word.
            said = " ".join(help_text.split())
            for line in page.splitlines():
                if line and not line.startswith((".", "-")) and line[0].isupper():
                    self.assertIn(" ".join(line.split()).split(" - ")[0][:60], said + page[:300])
        for text in [*shells.values(), self.text("weft.1")]:
            for word in INSIDE:
                self.assertNotRegex(text, rf"(?<![\w-]){word}(?![\w-])")

    def test_exit_codes_are_a_section(self):
        page = plain(self.text("weft-fetch.1"))
        section = page.split(".SH EXIT CODES\n")[1].split(".SH ")[0]
        codes = re.findall(r"(?m)^\.TP\n(\d+)$", section)
        self.assertEqual(codes, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "130"])

    def test_a_directory_that_is_not_there(self):
        done = support.run("manual", str(self.directory / "nowhere"))
        self.assertEqual(done.returncode, 2)

    def test_pages_are_well_formed(self):
        tools = [["groff", "-man", "-ww", "-Tutf8"], ["mandoc", "-Tutf8", "-Wwarning"]]
        tools = [tool for tool in tools if shutil.which(tool[0])]
        if not tools:
            self.skipTest("needs groff or mandoc")
        for path in self.directory.glob("*.1"):
            for tool in tools:
                done = subprocess.run([*tool, str(path)], capture_output=True, text=True)
                complaints = [line for line in done.stderr.splitlines()
                              if "warning" in line.lower() and "see above" not in line
                              and "missing date" not in line]  # fmt: skip
                self.assertEqual((done.returncode in (0, 2), complaints), (True, []), done.stderr)
                self.assertIn("SYNOPSIS", re.sub(r"\x1b\[[\d;]*m|.\x08", "", done.stdout))

    def proposed(self, *words: str) -> list[str]:
        """What bash proposes for the last of the words."""
        script = f"source {self.directory / 'weft.bash'}\n" + (
            'COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _weft; printf "%s\\n" "${COMPREPLY[@]}"'
        )
        command = ["bash", "-euc", script, "bash", "weft", *words]
        done = subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=self.directory
        )
        return sorted(word for word in done.stdout.split("\n") if word)

    def test_bash(self):
        (self.directory / "a file").touch()
        (self.directory / "a directory").mkdir()
        self.addCleanup((self.directory / "a directory").rmdir)
        self.addCleanup((self.directory / "a file").unlink)
        for words, expected in [
            (["d"], ["delay", "demo"]),
            (["--v"], ["--version"]),
            (["fetch", "--no"], ["--no-proxy"]),
            (["fetch", "http://x/", "--max-"], ["--max-redirects", "--max-time"]),
            (["fetch", "--output", "a"], ["a directory", "a file"]),
            (["fetch", "--retry", "-"], []),
            (["fetch", "--method", "P"], ["PATCH", "POST", "PUT"]),
            (["fetch", ""], []),
            (["serve", "a"], ["a directory"]),
            (["serve", "--log", "co"], ["combined", "common"]),
            (["models", "--only", "f"], ["fibers", "futures"]),
        ]:
            with self.subTest(words=words):
                self.assertEqual(self.proposed(*words), expected)

    @unittest.skipUnless(shutil.which("zsh"), "needs zsh")
    def test_zsh(self):
        subprocess.run(["zsh", "-n", str(self.directory / "_weft")], check=True)
        # _arguments of a double: it prints what it is called with.
        script = (
            "_arguments() { print -rl -- $@; state=arguments; line=(fetch) }\n"
            f"_files() {{ : }}; _describe() {{ : }}; source {self.directory / '_weft'}"
        )
        done = subprocess.run(["zsh", "-fc", script], capture_output=True, text=True, check=True)
        self.assertIn("(--json)--json[Print the report as JSON]\n", done.stdout)
        self.assertIn("(--upload)--upload[Send a file; - is standard input.", done.stdout)
        self.assertIn("]:FILE:_files\n", done.stdout)
        self.assertIn("*--header[", done.stdout)
        self.assertEqual(done.stderr, "")

    @unittest.skipUnless(shutil.which("fish"), "needs fish")
    def test_fish(self):
        home = self.enterContext(tempfile.TemporaryDirectory())
        script = f"source {self.directory / 'weft.fish'}; complete -C '{{}}'"
        for line, expected in [
            ("weft d", ["delay", "demo"]),
            ("weft fetch --no", ["--no-proxy"]),
            ("weft serve --log co", ["combined", "common"]),
            ("weft fetch --retry ", []),
        ]:
            command = ["fish", "--no-config", "-c", script.format(line)]
            done = subprocess.run(
                command, capture_output=True, text=True, check=True, timeout=DEADLINE_S,
                env={"HOME": home, "PATH": "/usr/bin:/bin"},
            )  # fmt: skip
            found = sorted(each.split("\t")[0] for each in done.stdout.splitlines())
            self.assertEqual(found, expected, line)


if __name__ == "__main__":
    support.main()
