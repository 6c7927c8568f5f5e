"""`weft fetch` beside a name server that never answers."""

import os
import pathlib
import signal
import subprocess
import time
import unittest

import support
from support import DEADLINE_S, PROGRAM, DelayServer

HELD = {**os.environ, "LD_PRELOAD": os.environ.get("WEFT_HELD_NAMES", "")}


@unittest.skipIf(support.SANITIZED, "a preloaded library comes before the sanitizer's runtime")
class HeldNames(unittest.TestCase):
    def test_a_timeout_ends_the_program(self):
        begin = time.monotonic()
        done = support.run("fetch", "--timeout", "300ms", "http://a.held/", env=HELD)
        self.assertEqual(done.returncode, 1)
        self.assertIn("timed out while connecting (300", done.stderr)
        self.assertLess(time.monotonic() - begin, DEADLINE_S)

    def test_other_names_are_served(self):
        held = [f"http://name{i}.held/" for i in range(8)]
        with DelayServer() as server:
            url = f"http://localhost:{server.address[1]}/0/x"
            # The ninth waits for its turn, until the eight have been given up.
            done = support.run(
                *("fetch", "--concurrency", "8", "--timeout", "1s", *held, url), env=HELD
            )
        self.assertEqual(done.returncode, 1)
        self.assertIn("9 requests, 8 failures", done.stdout)
        self.assertNotIn(url, done.stderr)

    def test_a_signal_ends_the_program(self):
        command = [PROGRAM, "fetch", "--timeout", "60s", "http://a.held/"]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=HELD
        )
        tasks = pathlib.Path(f"/proc/{process.pid}/task")
        deadline = time.monotonic() + DEADLINE_S
        while not self._looks_up(tasks):
            self.assertLess(time.monotonic(), deadline)
        process.send_signal(signal.SIGINT)
        out, errors = process.communicate(timeout=DEADLINE_S)
        self.assertEqual(process.returncode, 130, errors)
        self.assertIn("interrupted after", errors)
        self.assertIn("requests", out)

    @staticmethod
    def _looks_up(tasks: pathlib.Path) -> bool:
        return any((task / "comm").read_text() == "weft-lookup\n" for task in tasks.iterdir())


if __name__ == "__main__":
    support.main()
