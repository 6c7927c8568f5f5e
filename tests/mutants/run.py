#!/usr/bin/env python3
"""Plants the bugs of mutants.toml, one at a time, and requires that the model tests catch each.

A bug is put into a copy of its file. The sources that include the file are compiled again with the
build's own commands and linked with the rest of weft_model_tests as it was built. Then the named
test runs. A bug that it does not catch is an error; so is an entry whose line is no longer in the
source. The tests are deterministic: a bug that was caught in the same build is not tried again.

    run.py BUILD_DIR [--quick] [--only TEXT] [--jobs N]
"""

import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tomllib

SOURCE = pathlib.Path(__file__).resolve().parents[2]
TARGET = "tests/CMakeFiles/weft_model_tests.dir"
# Linked with every model test, beside its own file.
SHARED = (
    "core_under_model",
    "frame_pool_under_model",
    "syscalls_under_model",
    "sanitizer_options",
)
TIME_LIMIT_S = 240


def mutated(mutant: dict) -> str:
    """Returns the text of the mutant's file with the bug in it."""
    file, old = mutant["file"], mutant["old"]
    text = (SOURCE / file).read_text()
    begin = 0
    if "after" in mutant:
        begin = text.find(mutant["after"])
        if begin < 0:
            raise LookupError(f"{file} has no '{mutant['after']}' any more: adapt 'after'")
    elif text.count(old) > 1:
        raise LookupError(f"{file} has '{old}' more than once: say 'after' what")
    place = text.find(old, begin)
    if place < 0:
        raise LookupError(f"{file} has no '{old}' any more: adapt the mutant")
    return text[:place] + mutant["new"] + text[place + len(old) :]


class Build:
    """The build with the objects and commands."""

    def __init__(self, directory: pathlib.Path):
        self.directory = directory
        self.commands = {}
        for entry in json.loads((directory / "compile_commands.json").read_text()):
            words = shlex.split(entry["command"])
            self.commands[words[words.index("-o") + 1]] = words
        self.includes = self._read_dependencies()
        self.library = str(directory / "libweft_model.a")
        self.gtest = self._link_libraries()

    def _read_dependencies(self) -> dict[str, set[str]]:
        """Returns object -> the files of the repository that it was made of."""
        made_of: dict[str, set[str]] = {}
        command = ["ninja", "-C", str(self.directory), "-t", "deps"]
        listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        current = None
        for line in listing.splitlines():
            if line and not line.startswith(" "):
                current = made_of.setdefault(line.split(":")[0], set())
            elif line.strip() and current is not None:
                path = (self.directory / line.strip()).resolve()
                if path.is_relative_to(SOURCE):
                    current.add(str(path.relative_to(SOURCE)))
        return made_of

    def _link_libraries(self) -> list[str]:
        text = (self.directory / "build.ninja").read_text()
        rule = text[text.index("\nbuild tests/weft_model_tests") :]
        line = next(l for l in rule.splitlines() if l.strip().startswith("LINK_LIBRARIES"))
        return [w for w in line.split("=", 1)[1].split() if "gtest" in w or w.startswith("-l")]

    def objects_of_test(self, mutant: dict) -> list[str]:
        names = (f"{mutant['test']}_model_test", *SHARED)
        return [f"{TARGET}/model/{name}.cpp.o" for name in names]

    def objects_of_library(self) -> list[str]:
        return [o for o in self.commands if o.startswith("CMakeFiles/weft_model.dir/")]

    def key(self, mutant: dict, text: str) -> str:
        """Returns a key that changes with the mutant and with the objects it is linked with."""
        seen = hashlib.sha256(f"{mutant} {text}".encode())
        objects = [self.directory / name for name in self.objects_of_test(mutant)]
        for path in (self.library, *objects):
            status = os.stat(path)
            seen.update(f"{path} {status.st_size} {status.st_mtime_ns}".encode())
        return seen.hexdigest()

    def compile(self, name: str, file: str, overlay: pathlib.Path) -> str:
        """Compiles the object once more with the overlay in front. Returns the output's path."""
        words = list(self.commands[name])
        if os.path.basename(words[0]) == "ccache":
            words = words[1:]
        output = overlay / name.replace("/", "_")
        words[words.index("-o") + 1] = str(output)
        if (SOURCE / file).samefile(words[-1]):
            words[-1] = str(overlay / file)
        front = [f"-I{overlay / 'include'}", f"-I{overlay / 'src'}"]
        options = ["-O1" if word in ("-O2", "-O3") else word for word in words[1:]]
        command = [words[0], *front, *options, "-w"]
        done = subprocess.run(command, cwd=self.directory, capture_output=True, text=True)
        if done.returncode != 0:
            raise RuntimeError("it does not compile:\n" + done.stderr[:3000])
        return str(output)


