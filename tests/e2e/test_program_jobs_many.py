"""The job runner among the examples: long lists, in bounded memory, with nothing left behind."""

import os
import pathlib
import signal

import support
from example_programs import wait_until
from job_runner import RUN_S, JobsTest, Running, children_of


class Many(JobsTest):
    def test_many_jobs_leave_nothing_behind_and_wait_for_no_reader(self):
        started, gate = self.fifo("started"), self.fifo("gate")
        held = "echo > started; head -c1 gate"

        def handles(runner: Running) -> int:
            return len(os.listdir(f"/proc/{runner.process.pid}/fd"))

        def wait_for_the_last_job(runner: Running) -> None:
            started.line(RUN_S)
            pid = runner.process.pid
            wait_until(lambda: len(children_of(pid)) == 1, "one job is left, and no zombie")

        self.write(held)
        with self.start("--database", "first.sqlite") as runner:
            wait_for_the_last_job(runner)
            most = handles(runner)  # with those that the database may still close
            gate.let_pass()
            self.assertEqual(runner.ended()[0], 0)
        commands = [f": {number}" for number in range(2000)]
        self.write(*commands, held)
        with self.start("--rate", 100_000) as runner:  # whose standard error is more than a pipe
            wait_for_the_last_job(runner)
            wait_until(lambda: handles(runner) <= most, "2,000 jobs leave no handle")
            gate.let_pass()
            code, errors = runner.ended()
        self.assertEqual(code, 0)
        self.assertIn("jobs: 2001 done, 0 failed, 0 left\n", errors)
        done = {(command, "done", 1) for command in [*commands, held]}
        self.assertEqual(set(self.rows("command, state, attempts")), done)

    def test_a_long_list_takes_little_memory(self):
        started, gate = self.fifo("started"), self.fifo("gate")
        self.write("echo > started; head -c1 gate", *["true"] * 100_000)
        with self.start("--parallel", 1, "--drain", "0ms") as runner:
            started.line()
            status = pathlib.Path(f"/proc/{runner.process.pid}/status").read_text()
            resident_kb = int(status.split("VmHWM:")[1].split()[0])
            if not support.SANITIZED:
                self.assertLess(resident_kb, 64 * 1024)
            runner.send(signal.SIGTERM)
            gate.let_pass()
            self.assertEqual(runner.ended()[0], 128 + signal.SIGTERM)


if __name__ == "__main__":
    support.main()
