"""Standard streams and terminals: what a program leaves behind, and how it ends."""

import fcntl
import json
import os
import pty
import select
import signal
import socket
import subprocess
import tempfile
import termios
import time
import unittest

import support
from support import DEADLINE_S

PROBE = os.environ["WEFT_TERMINAL_PROBE"]


class Pseudo:
    """A pseudo-terminal; `line` is the side of programs, which they share with this process."""

    def __enter__(self):
        self.control, self.line = pty.openpty()
        self.modes = termios.tcgetattr(self.line)
        self.seen = b""
        return self

    def __exit__(self, *unused):
        os.close(self.control)
        os.close(self.line)

    def start(self, *arguments: str, **options) -> subprocess.Popen:
        """Starts the probe in a session of its own, whose terminal this is."""

        def take_terminal():
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        streams = {"stdin": self.line, "stdout": self.line, "stderr": subprocess.PIPE}
        return subprocess.Popen(
            [PROBE, *arguments], preexec_fn=take_terminal, **{**streams, **options}
        )

    def expect(self, text: bytes):
        """Reads from the terminal until `text` has come."""
        deadline = time.monotonic() + DEADLINE_S
        while text not in self.seen:
            ready, _, _ = select.select([self.control], [], [], deadline - time.monotonic())
            if not ready:
                raise AssertionError(f"{text!r} did not come, but {self.seen!r}")
            self.seen += os.read(self.control, 4096)
        self.seen = self.seen.split(text, 1)[1]

    def type(self, text: bytes):
        os.write(self.control, text)

    @property
    def now(self):
        return termios.tcgetattr(self.line)

    @property
    def is_raw(self) -> bool:
        return not self.now[3] & termios.ICANON

    @property
    def non_blocking(self) -> bool:
        return bool(fcntl.fcntl(self.line, fcntl.F_GETFL) & os.O_NONBLOCK)


def ended(process: subprocess.Popen) -> tuple[int, str]:
    try:
        _, errors = process.communicate(timeout=DEADLINE_S)
        return process.returncode, (errors or b"").decode()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


