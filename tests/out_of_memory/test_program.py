"""The program `weft` with each of its allocations failing: an error, never a signal."""

import os
import subprocess
import unittest

PROGRAM = os.environ["WEFT_PROGRAM"]
FAILING_MALLOC = os.environ["WEFT_FAILING_MALLOC"]
DEADLINE_S = 20


def run_failing(arguments, allocation):
    """Returns the ended process and whether an allocation has failed."""
    ours, theirs = os.pipe()
    environment = {
        **os.environ,
        "LD_PRELOAD": FAILING_MALLOC,
        "WEFT_FAIL_ALLOCATION": str(allocation),
        "WEFT_FAIL_REPORT": str(theirs),
    }
    done = subprocess.run(
        [PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=DEADLINE_S,
        env=environment,
        pass_fds=[theirs],
    )
    os.close(theirs)
    with os.fdopen(ours) as report:
        return done, report.read() != "0"


class EachAllocation(unittest.TestCase):
    def check(self, *arguments):
        allocation = 0
        while True:
            done, failed = run_failing(arguments, allocation)
            where = f"{arguments}, allocation {allocation}: {done.stderr}"
            self.assertIn(done.returncode, (0, 1, 2), where)
            if done.returncode != 0:
                self.assertTrue(done.stderr.strip(), where)
            if not failed:
                break
            allocation += 1
        self.assertGreater(allocation, 100)

    def test_help(self):
        self.check("--help")

    def test_a_mistake_in_the_arguments(self):
        self.check("fetch", "--timeout", "soon", "http://127.0.0.1:1/")

    def test_a_fetch_that_is_refused(self):
        self.check("fetch", "http://127.0.0.1:1/")


if __name__ == "__main__":
    unittest.main(verbosity=2)
