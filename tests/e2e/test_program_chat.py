"""The chat server among the examples: rooms, limits, slow and idle clients, the drain."""

import re
import signal
import socket
import subprocess
import time
import unittest

import support
from example_programs import EXAMPLES, Program, wait_until

NAME = "programs/chat"


class Client:
    """A client that has its name; a context manager."""

    def __init__(self, server: Program, name: str, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket()
        self.socket.settimeout(support.DEADLINE_S)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(server.address)
        self.lines = self.socket.makefile("rb")
        self.greeting = self.line()
        if self.greeting.startswith("* you are "):
            self.say(f"/name {name}")
            self.wait_for(rf"\* guest\d+ is now {name}")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_) -> None:
        self.lines.close()
        self.socket.close()

    def say(self, text: str) -> None:
        self.socket.sendall(text.encode() + b"\n")

    def line(self) -> str:
        return self.lines.readline().decode().rstrip("\n")

    def wait_for(self, pattern: str) -> list[str]:
        """Returns the lines before the first one that has the pattern; fails at the end."""
        before = []
        while line := self.lines.readline().decode():
            if re.fullmatch(pattern, line.rstrip("\n")):
                return before
            before.append(line.rstrip("\n"))
        raise AssertionError(f"the stream has ended without {pattern!r}: {before}")

    def rest(self) -> list[str]:
        return self.lines.read().decode().splitlines()


