"""The job runner among the examples: limits, retries, output, the database, faults of it."""

import contextlib
import os
import signal
import sqlite3
import subprocess
import time

import support
from example_programs import wait_until
from job_runner import JOBS, JobsTest, children_of, state_of

LONG_MS = 10 * 60 * 1000


class Jobs(JobsTest):
    def test_how_each_job_ended_is_in_the_database(self):
        self.write(
            "# a comment",
            "",
            "a() { echo out; echo err >&2; }; a",
            "b() { exit 3; }; b",
            "c() { kill -SEGV $$; }; c",
            "d() { \\",
            "  printf 'a\\0b'; }; d",
            "  # another comment",
        )
        code, out, errors = self.run_all("--attempts", 1)
        self.assertEqual((code, out), (1, ""))
        self.assertIn("jobs: 2 done, 2 failed, 0 left\n", errors)
        self.assertRegex(errors, r"\[\d/4\] FAILED, exit code 3, 1 attempt, \d+ ms: b\(\)")
        rows = self.rows("state, attempts, status, output, truncated")
        self.assertEqual(rows[0], ("done", 1, "exit code 0", b"out\nerr\n", 0))
        self.assertEqual(rows[1], ("failed", 1, "exit code 3", b"", 0))
        self.assertRegex(rows[2][2], "^killed by SIGSEGV")
        self.assertEqual(rows[3], ("done", 1, "exit code 0", b"a\0b", 0))

    def test_what_is_done_is_not_run_again_and_what_has_failed_is_on_request(self):
        self.write(f"echo a >> {self.log}", f"echo a >> {self.log}", "test -e good")
        code, _, errors = self.run_all("--pause", "1ms", "--attempts", 2)
        self.assertEqual(code, 1)
        self.assertIn("exit code 1, again in ", errors)
        self.assertEqual(self.rows("attempts"), [1, 1, 2])
        code, _, errors = self.run_all()
        self.assertEqual(code, 1)
        self.assertIn("jobs: 0 to do, 2 done before, 1 failed before\n", errors)
        (self.directory / "good").touch()
        self.list.write_text(self.list.read_text() + f"echo new >> {self.log}\n")
        code, _, errors = self.run_all("--again")
        self.assertEqual(code, 0)
        self.assertIn("jobs: 2 to do, 2 done before, 0 failed before\n", errors)
        self.assertEqual(self.logged(), ["a", "a", "new"])
        self.assertEqual(self.rows("state"), ["done"] * 4)

    def test_the_status_is_that_of_each_job_of_the_list(self):
        self.write("true", "exit 7")
        self.run_all("--attempts", 1)
        self.write("true", "exit 7", "later")
        code, out, _ = self.run_all("--status")
        self.assertEqual(code, 0)
        self.assertRegex(
            out,
            r"\Adone     exit code 0, attempt 1, \d+ ms  true\n"
            r"failed   exit code 7, attempt 1, \d+ ms  exit 7\n"
            r"waiting  later\n1 done, 1 failed, 1 waiting\n\Z",
        )

    def test_no_more_jobs_run_at_a_time_than_allowed(self):
        started, gate = self.fifo("started"), self.fifo("gate")
        job = f"echo + >> {self.log}; echo > started; head -c1 gate; echo - >> {self.log}"
        self.write(*[job] * 7)
        with self.start("--parallel", 3) as runner:
            for _ in range(3):
                started.line()
            self.assertEqual(len(children_of(runner.process.pid)), 3)
            gate.let_pass(7)
            self.assertEqual(runner.ended()[0], 0)
        running = most = 0
        for change in self.logged():
            running += 1 if change == "+" else -1
            most = max(most, running)
        self.assertEqual((running, most), (0, 3))

    def test_no_more_jobs_are_started_in_a_second_than_allowed(self):
        self.write(*["true"] * 11)
        start = time.monotonic()
        self.assertEqual(self.run_all("--rate", 20, "--parallel", 11)[0], 0)
        self.assertGreater(time.monotonic() - start, 10 / 20)

    def test_a_job_that_fails_is_tried_again_after_longer_and_longer_pauses(self):
        self.write(f"echo x >> {self.log}; test $(wc -l < {self.log}) -eq 4")
        start = time.monotonic()
        code, _, errors = self.run_all("--attempts", 4, "--pause", "100ms")
        # From half a pause to a pause: 50, 100 and 200 ms at least.
        self.assertGreater(time.monotonic() - start, 0.35)
        self.assertEqual(code, 0, errors)
        self.assertEqual(self.rows("state, attempts"), [("done", 4)])

    def test_a_job_that_pauses_takes_up_no_place_and_goes_on_at_the_next_start(self):
        self.write("test -e good", "true")
        options = ("--parallel", 1, "--attempts", 2)
        with self.start(*options, "--pause", f"{LONG_MS}ms") as runner:
            runner.wait_for("[1/2] done, 1 attempt, ")
            runner.send(signal.SIGTERM)
            code, errors = runner.ended()
        self.assertEqual(code, 128 + signal.SIGTERM)
        self.assertIn("jobs: 1 done, 0 failed, 1 left\n", errors)
        self.assertEqual(self.rows("state, attempts"), [("waiting", 1), ("done", 1)])
        self.assertEqual(self.run_all(*options)[0], 1)
        self.assertEqual(self.rows("state, attempts"), [("failed", 2), ("done", 1)])

    def test_after_its_time_a_job_and_its_children_are_ended(self):
        # The time may be over before the job has got so far; then the next attempt shows it.
        self.write("test -s pids && exit; sleep 1000 & echo $$ $! > pids; wait")
        times = ("--timeout", "100ms", "--pause", "1ms")
        code, _, errors = self.run_all(*times, "--attempts", 1000)
        self.assertEqual(code, 0)
        self.assertIn("jobs: timed out: killed by SIGTERM, again in ", errors)
        for pid in (self.directory / "pids").read_text().split():
            wait_until(lambda pid=pid: state_of(int(pid)) in ("", "Z"), f"{pid} has ended")

    def test_after_its_time_a_job_that_ignores_sigterm_is_killed(self):
        # SIGTERM may come before the job ignores it; then the next attempt shows it.
        self.write("test -e ready && exit; trap '' TERM; touch ready; sleep 1000")
        times = ("--timeout", "100ms", "--grace", "100ms", "--pause", "1ms")
        code, _, errors = self.run_all(*times, "--attempts", 1000)
        self.assertEqual(code, 0)
        self.assertIn("jobs: timed out: killed by SIGKILL, again in ", errors)

    def test_a_job_has_ended_although_another_process_holds_its_output(self):
        self.fifo("started")
        self.write(
            "setsid sh -c 'echo $$ > started; exec sleep 1000' & head -n1 started > pid; echo out"
        )
        self.assertEqual(self.run_all()[0], 0)
        self.assertEqual(self.rows("state, output"), [("done", b"out\n")])
        pid = int((self.directory / "pid").read_text())
        self.assertIn(state_of(pid), ("R", "S"), "it has left the job's group, and goes on")
        os.kill(pid, signal.SIGKILL)

    def test_what_a_job_leaves_in_its_group_is_killed(self):
        self.write("sleep 1000 & echo $! > pid")
        self.assertEqual(self.run_all()[0], 0)
        pid = int((self.directory / "pid").read_text())
        wait_until(lambda: state_of(pid) in ("", "Z"), "the job's child has ended")

    def test_the_last_bytes_of_a_long_output_are_kept(self):
        self.write("seq 100000", "seq 10")
        self.assertEqual(self.run_all("--output", 1000)[0], 0)
        whole = subprocess.run(["seq", "100000"], capture_output=True, check=True).stdout
        short, long = self.rows("output, truncated")
        self.assertEqual(short, (b"1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n", 0))
        self.assertEqual(long, (whole[-1000:], 1))

    def test_a_reader_of_its_messages_that_goes_away_ends_nothing(self):
        gate = self.fifo("gate")
        self.write("head -c1 gate", "true")
        with self.start("--parallel", 1) as runner:
            runner.wait_for("jobs: 2 to do")
            runner.process.stderr.close()
            gate.let_pass()
            self.assertEqual(runner.process.wait(support.DEADLINE_S), 0)
        self.assertEqual(self.rows("state"), ["done", "done"])