class Streams(unittest.TestCase):
    """Each kind of standard stream, and what it is like afterwards."""

    def test_a_file_is_read_from_its_cursor_and_leaves_it_behind(self):
        with tempfile.TemporaryFile() as file, tempfile.TemporaryFile() as copy:
            file.write(b"skipped" + b"x" * 200_000)
            file.seek(7)
            copy.write(b"before ")
            copy.flush()
            code, errors = ended(subprocess.Popen([PROBE, "cat"], stdin=file, stdout=copy))
            self.assertEqual((code, errors), (0, ""))
            self.assertEqual(os.lseek(file.fileno(), 0, os.SEEK_CUR), 200_007)
            copy.seek(0)
            self.assertEqual(copy.read(), b"before " + b"x" * 200_000)

    def test_pipes_and_null(self):
        done = subprocess.run(
            [PROBE, "cat"], input=b"y" * 300_000, stdout=subprocess.PIPE, timeout=DEADLINE_S
        )
        self.assertEqual((done.returncode, done.stdout), (0, b"y" * 300_000))
        for stream in (subprocess.DEVNULL, b""):
            given = {"stdin": stream} if stream == subprocess.DEVNULL else {"input": stream}
            done = subprocess.run(
                [PROBE, "cat"], stdout=subprocess.PIPE, timeout=DEADLINE_S, **given
            )
            self.assertEqual((done.returncode, done.stdout), (0, b""))

    def test_a_pipe_stays_blocking_for_others(self):
        reader, writer = os.pipe()
        process = subprocess.Popen([PROBE, "cat"], stdin=reader, stdout=writer)
        try:
            os.write(writer, b"round and round\n")  # read and written back for ever
            self.assertEqual(os.read(reader, 1)[:1], b"r")
            for end in (reader, writer):
                self.assertFalse(fcntl.fcntl(end, fcntl.F_GETFL) & os.O_NONBLOCK)
        finally:
            process.kill()
            process.wait()
            os.close(reader)
            os.close(writer)

    def test_a_pipe_whose_writer_has_gone_before_the_start_ends(self):
        for text in (b"", b"left behind"):
            reader, writer = os.pipe()
            os.write(writer, text)
            os.close(writer)
            done = subprocess.run(
                [PROBE, "cat"], stdin=reader, stdout=subprocess.PIPE, timeout=DEADLINE_S
            )
            os.close(reader)
            self.assertEqual((done.returncode, done.stdout), (0, text))

    def test_without_a_reader_it_is_an_error_and_no_signal(self):
        reader, writer = os.pipe()
        os.close(reader)  # before the program opens the pipe
        with open("/dev/zero", "rb") as zero:
            code, errors = ended(
                subprocess.Popen(
                    [PROBE, "cat"], stdin=zero, stdout=writer, stderr=subprocess.PIPE
                )
            )
        os.close(writer)
        self.assertEqual((code, errors), (3, "write standard output: broken pipe\n"))

    def test_a_reader_that_goes_ends_it(self):
        # The shell ignores no signal here: subprocess restores SIGPIPE for it.
        script = f"{{ {PROBE} cat < /dev/zero; echo $? >&2; }} | head -c 100000 | wc -c"
        done = subprocess.run(
            ["sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            timeout=DEADLINE_S,
        )
        self.assertEqual(done.stdout.strip(), "100000")
        self.assertEqual(done.stderr, "write standard output: broken pipe\n3\n")
        done = subprocess.run(
            ["sh", "-c", f"{PROBE} cat < /dev/zero 2> /dev/null | true"], timeout=DEADLINE_S
        )
        self.assertEqual(done.returncode, 0)

    def test_sockets(self):
        ours, theirs = socket.socketpair()
        with ours:
            ours.settimeout(DEADLINE_S)
            process = subprocess.Popen([PROBE, "cat"], stdin=theirs, stdout=theirs)
            ours.sendall(b"to and fro")
            self.assertEqual(ours.recv(100), b"to and fro")
            flags = fcntl.fcntl(theirs.fileno(), fcntl.F_GETFL)
            self.assertFalse(flags & os.O_NONBLOCK)
            ours.shutdown(socket.SHUT_WR)
            self.assertEqual(ended(process)[0], 0)
            theirs.close()

    def test_closed_handles_are_told(self):
        for handle, name in ((0, "input"), (1, "output")):
            done = subprocess.run(
                ["sh", "-c", f'exec "$0" cat {handle}>&-', PROBE],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                timeout=DEADLINE_S,
            )
            reason = "(closed when the program began): bad file descriptor\n"
            expected = f"open standard {name} {reason}"
            self.assertEqual((done.returncode, done.stderr), (3, expected))

    def test_a_directory_and_a_full_device(self):
        with open("/dev/full", "wb") as full, open("/dev/zero", "rb") as zero:
            code, errors = ended(
                subprocess.Popen([PROBE, "cat"], stdin=zero, stdout=full, stderr=subprocess.PIPE)
            )
        self.assertEqual((code, errors), (3, "write standard output: no space left on device\n"))
        directory = os.open("/", os.O_RDONLY)
        code, errors = ended(
            subprocess.Popen([PROBE, "cat"], stdin=directory, stderr=subprocess.PIPE)
        )
        os.close(directory)
        self.assertEqual((code, errors), (3, "read standard input: is a directory\n"))

    def test_a_relay_ends_both_ways(self):
        with tempfile.TemporaryDirectory() as directory, socket.socket(socket.AF_UNIX) as listener:
            path = os.path.join(directory, "socket")
            listener.bind(path)
            listener.listen()
            listener.settimeout(DEADLINE_S)
            process = subprocess.Popen(
                [PROBE, "relay", path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            server, _ = listener.accept()
            with server:
                server.settimeout(DEADLINE_S)
                server.sendall(b"greeting")
                server.shutdown(socket.SHUT_WR)
                # The reader of standard output sees the end while the other direction goes on.
                self.assertEqual(process.stdout.read(), b"greeting")
                process.stdin.write(b"answer")
                process.stdin.close()
                self.assertEqual(server.recv(100), b"answer")
                self.assertEqual(server.recv(100), b"")
            self.assertEqual(process.wait(timeout=DEADLINE_S), 0)
            process.stdout.close()

    def test_a_read_that_is_given_up_holds_nothing_up(self):
        reader, writer = os.pipe()
        done = subprocess.run(
            [PROBE, "give-up"], stdin=reader, stdout=subprocess.PIPE, timeout=DEADLINE_S
        )
        self.assertEqual(done.stdout, b"timed out\n")
        os.close(reader)
        os.close(writer)


class Terminal(unittest.TestCase):
    def test_lines_are_read_and_nothing_is_left_changed(self):
        with Pseudo() as terminal:
            process = terminal.start("cat")
            terminal.type(b"one\n")
            terminal.expect(b"one\r\none\r\n")  # the echo, and the copy
            self.assertFalse(terminal.non_blocking)
            terminal.type(b"\x04")  # the end
            self.assertEqual(ended(process), (0, ""))
            self.assertFalse(terminal.non_blocking)
            self.assertEqual(terminal.now, terminal.modes)

    def test_a_read_that_was_given_up_has_taken_nothing(self):
        with Pseudo() as terminal:
            process = terminal.start("read-after-giving-up")
            terminal.expect(b"given up\r\n")
            terminal.type(b"first\n")
            terminal.expect(b"got first\r\n")
            self.assertEqual(ended(process), (0, ""))

    def test_the_controlling_side_as_a_standard_stream(self):
        # To open its path again would make another terminal.
        with Pseudo() as terminal:
            process = subprocess.Popen(
                [PROBE, "cat"], stdin=terminal.control, stdout=subprocess.PIPE
            )
            os.write(terminal.line, b"through\n")
            self.assertEqual(process.stdout.readline(), b"through\r\n")
            flags = fcntl.fcntl(terminal.control, fcntl.F_GETFL)
            self.assertFalse(flags & os.O_NONBLOCK)
            process.kill()
            process.wait()
            process.stdout.close()

    def check_mode(self, mode: str, end: str, act, codes: tuple[int, ...]):
        with self.subTest(mode=mode, end=end), Pseudo() as terminal:
            process = terminal.start("mode", mode, end)
            terminal.expect(b"ready\r")
            act(process, terminal)
            code, errors = ended(process)
            self.assertIn(code, codes, errors)
            self.assertEqual(terminal.now, terminal.modes)

    def test_the_mode_comes_back_on_every_end(self):
        nothing = lambda process, terminal: None
        for end, codes in (
            ("return", (0,)),
            ("throw", (3,)),
            ("exit", (0,)),
            ("quick_exit", (0,)),
            ("abort", (-signal.SIGABRT,)),
            # A sanitizer has its own way with it, and so keeps the mode.
            *([] if os.environ.get("WEFT_SANITIZE") else [("fault", (-signal.SIGSEGV,))]),
        ):
            self.check_mode("raw", end, nothing, codes)
        for number in (
            signal.SIGINT,
            signal.SIGTERM,
            signal.SIGHUP,
            signal.SIGQUIT,
            signal.SIGUSR1,
            signal.SIGALRM,
        ):
            kill = lambda process, terminal: process.send_signal(number)
            self.check_mode("raw", "wait", kill, (-number,))
            self.check_mode("cbreak", "wait", kill, (-number,))

    def test_the_mode_is_on_meanwhile(self):
        with Pseudo() as terminal:
            process = terminal.start("mode", "raw", "wait")
            terminal.expect(b"ready\r\n")
            self.assertTrue(terminal.is_raw)
            process.terminate()
            self.assertEqual(ended(process)[0], -signal.SIGTERM)
            self.assertFalse(terminal.is_raw)

    def test_ctrl_c_ends_and_restores(self):
        interrupt = lambda process, terminal: terminal.type(b"\x03")
        self.check_mode("cbreak", "wait", interrupt, (-signal.SIGINT,))

    def test_a_listener_decides_for_itself(self):
        terminate = lambda process, terminal: process.terminate()
        self.check_mode("raw", "listener", terminate, (0,))

    def test_the_second_stop_restores(self):
        with Pseudo() as terminal:
            process = terminal.start("mode", "raw", "stop_requested")
            terminal.expect(b"ready\r\n")
            process.terminate()
            terminal.expect(b"stopping\r\n")
            process.terminate()
            self.assertEqual(ended(process)[0], -signal.SIGTERM)
            self.assertEqual(terminal.now, terminal.modes)

    def test_a_forked_child_leaves_the_mode_alone(self):
        with Pseudo() as terminal:
            process = terminal.start("mode", "raw", "fork")
            terminal.expect(b"ready\r\n")
            children = f"/proc/{process.pid}/task/{process.pid}/children"
            deadline = time.monotonic() + DEADLINE_S
            # The child has ended when it is a zombie.
            while any(state_of(pid) != "Z" for pid in text_of(children).split()):
                self.assertLess(time.monotonic(), deadline)
                os.sched_yield()
            self.assertTrue(terminal.is_raw)
            process.terminate()
            ended(process)
            self.assertEqual(terminal.now, terminal.modes)

    def test_a_password_is_not_echoed(self):
        with Pseudo() as terminal:
            # Where the standard streams are elsewhere: it asks the terminal all the same.
            process = terminal.start("password", stdout=subprocess.PIPE)
            terminal.expect(b"password: ")
            terminal.type(b"secret\n")
            output, _ = process.communicate(timeout=DEADLINE_S)
            self.assertEqual(output, b"it has 6 characters\n")
            terminal.type(b"\n")
            terminal.expect(b"\n")
            self.assertNotIn(b"secret", terminal.seen)
            self.assertEqual(terminal.now, terminal.modes)

    def test_sizes(self):
        with Pseudo() as terminal:
            termios.tcsetwinsize(terminal.line, (24, 80))
            process = terminal.start("sizes", "2")
            terminal.expect(b"80x24\r\n")
            termios.tcsetwinsize(terminal.control, (30, 100))
            terminal.expect(b"100x30\r\n")
            termios.tcsetwinsize(terminal.control, (31, 101))
            terminal.expect(b"101x31\r\n")
            self.assertEqual(ended(process), (0, ""))

    def test_without_a_terminal(self):
        done = subprocess.run(
            [PROBE, "password"], start_new_session=True, stderr=subprocess.PIPE, text=True,
            timeout=DEADLINE_S,
        )
        expected = "open /dev/tty: no such device or address\n"
        self.assertEqual((done.returncode, done.stderr), (3, expected))


def text_of(path: str) -> str:
    with open(path) as file:
        return file.read()


def state_of(pid) -> str:
    return text_of(f"/proc/{pid}/stat").rsplit(")", 1)[1].split()[0]


class JobControl(unittest.TestCase):
    """A small shell, with the probe as a job."""

    def session(self, body) -> dict:
        """Runs body(terminal) in a session of which this is the terminal; returns what it does."""
        with Pseudo() as terminal:
            reader, writer = os.pipe()
            pid = os.fork()
            if pid == 0:
                try:
                    signal.alarm(int(DEADLINE_S))  # what waits for ever ends
                    os.setsid()
                    fcntl.ioctl(terminal.line, termios.TIOCSCTTY, 0)
                    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
                    result = body(terminal)
                    os.write(writer, json.dumps(result).encode())
                finally:
                    os._exit(0)
            os.close(writer)
            with open(reader) as answer:
                text = answer.read()
            os.waitpid(pid, 0)
        self.assertTrue(text, "the session has not ended by itself")
        return json.loads(text)

    @staticmethod
    def job(terminal: Pseudo, *arguments: str, **options) -> subprocess.Popen:
        def start():
            os.setpgid(0, 0)
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)

        streams = {"stdin": terminal.line, "stdout": terminal.line}
        return subprocess.Popen([PROBE, *arguments], preexec_fn=start, **{**streams, **options})

    def test_stopped_it_gives_the_mode_back_and_takes_it_again(self):
        def shell(terminal):
            process = self.job(terminal, "mode", "raw", "wait")
            # Before it is in the foreground, the change of the mode stops it.
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            first = os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGTTOU
            os.tcsetpgrp(terminal.line, process.pid)
            os.kill(process.pid, signal.SIGCONT)
            terminal.expect(b"ready\r\n")
            modes = [terminal.is_raw]
            os.kill(process.pid, signal.SIGTSTP)
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            stopped = os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGTSTP
            modes.append(terminal.is_raw)
            os.tcsetpgrp(terminal.line, os.getpgrp())
            # Continued in the background it leaves the shell's mode alone.
            os.kill(process.pid, signal.SIGCONT)
            os.waitpid(process.pid, os.WCONTINUED)
            os.kill(process.pid, signal.SIGTSTP)
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            modes.append(terminal.is_raw)
            os.tcsetpgrp(terminal.line, process.pid)
            os.kill(process.pid, signal.SIGCONT)
            deadline = time.monotonic() + DEADLINE_S
            while not terminal.is_raw and time.monotonic() < deadline:
                os.sched_yield()
            modes.append(terminal.is_raw)
            os.kill(process.pid, signal.SIGTERM)
            os.waitpid(process.pid, 0)
            modes.append(terminal.is_raw)
            return {"first": first, "stopped": stopped, "modes": modes}

        expected = {"first": True, "stopped": True, "modes": [True, False, False, True, False]}
        self.assertEqual(self.session(shell), expected)

    def test_killed_in_the_background_it_leaves_the_mode_alone(self):
        def shell(terminal):
            process = self.job(terminal, "mode", "raw", "wait")
            os.waitpid(process.pid, os.WUNTRACED)
            os.tcsetpgrp(terminal.line, process.pid)
            os.kill(process.pid, signal.SIGCONT)
            terminal.expect(b"ready\r\n")
            os.tcsetpgrp(terminal.line, os.getpgrp())
            own = terminal.now
            own[3] &= ~termios.ICANON & ~termios.ISIG  # as a line editor has it
            own[3] |= termios.ECHO
            termios.tcsetattr(terminal.line, termios.TCSANOW, own)
            os.kill(process.pid, signal.SIGTERM)
            _, status = os.waitpid(process.pid, 0)
            return {"killed": os.WTERMSIG(status), "same": terminal.now == own}

        expected = {"killed": signal.SIGTERM, "same": True}
        self.assertEqual(self.session(shell), expected)

    def test_a_read_in_the_background_stops_it_until_it_is_in_front(self):
        def shell(terminal):
            process = self.job(terminal, "cat", stdout=subprocess.PIPE)
            # What is typed there is for the foreground; the job sees that there is something.
            os.write(terminal.control, b"typed\n")
            _, status = os.waitpid(process.pid, os.WUNTRACED)
            stopped = os.WIFSTOPPED(status) and os.WSTOPSIG(status) == signal.SIGTTIN
            os.tcsetpgrp(terminal.line, process.pid)
            os.kill(process.pid, signal.SIGCONT)
            line = process.stdout.readline().decode()
            os.kill(process.pid, signal.SIGKILL)
            return {"stopped": stopped, "line": line, "non_blocking": terminal.non_blocking}

        expected = {"stopped": True, "line": "typed\n", "non_blocking": False}
        self.assertEqual(self.session(shell), expected)

    def test_where_it_cannot_be_stopped_the_error_says_why(self):
        def shell(terminal):
            process = self.job(terminal, "read-error", stderr=subprocess.PIPE)
            _, errors = process.communicate(timeout=DEADLINE_S)
            return {"errors": errors.decode()}

        text = "read standard input (in the background): input/output error; foreground: 0\n"
        self.assertEqual(self.session(shell), {"errors": text})


if __name__ == "__main__":
    support.main()
