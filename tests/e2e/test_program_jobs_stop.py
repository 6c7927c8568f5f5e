"""The job runner among the examples: its end by signals, the next start, and a terminal."""

import fcntl
import os
import pathlib
import pty
import re
import signal
import struct
import subprocess
import sys
import termios

import support
from example_programs import wait_until
from job_runner import JOBS, JobsTest, state_of


class Stop(JobsTest):
    def test_after_a_signal_jobs_may_end_and_the_next_start_does_the_rest_exactly(self):
        started, gate = self.fifo("started"), self.fifo("gate")
        jobs = [f"echo {number} >> log" for number in range(50)]
        jobs[20] += "; echo > started; head -c1 gate"
        self.write(*jobs)
        for how in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self.database.unlink(missing_ok=True)
            self.log.unlink(missing_ok=True)
            with self.start("--parallel", 1) as runner:
                started.line()
                runner.send(how)
                runner.wait_for(f"jobs: {how.name}: no more jobs are started")
                gate.let_pass()
                code, errors = runner.ended()
            self.assertEqual(code, 128 + how)
            self.assertIn("jobs: 21 done, 0 failed, 29 left\n", errors)
            self.assertEqual(self.logged(), [str(number) for number in range(21)])
            self.assertEqual(self.run_all("--parallel", 3)[0], 0)
            self.assertEqual(sorted(map(int, self.logged())), list(range(50)))
            self.assertEqual(self.rows("state, attempts"), [("done", 1)] * 50)

    def test_a_signal_at_any_moment_loses_and_doubles_nothing(self):
        jobs = [f"echo {number} >> log" for number in range(60)]
        self.write(*jobs)
        starts = 0
        while len(self.logged()) < len(jobs):
            starts += 1
            with self.start("--parallel", 4, "--rate", 50) as runner:
                for _ in range(15):  # lines of its messages; it may have ended before
                    support.read_line(runner.process.stderr)
                runner.send(signal.SIGINT)
                code, errors = runner.ended()
                self.assertIn(code, (0, 128 + signal.SIGINT), errors)
        self.assertGreater(starts, 1)
        self.assertEqual(sorted(map(int, self.logged())), list(range(60)))

    def test_after_the_drain_a_job_that_ends_well_at_sigterm_is_done_and_others_are_left(self):
        started, gate = self.fifo("started"), self.fifo("gate")
        # Waits for the signal itself: a shell's child can lose it between its fork and its exec.
        well = (
            f"exec {sys.executable} -c \"import signal; "
            "signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM}); "
            r"open('started', 'w').write('\n'); signal.sigwait({signal.SIGTERM}); "
            r"open('log', 'a').write('well\n')" '"'
        )
        badly = "echo badly >> log; echo > started; head -c1 gate"
        self.write(well, badly)
        with self.start("--drain", "0ms") as runner:
            started.line()
            started.line()
            runner.send(signal.SIGINT)
            code, errors = runner.ended()
        self.assertEqual(code, 128 + signal.SIGINT)
        self.assertIn("jobs: the jobs that run get SIGTERM\n", errors)
        self.assertIn("jobs: 1 done, 0 failed, 1 left\n", errors)
        self.assertEqual(self.rows("command, state"), [(well, "done")])
        gate.let_pass()
        self.assertEqual(self.run_all()[0], 0)
        self.assertEqual(sorted(self.logged()), ["badly", "badly", "well"])
        self.assertEqual(self.rows("attempts"), [1, 1])

    def test_a_job_that_ignores_sigterm_is_killed_after_the_grace(self):
        started = self.fifo("started")
        self.write("trap '' TERM; sleep 1000 & echo $$ $! > started; wait; sleep 1000")
        with self.start("--drain", "0ms", "--grace", "50ms") as runner:
            pids = [int(word) for word in started.line().split()]
            runner.send(signal.SIGTERM)
            code, errors = runner.ended()
        self.assertEqual(code, 128 + signal.SIGTERM)
        self.assertIn("jobs: 0 done, 0 failed, 1 left\n", errors)
        for pid in pids:
            wait_until(lambda pid=pid: state_of(pid) in ("", "Z"), f"{pid} has ended")

    def test_each_further_signal_brings_the_end_a_step_nearer(self):
        started = self.fifo("started")
        # In `wait` the shell handles a signal at once; just before a command, after that command.
        waiting = "while :; do sleep 1000 & wait; done"
        self.write(f"trap 'echo > started' TERM; echo > started; {waiting}")
        with self.start("--drain", "10min", "--grace", "10min") as runner:
            started.line()
            runner.send(signal.SIGINT)
            runner.wait_for("no more jobs are started; those that run may end")
            runner.send(signal.SIGINT)
            runner.wait_for("the jobs that run get SIGTERM")
            started.line()
            runner.send(signal.SIGINT)
            code, errors = runner.ended()
        self.assertEqual(code, 128 + signal.SIGINT)
        self.assertIn("jobs: the jobs that run get SIGKILL\n", errors)

    def test_a_runner_that_is_killed_runs_only_the_job_again_whose_end_is_not_recorded(self):
        started, gate = self.fifo("started"), self.fifo("gate")
        self.write(*[f"echo {number} >> log" for number in range(5)])
        with self.list.open("a") as more:
            more.write("echo held >> log; echo > started; head -c1 gate\necho last >> log\n")
        with self.start("--parallel", 1) as runner:
            started.line()
            runner.send(signal.SIGKILL)
            runner.ended()
        gate.let_pass(2)
        self.assertEqual(self.run_all("--parallel", 1)[0], 0)
        self.assertEqual(self.logged(), [*"01234", "held", "held", "last"])

    def test_signals_that_are_ignored_stay_ignored(self):
        started, gate = self.fifo("started"), self.fifo("gate")
        self.write("echo > started; head -c1 gate")

        def ignore() -> None:
            for each in (signal.SIGINT, signal.SIGHUP):
                signal.signal(each, signal.SIG_IGN)

        with self.start(preexec_fn=ignore) as runner:
            started.line()
            runner.send(signal.SIGHUP)
            runner.send(signal.SIGINT)
            gate.let_pass()
            self.assertEqual(runner.ended()[0], 0)


