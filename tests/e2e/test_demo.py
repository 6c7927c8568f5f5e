"""`weft demo`: every echo is right, both sides are reported, and Ctrl-C drains it."""

import json
import os
import pathlib
import pty
import signal
import subprocess
import time
import unittest

import support
from support import DEADLINE_S, PROGRAM

SIDE_FIELDS = {
    "cpu_ms",
    "peak_memory_bytes",
    "threads",
    "voluntary_switches",
    "involuntary_switches",
}


def children_of(pid: int) -> list[int]:
    return [
        int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    ]


class Demo(unittest.TestCase):
    def test_report_is_consistent(self):
        done = support.run(
            "demo", "--count", "500", "--delay", "1000", "--json", timeout=3 * DEADLINE_S
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        report = json.loads(done.stdout)
        weft, threads = report["weft"], report["threads"]
        self.assertEqual((weft["requests"], weft["failures"]), (500, 0))
        self.assertEqual((threads["requests"], threads["failures"]), (500, 0))
        self.assertEqual((report["count"], report["delay_ms"]), (500, 1000))
        # All at once, unless the machine is so busy that answers come before the last request.
        self.assertGreater(weft["connections"], 250)
        self.assertLessEqual(weft["connections"], 500)
        self.assertGreaterEqual(weft["wall_ms"], 1000)
        self.assertGreaterEqual(weft["latency_ms"]["p50"], 1000)
        for side in (weft["client"], weft["server"], threads["client"], threads["server"]):
            self.assertLessEqual(SIDE_FIELDS, side.keys())
            self.assertGreater(side["peak_memory_bytes"], 0)
            self.assertGreater(side["cpu_ms"], 0)
        self.assertEqual(threads["client"]["threads"], 501)
        self.assertLess(weft["client"]["threads"], 20)

    def test_people_get_a_table(self):
        done = support.run("demo", "--count", "50", "--delay", "10", timeout=3 * DEADLINE_S)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"50 of 50 echoes right")
        for row in (
            "requests",
            "failures",
            "wall",
            "CPU",
            "peak memory",
            "threads",
            "context switches",
        ):
            self.assertRegex(done.stdout, rf"(?m)^{row}")

    def test_with_too_few_files_it_queues_and_says_so(self):
        def lower_limit():
            support.resource.setrlimit(support.resource.RLIMIT_NOFILE, (150, 150))

        done = support.run(
            "demo",
            "--count",
            "300",
            "--delay",
            "10",
            preexec_fn=lower_limit,
            timeout=3 * DEADLINE_S,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("300 of 300 echoes right", done.stdout)
        self.assertRegex(done.stdout + done.stderr, r"limit of open files")

    def test_progress_is_drawn_on_a_terminal(self):
        terminal, other_end = pty.openpty()
        with open(other_end, "wb", closefd=True) as errors:
            process = subprocess.Popen(
                [PROGRAM, "demo", "--count", "200", "--delay", "100"],
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )
        drawn = b""
        try:
            while data := os.read(terminal, 65536):
                drawn += data
        except OSError:
            pass  # how a terminal says that its other end is closed
        os.close(terminal)
        self.assertEqual(process.wait(DEADLINE_S), 0)
        self.assertIn(b"200/200", drawn)

    def test_interrupt_drains_ends_the_server_and_exits_130(self):
        process = subprocess.Popen(
            [PROGRAM, "demo", "--count", "100", "--delay", "60000"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        server = self.server_with_connections(process, 100)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=DEADLINE_S)
        self.assertEqual(process.returncode, 130)
        self.assertFalse(pathlib.Path(f"/proc/{server}").exists())

    def server_with_connections(self, process, count: int) -> int:
        """Waits until the demo's server holds `count` connections, and returns its process id."""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline and process.poll() is None:
            for child in children_of(process.pid):
                try:
                    if len(os.listdir(f"/proc/{child}/fd")) > count:
                        return child
                except OSError:
                    pass
            try:
                process.wait(0.02)
            except subprocess.TimeoutExpired:
                pass
        raise AssertionError(f"no server with {count} connections; exit code {process.poll()}")


if __name__ == "__main__":
    support.main()