class Chat(unittest.TestCase):
    def test_lines_go_to_the_room_alone(self):
        with (
            Program(NAME, "127.0.0.1:0") as server,
            Client(server, "anna") as anna,
            Client(server, "ben") as ben,
            Client(server, "carl") as carl,
        ):
            ben.say("/join garden")
            ben.wait_for(r"\* ben has come to garden")
            anna.wait_for(r"\* ben has gone to garden")
            carl.say("/join garden")
            carl.wait_for(r"\* carl has come to garden")
            ben.wait_for(r"\* carl has come to garden")
            anna.say("in the lobby")
            anna.wait_for("anna: in the lobby")
            ben.say("in the garden")
            self.assertEqual(ben.line(), "ben: in the garden")
            self.assertEqual(carl.line(), "ben: in the garden")
            ben.say("/who")
            self.assertEqual(ben.line(), "* ben carl")
            ben.say("/quit")
            self.assertEqual(ben.rest(), [])
            self.assertEqual(carl.line(), "* ben has gone")

    def test_names_are_unique_and_checked(self):
        with (
            Program(NAME, "127.0.0.1:0") as server,
            Client(server, "anna") as anna,
            Client(server, "ben") as ben,
        ):
            ben.say("/name anna")
            ben.wait_for("! anna is taken")
            for bad in ("/name", "/name a b", "/join", "/name " + "x" * 25):
                ben.say(bad)
                self.assertEqual(ben.line(), "! a name has 1 to 24 letters, digits, _ and -")
            ben.say("/dance")
            self.assertEqual(ben.line(), "! unknown command /dance")
            anna.say("/quit")
            anna.rest()
            ben.wait_for(r"\* anna has gone")
            ben.say("/name anna")
            ben.wait_for(r"\* ben is now anna")

    def test_a_line_is_limited_and_the_next_one_is_heard(self):
        with Program(NAME, "--line", "20", "127.0.0.1:0") as server:
            with Client(server, "anna") as anna:
                anna.say("x" * 100_000)
                self.assertEqual(anna.line(), "! a line has at most 20 bytes")
                anna.say("y" * 20)
                self.assertEqual(anna.line(), "anna: " + "y" * 20)

    def test_half_a_line_is_no_line(self):
        with Program(NAME, "127.0.0.1:0") as server:
            with Client(server, "anna") as anna, Client(server, "ben") as ben:
                anna.wait_for(r"\* guest\d+ is now ben")
                ben.socket.sendall(b"half a line")
                ben.socket.shutdown(socket.SHUT_WR)
                self.assertEqual(anna.line(), "* ben has gone")

    def test_a_slow_reader_is_dropped_and_the_others_go_on(self):
        options = ("--queue", "16", "--rate", "1000000", "--line", "4096")
        with Program(NAME, *options, "127.0.0.1:0") as server:
            with Client(server, "slow", receive_buffer=4096), Client(server, "fast") as fast:
                text = "x" * 4000
                sent = 0
                gone = False
                while not gone and sent < 10_000:  # 40 MB: far more than its buffers have room for
                    fast.say(text)
                    sent += 1
                    while (line := fast.line()) != "fast: " + text:
                        self.assertEqual(line, "* slow has gone (too slow)")
                        gone = True
                self.assertTrue(gone)
                fast.say("still here")
                self.assertEqual(fast.line(), "fast: still here")
                self.assertRegex(server.read_error_line(), r"^chat: 127\.0\.0\.1:\d+: too slow\n$")

    def test_a_client_that_takes_nothing_leaves_its_room(self):
        options = ("--write", "200ms", "--queue", "100000", "--rate", "1000000", "--line", "4096")
        with Program(NAME, *options, "127.0.0.1:0") as server:
            with Client(server, "slow", receive_buffer=4096), Client(server, "fast") as fast:
                others = []
                for _ in range(500):  # 2 MB: more than the buffers, less than the queue
                    fast.say("x" * 4000)
                    others += fast.wait_for("fast: x+")
                self.assertRegex(server.read_error_line(), r"^chat: 127\.0\.0\.1:\d+: too slow\n$")
                fast.say("/who")
                others += fast.wait_for(r"\* fast")
                self.assertEqual(others, ["* slow has gone (too slow)"])

    def test_a_client_that_talks_too_much_is_slowed_down(self):
        with Program(NAME, "--rate", "50", "127.0.0.1:0") as server:
            with Client(server, "anna") as anna:
                start = time.monotonic()
                anna.socket.sendall(b"line\n" * 100)
                for _ in range(100):
                    self.assertEqual(anna.line(), "anna: line")
                # 50 at once, and as many in a second after that.
                self.assertGreater(time.monotonic() - start, 0.9)

    def test_an_idle_client_is_sent_away(self):
        with Program(NAME, "--idle", "200ms", "127.0.0.1:0") as server:
            with Client(server, "anna") as anna:
                self.assertEqual(anna.rest(), ["* you were idle for too long"])

    def test_more_clients_than_places_are_refused(self):
        with Program(NAME, "--clients", "2", "127.0.0.1:0") as server:
            with Client(server, "anna") as anna, Client(server, "ben") as ben:
                with Client(server, "carl") as carl:
                    self.assertEqual(carl.greeting, "! the server is full")
                    self.assertEqual(carl.rest(), [])
                ben.say("/quit")
                ben.rest()
                anna.wait_for(r"\* ben has gone")

                def finds_a_place() -> bool:
                    with Client(server, "carl") as carl:
                        return carl.greeting.startswith("* you are guest")

                wait_until(finds_a_place, "a place is free")

    def test_a_reset_ends_one_client_alone(self):
        with Program(NAME, "127.0.0.1:0") as server, Client(server, "anna") as anna:
            with Client(server, "ben") as ben:
                anna.wait_for(r"\* guest\d+ is now ben")
                ben.socket.setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0"
                )
            anna.wait_for(r"\* ben has gone.*")
            anna.say("alone")
            self.assertEqual(anna.line(), "anna: alone")

    def test_a_signal_tells_all_and_drains(self):
        with (
            Program(NAME, "127.0.0.1:0") as server,
            Client(server, "anna") as anna,
            Client(server, "ben") as ben,
        ):
            anna.wait_for(r"\* guest\d+ is now ben")
            anna.say("last words")
            anna.wait_for("anna: last words")
            server.begin_stop(signal.SIGTERM)
            with self.assertRaises(ConnectionRefusedError):
                server.connect()
            for client in (anna, ben):
                client.socket.shutdown(socket.SHUT_WR)
            self.assertIn("* the server ends", anna.rest())
            self.assertEqual(ben.line(), "anna: last words")
            self.assertIn("* the server ends", ben.rest())
            expected = "2 clients, of which 0 were cut off\n"
            self.assertEqual(server.ended(), (0, expected, ""))

    def test_a_client_over_its_rate_learns_of_the_stop(self):
        with Program(NAME, "--rate", "1", "127.0.0.1:0") as server:
            with Client(server, "anna") as anna:
                anna.socket.sendall(b"line\n" * 100)
                anna.socket.shutdown(socket.SHUT_WR)
                server.begin_stop()
                self.assertEqual(anna.rest()[-1], "* the server ends")
            expected = "1 clients, of which 0 were cut off\n"
            self.assertEqual(server.ended(), (0, expected, ""))

    def test_a_client_in_a_line_without_end_learns_of_the_stop(self):
        with Program(NAME, "--line", "20", "127.0.0.1:0") as server:
            with Client(server, "anna") as anna:
                anna.socket.sendall(b"x" * 100_000)
                self.assertEqual(anna.line(), "! a line has at most 20 bytes")
                server.begin_stop()
                self.assertEqual(anna.line(), "* the server ends")
            expected = "1 clients, of which 0 were cut off\n"
            self.assertEqual(server.ended(), (0, expected, ""))

    def test_a_client_that_does_not_read_holds_up_no_stop(self):
        options = ("--drain", "300ms", "--queue", "1000", "--rate", "1000000", "--line", "4096")
        with Program(NAME, *options, "127.0.0.1:0") as server:
            with Client(server, "slow", receive_buffer=4096), Client(server, "fast") as fast:
                for _ in range(500):  # 2 MB: more than the buffers, less than the queue
                    fast.say("x" * 4000)
                    self.assertEqual(fast.line(), "fast: " + "x" * 4000)
                fast.socket.shutdown(socket.SHUT_WR)
                fast.rest()  # its session has ended
                server.begin_stop()
                code, out, _ = server.ended()
                self.assertEqual((code, out), (0, "2 clients, of which 1 were cut off\n"))

    def test_a_wrong_command_line_says_what_is_wrong(self):
        for arguments, text in (
            (["--clients", "0"], "--clients: at least 1"),
            (["--idle", "soon"], "--idle: 'soon' is no time such as 250ms, 5s or 2min"),
            (["--rooms", "1"], "unknown option --rooms"),
            (["--rate"], "--rate lacks its value"),
        ):
            done = subprocess.run(
                [EXAMPLES / NAME, *arguments],
                capture_output=True,
                text=True,
                timeout=support.DEADLINE_S,
            )
            self.assertEqual(done.returncode, 2)
            self.assertTrue(done.stderr.startswith(f"chat: {text}\nusage: chat"), done.stderr)


if __name__ == "__main__":
    support.main()