class AtTerminal(JobsTest):
    COLUMNS = 40

    def setUp(self) -> None:
        super().setUp()
        self.master, slave = pty.openpty()
        self.addCleanup(os.close, self.master)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 25, self.COLUMNS, 0, 0))
        self.slave = slave
        self.text = ""

    def start_there(self, *arguments) -> subprocess.Popen:
        """Starts it with this terminal as that of its session."""

        def take_terminal() -> None:
            fcntl.ioctl(2, termios.TIOCSCTTY, 0)

        command = [JOBS, *map(str, arguments), self.list]
        process = subprocess.Popen(
            command,
            stdin=self.slave,
            stderr=self.slave,
            cwd=self.directory,
            start_new_session=True,
            preexec_fn=take_terminal,
        )
        os.close(self.slave)
        self.addCleanup(process.wait)
        return process

    def read_up_to(self, pattern: str) -> None:
        """Reads what the terminal shows until it has the pattern; "" stands for the end."""
        with os.fdopen(os.dup(self.master), "rb", buffering=0) as reader:
            while not pattern or not re.search(pattern, self.text):
                try:
                    data = os.read(reader.fileno(), 4096)
                except OSError:  # no process has the terminal open any more
                    data = b""
                if not data:
                    self.assertEqual(pattern, "", self.text)
                    return
                self.text += data.decode()

    def test_one_line_tells_how_far_it_is_and_what_fails_stands_above_it(self):
        gate = self.fifo("gate")
        long = "echo a command\tthat is too long for the line of the terminal"
        self.write("echo one", long, "exit 9", "head -c1 gate")
        process = self.start_there("--attempts", 1, "--parallel", 1)
        self.read_up_to(r"\x1b\[Kjobs: 3/4, 1 failed, 1 running  exit 9$")
        gate.let_pass()
        self.read_up_to("")
        self.assertEqual(process.wait(support.DEADLINE_S), 1)
        self.assertRegex(self.text, r"\r\x1b\[Kjobs: \[3/4\] FAILED, exit code 9, 1 attempt, ")
        self.assertTrue(self.text.endswith("\r\x1b[Kjobs: 3 done, 1 failed, 0 left\r\n"), self.text)
        self.assertNotIn("done, 1 attempt", self.text)
        drawn = re.findall(r"\x1b\[K(jobs: \d+/4[^\r]*)\r", self.text)
        self.assertTrue(drawn)
        self.assertLess(max(map(len, drawn)), self.COLUMNS)

    def test_ctrl_c_reaches_the_runner_and_not_the_jobs(self):
        started, gate = self.fifo("started"), self.fifo("gate")
        self.write("echo > started; head -c1 gate", "true")
        process = self.start_there("--parallel", 1)
        started.line()
        os.write(self.master, b"\x03")
        self.read_up_to("SIGINT: no more jobs are started")
        gate.let_pass()
        self.read_up_to("")
        self.assertEqual(process.wait(support.DEADLINE_S), 128 + signal.SIGINT)
        self.assertEqual(self.rows("state"), ["done"])
        self.assertIn("jobs: 1 done, 0 failed, 1 left\r\n", self.text)

    def test_a_terminal_that_goes_away_ends_it_as_a_signal_does(self):
        started = self.fifo("started")
        self.write("echo $$ > started; exec sleep 1000")
        process = self.start_there("--drain", "0ms")
        pid = int(started.line())
        os.close(self.master)
        self.master = os.open("/dev/null", os.O_RDONLY)
        self.assertEqual(process.wait(support.DEADLINE_S), 128 + signal.SIGHUP)
        wait_until(lambda: state_of(pid) in ("", "Z"), "the job has ended")
        self.assertTrue(pathlib.Path(self.database).exists())


if __name__ == "__main__":
    support.main()
