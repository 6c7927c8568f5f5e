"""`weft models`: all five agree on every echo, and the report is whole."""

import json
import unittest

import support
from support import DEADLINE_S

MODELS = ["threads", "callbacks", "futures", "coroutines", "fibers"]
FIELDS = {
    "wall_ms",
    "cpu_ms",
    "memory_per_waiter_bytes",
    "peak_memory_bytes",
    "switches",
    "allocations_per_waiter",
    "lines",
}


class Models(unittest.TestCase):
    def test_all_agree_and_are_measured(self):
        done = support.run(
            "models", "--count", "300", "--delay", "200", "--json", timeout=6 * DEADLINE_S
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        report = json.loads(done.stdout)
        self.assertEqual([run["model"] for run in report["models"]], MODELS)
        for run in report["models"]:
            self.assertEqual((run["count"], run["echoes"], run["failures"]), (300, 300, 0))
            self.assertLessEqual(FIELDS, run.keys())
            self.assertGreaterEqual(run["wall_ms"], 200)
            self.assertGreater(run["lines"], 10)

    def test_waiters_beyond_the_limit_of_files_queue_and_it_says_so(self):
        def lower_limit():
            support.resource.setrlimit(support.resource.RLIMIT_NOFILE, (150, 150))

        done = support.run(
            "models",
            *("--count", "400", "--delay", "10", "--only", "fibers", "--only", "coroutines"),
            preexec_fn=lower_limit,
            timeout=6 * DEADLINE_S,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2 of 2 models agree on every echo", done.stdout)
        self.assertRegex(done.stdout, r"limit of open files")

    def test_an_unknown_model_is_refused(self):
        done = support.run("models", "--only", "magic", timeout=DEADLINE_S)
        self.assertEqual(done.returncode, 2)
        self.assertIn("magic", done.stderr)


if __name__ == "__main__":
    support.main()
