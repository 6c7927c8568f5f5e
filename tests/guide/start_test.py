#!/usr/bin/env python3
"""The commands of docs/start, in the order in which a reader types them, print what it shows.

    start_test.py            with the programs that this build has made already
    start_test.py --whole    from an installed library, as the page has it; takes a minute or so

A line that ends in " &" starts a server, which has started once it has printed a line; "kill %1"
ends it. Servers get free ports.
"""

import itertools
import os
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import unittest

from commands import DOCS, ROOT, commands_of

BUILD = pathlib.Path(os.environ.get("WEFT_BUILD_DIR", ROOT / "build" / "release"))
DEADLINE_S = 120
PAGE = DOCS / "start" / "index.md"
WHOLE = "--whole" in sys.argv

# The library is installed from this build; what is made lies in a scratch folder.
_INSTEAD = {
    r"tools/install-packages core": "WEFT_SKIP_INSTALL=1 tools/install-packages core",
    r"cmake --preset library": "cmake -N --preset library",
    r"cmake --build --preset library": "true",
    r"cmake --install build/library (.*)": r"cmake --install {build} \1",
}
_INSTEAD_OF_BUILDING = {
    r"cmake --install build/library (.*)": "true",
    r"cmake -S examples/start .*": "true",
    r"cmake --build build/start": "true",
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


class Story:
    """The typed commands, one line after the other."""

    def __init__(self, scratch: str):
        self._scratch = scratch
        self._server = None
        self._ports: dict[str, str] = {}

    def type(self, line: str) -> str:
        """Runs the command and returns its output."""
        if line == "kill %1":
            self.end()
            return ""
        command = self.replaced(line)
        if not line.endswith(" &"):
            done = subprocess.run(
                ["bash", "-c", command],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                timeout=DEADLINE_S,
            )
            if done.returncode != 0:
                raise AssertionError(f"{command}: {done.stdout}")
            return self.shown(done.stdout)
        self._server = subprocess.Popen(
            ["bash", "-c", "exec " + command.removesuffix(" &")],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self.shown(self._server.stdout.readline())

    def replaced(self, line: str) -> str:
        for pattern, other in (_INSTEAD if WHOLE else _INSTEAD | _INSTEAD_OF_BUILDING).items():
            line = re.sub(f"^{pattern}$", other, line)
        made = f"{self._scratch}/start" if WHOLE else f"{BUILD}/examples/start"
        line = line.replace("$PWD/build/weft", f"{self._scratch}/weft")
        line = line.replace("build/weft", f"{self._scratch}/weft").replace("build/start", made)
        line = line.replace("{build}", str(BUILD))
        return re.sub(r"(127\.0\.0\.1[:/])(\d+)", self._with_free_port, line)

    def shown(self, output: str) -> str:
        """Returns the text with the ports that the page has."""
        for port, free in self._ports.items():
            output = output.replace(free, port)
        return output

    def end(self) -> None:
        if self._server is not None:
            self._server.terminate()
            self._server.wait(timeout=DEADLINE_S)
            self._server.stdout.close()
            self._server = None

    def _with_free_port(self, address: re.Match[str]) -> str:
        return address[1] + self._ports.setdefault(address[2], str(free_port()))


class Start(unittest.TestCase):
    def test_the_commands_print_what_is_shown(self):
        commands = commands_of(PAGE)
        self.assertTrue(commands)
        with tempfile.TemporaryDirectory() as scratch:
            story = Story(scratch)
            self.addCleanup(story.end)
            for _, block in itertools.groupby(commands, key=lambda command: command.block):
                block = list(block)
                printed = "".join([story.type(command.line) for command in block])
                last = block[-1]
                if last.output is not None:
                    self.assertEqual(last.shape(printed), last.shape(last.output))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