class Faults(JobsTest):
    def assert_fails(self, text: str, *arguments, **options) -> None:
        code, _, errors = self.run_all(*arguments, **options)
        self.assertEqual(code, 1, errors)
        self.assertIn(text, errors)

    def test_two_runners_do_not_share_a_database(self):
        started, gate = self.fifo("started"), self.fifo("gate")
        self.write("echo > started; head -c1 gate")
        with self.start() as runner:
            started.line()
            self.assert_fails(f"jobs: {self.database}.lock: another runner has locked it\n")
            gate.let_pass()
            self.assertEqual(runner.ended()[0], 0)

    def test_a_database_that_is_locked_is_waited_for_and_then_told(self):
        self.write("true")
        with contextlib.closing(sqlite3.connect(self.database)) as other:
            other.execute("CREATE TABLE foreign_one(x)")
            other.execute("BEGIN EXCLUSIVE")
            self.assert_fails(f"jobs: {self.database}: database is locked\n", "--locked", "10ms")
        self.assertEqual(self.run_all()[0], 0)
        self.write("false")
        with contextlib.closing(sqlite3.connect(self.database)) as other:
            other.execute("BEGIN IMMEDIATE")
            text = f"jobs: {self.database}: database is locked: ending the jobs\n"
            self.assert_fails(text, "--locked", "10ms")
        self.write("true", "true")
        self.assertEqual(self.run_all()[0], 0)
        self.assertEqual(self.rows("state"), ["done", "done"])

    def test_a_disk_that_is_full_is_told_and_what_was_recorded_stays(self):
        jobs = [f"echo {number} >> log; head -c 60000 /dev/zero" for number in range(6)]
        self.write(*jobs)
        full = {"preexec_fn": lambda: support.limit_file_size(200_000)}
        text = f"jobs: {self.database}: disk I/O error: ending the jobs\n"
        self.assert_fails(text, "--parallel", 1, **full)
        recorded = self.rows("command")
        self.assertEqual(recorded, jobs[: len(recorded)])
        self.assertIn(len(recorded), range(1, 6))
        self.assertEqual(self.run_all()[0], 0)
        once = [number for number in "012345" if self.logged().count(number) == 1]
        self.assertGreaterEqual(set(once), {str(number) for number in range(len(recorded))})
        self.assertEqual(self.rows("state"), ["done"] * 6)

    def test_what_cannot_be_opened_is_named(self):
        self.write("true")
        self.assert_fails("jobs: open /no/such.lock: no such file", "--database", "/no/such")
        (self.directory / "folder").mkdir()
        text = "jobs: folder: unable to open database file (Is a directory)\n"
        self.assert_fails(text, "--database", "folder")
        (self.directory / "text").write_text("no database\n" * 100)
        self.assert_fails("jobs: text: file is not a database\n", "--database", "text")
        self.assert_fails(": unable to open database file (No such file", "--status")

    def test_a_list_that_is_wrong_is_told_with_its_line(self):
        self.list.write_bytes(b"true\nfal\0se\n")
        self.assert_fails(f"jobs: {self.list}:2: a zero byte\n")
        self.list.write_bytes(b"true\nfalse \\\n")
        self.assert_fails(f"jobs: {self.list}:2: the last line goes on, and there is no next one\n")
        self.list.unlink()
        self.assert_fails(f"jobs: open {self.list}: No such file or directory\n")

    def test_a_wrong_command_line_says_what_is_wrong(self):
        for arguments, text in (
            ([], "one list of jobs"),
            (["--parallel", "0", "x"], "--parallel: at least 1"),
            (["--timeout", "5", "x"], "--timeout: '5' is no time such as 250ms, 5s or 2min"),
        ):
            done = subprocess.run(
                [JOBS, *arguments], capture_output=True, text=True, timeout=support.DEADLINE_S
            )
            self.assertEqual(done.returncode, 2)
            self.assertTrue(done.stderr.startswith(f"jobs: {text}\nusage: jobs"), done.stderr)


if __name__ == "__main__":
    support.main()