def run(build: Build, number: int, mutant: dict) -> str:
    """Returns "" if the bug is caught, else the problem."""
    overlay = build.directory / "mutants" / str(number)
    copy = overlay / mutant["file"]
    stamp = overlay / "caught"
    try:
        text = mutated(mutant)
        key = build.key(mutant, text)
        if stamp.exists() and stamp.read_text() == key:
            return ""
        shutil.rmtree(overlay, ignore_errors=True)  # another mutant may have had that number
        copy.parent.mkdir(parents=True)
        copy.write_text(text)
        problem = linked_and_run(build, mutant, overlay)
        stamp.write_text("" if problem else key)
        return problem
    except (LookupError, RuntimeError) as error:
        return str(error)


def linked_and_run(build: Build, mutant: dict, overlay: pathlib.Path) -> str:
    file = mutant["file"]
    names = build.objects_of_test(mutant)
    both = (*names, *build.objects_of_library())
    concerned = [name for name in both if file in build.includes[name]]
    if not concerned:
        return f"{mutant['test']} does not contain {file}"
    fresh = {name: build.compile(name, file, overlay) for name in concerned}
    objects = [fresh.pop(name, str(build.directory / name)) for name in names]
    objects += fresh.values()
    program = overlay / "test"
    compiler = next(w for w in build.commands[names[0]] if os.path.basename(w) != "ccache")
    sanitizers = [w for w in build.commands[names[0]] if w.startswith("-fsanitize")]
    libraries = [build.library, *build.gtest, "-pthread"]
    link = [compiler, *sanitizers, *objects, *libraries, "-o", str(program)]
    done = subprocess.run(link, cwd=build.directory, capture_output=True, text=True)
    if done.returncode != 0:
        return "it does not link:\n" + done.stderr[:3000]
    try:
        test = subprocess.run(
            [str(program), "--gtest_fail_fast", "--gtest_color=no"],
            capture_output=True, text=True, errors="replace", timeout=TIME_LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        return f"the test takes more than {TIME_LIMIT_S} s"
    (overlay / "output.txt").write_text(test.stdout + test.stderr)
    program.unlink()
    return "" if test.returncode != 0 else "NOT CAUGHT: all tests of " + mutant["test"] + " passed"


def reason(build: Build, number: int) -> str:
    """Returns a short form of the test's output."""
    output = (build.directory / "mutants" / str(number) / "output.txt").read_text()
    for line in output.splitlines():
        if line.startswith("thread ") or "check failed" in line or "terminate called" in line:
            return line[:110]
    return "a crash, or an expectation that failed"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--quick", action="store_true", help="only those marked as quick")
    parser.add_argument("--only", default="", help="only those with this text in their name")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    options = parser.parse_args()
    mutants = tomllib.loads((pathlib.Path(__file__).parent / "mutants.toml").read_text())["mutant"]
    chosen = [
        (i, m) for i, m in enumerate(mutants)
        if (m.get("quick") or not options.quick) and options.only in m["name"]
    ]
    build = Build(options.build.resolve())
    missed = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        futures = [(i, m, pool.submit(run, build, i, m)) for i, m in chosen]
        for number, mutant, future in futures:
            problem = future.result()
            missed += problem != ""
            said = problem or "caught: " + reason(build, number)
            print(f"{mutant['name']}\n    {said}", flush=True)
    print(f"{len(chosen) - missed} of {len(chosen)} planted bugs caught")
    return 0 if missed == 0 and chosen else 1


if __name__ == "__main__":
    sys.exit(main())
