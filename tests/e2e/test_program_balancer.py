"""The balancer among the examples: spreading, checks, limits, retries, reload, memory, drain."""

import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import support
from example_programs import EXAMPLES, LOOPBACK, Peer, Program, free_port
from example_programs import received, received_to_end

NAME = "programs/balancer"
LONG = bool(os.environ.get("WEFT_LONG_TESTS"))
TRANSFER_BYTES = (1024 if LONG else 64) * 1024 * 1024
GROWTH_BYTES = 16 * 1024 * 1024


def names_itself(name: str):
    """A handler that says its name, then echoes until the client ends."""

    def handle(connection: socket.socket) -> None:
        connection.sendall(name.encode() + b"\n")
        while data := connection.recv(1 << 16):
            connection.sendall(data)

    return handle


def first_line(connection: socket.socket) -> str:
    return received(connection, 2).decode().rstrip("\n")


class Balancer(unittest.TestCase):
    def setUp(self) -> None:
        self.directory = tempfile.TemporaryDirectory(prefix="weft-balancer-")
        self.addCleanup(self.directory.cleanup)
        self.file = pathlib.Path(self.directory.name, "backends.txt")

    def program(self, *arguments: str, backends: list[str]) -> Program:
        self.file.write_text("# backends\n\n" + "".join(f"{each}\n" for each in backends))
        return Program(NAME, "--listen", "127.0.0.1:0", *arguments, str(self.file))

    def wait_for_error(self, balancer: Program, wanted: str) -> None:
        """Reads lines of standard error up to the one that has this text."""
        while line := balancer.read_error_line():
            if wanted in line:
                return
        self.fail(f"no line of standard error has {wanted!r}")

    def test_connections_are_spread_and_both_directions_end_by_themselves(self):
        with Peer(names_itself("a")) as a, Peer(names_itself("b")) as b:
            with self.program("--check", "1min", backends=[a.text, b.text]) as balancer:
                with balancer.connect() as one, balancer.connect() as other:
                    names = {first_line(one), first_line(other)}
                    self.assertEqual(names, {"a", "b"})
                    for client in (one, other):
                        client.sendall(b"hello")
                        client.shutdown(socket.SHUT_WR)
                        self.assertEqual(received_to_end(client), b"hello")

    def test_a_connect_that_fails_goes_on_at_another_backend(self):
        down = f"{LOOPBACK}:{free_port()}"
        with Peer(names_itself("b")) as b:
            with self.program("--check", "1min", backends=[down, b.text]) as balancer:
                for _ in range(5):
                    with balancer.connect() as client:
                        self.assertEqual(first_line(client), "b")
                self.wait_for_error(balancer, f"balancer: {down} is down: connect {down}")

    def test_checks_take_a_backend_out_and_in(self):
        port = free_port()
        with Peer(names_itself("b")) as b:
            again = f"{LOOPBACK}:{port}"
            with self.program("--check", "50ms", backends=[again, b.text]) as balancer:
                self.wait_for_error(balancer, f"{again} is down")
                with Peer(names_itself("a"), port):
                    self.wait_for_error(balancer, f"{again} is up")
                    with balancer.connect() as one, balancer.connect() as other:
                        names = {first_line(one), first_line(other)}
                        self.assertEqual(names, {"a", "b"})
                self.wait_for_error(balancer, f"{again} is down")

    def test_an_http_check_reads_the_status(self):
        status = ["500 Broken"]

        def answer(connection: socket.socket) -> None:
            head = b""
            while b"\r\n\r\n" not in head and (more := connection.recv(4096)):
                head += more
            if head.startswith(b"GET /health HTTP/1.1\r\n"):
                text = f"HTTP/1.1 {status[0]}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                connection.sendall(text.encode())

        options = ("--check", "50ms", "--http-check", "/health")
        with Peer(answer) as a, self.program(*options, backends=[a.text]) as balancer:
            self.wait_for_error(balancer, f"{a.text} is down: status 500")
            status[0] = "204 No Content"
            self.wait_for_error(balancer, f"{a.text} is up")

    def test_a_backend_has_a_limit_and_clients_wait_for_a_place(self):
        options = ("--check", "1min", "--per-backend", "1", "--attempts", "1000")
        with Peer(names_itself("a")) as a, self.program(*options, backends=[a.text]) as balancer:
            with balancer.connect() as one:
                self.assertEqual(first_line(one), "a")
                with balancer.connect() as other:
                    one.sendall(b"x")
                    self.assertEqual(received(one, 1), b"x")
                    other.setblocking(False)
                    with self.assertRaises(BlockingIOError):
                        other.recv(1)
                    other.settimeout(support.DEADLINE_S)
                    one.close()
                    self.assertEqual(first_line(other), "a")

    def test_more_connections_than_allowed_wait_until_one_ends(self):
        options = ("--check", "1min", "--connections", "2")
        with Peer(names_itself("a")) as a, self.program(*options, backends=[a.text]) as balancer:
            with balancer.connect() as one, balancer.connect() as other:
                self.assertEqual((first_line(one), first_line(other)), ("a", "a"))
                with balancer.connect() as third:
                    for _ in range(20):  # time in which it would be served
                        one.sendall(b"x")
                        self.assertEqual(received(one, 1), b"x")
                    third.setblocking(False)
                    with self.assertRaises(BlockingIOError):
                        third.recv(1)
                    third.settimeout(support.DEADLINE_S)
                    other.close()
                    self.assertEqual(first_line(third), "a")

    def test_a_connection_on_which_nothing_moves_is_cut_off(self):
        options = ("--check", "1min", "--idle", "300ms")
        with Peer(names_itself("a")) as a, self.program(*options, backends=[a.text]) as balancer:
            with balancer.connect() as client:
                self.assertEqual(first_line(client), "a")
                start = time.monotonic()
                client.sendall(b"x")
                self.assertEqual(received_to_end(client), b"x")
                self.assertGreater(time.monotonic() - start, 0.3)
                port = client.getsockname()[1]
            text = f"balancer: {LOOPBACK}:{port}: nothing has moved for 300 ms\n"
            self.assertEqual(balancer.read_error_line(), text)

    def test_one_direction_that_moves_keeps_a_connection(self):
        options = ("--check", "1min", "--idle", "2s")
        received_bytes = []

        def listen(connection: socket.socket) -> None:
            while data := connection.recv(1 << 16):
                received_bytes.append(data)

        with Peer(listen) as a, self.program(*options, backends=[a.text]) as balancer:
            with balancer.connect() as client:
                start = time.monotonic()
                sent = 0
                while time.monotonic() - start < 2.5:  # longer than the limit
                    client.sendall(b"x")
                    sent += 1
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(client.recv(1), b"")
            self.assertEqual(sum(map(len, received_bytes)), sent)
            balancer.begin_stop()
            expected = "1 connections, of which 0 were cut off\n"
            self.assertEqual(balancer.ended(), (0, expected, ""))

    def test_without_any_backend_the_client_is_closed_and_it_is_told(self):
        down = f"{LOOPBACK}:{free_port()}"
        options = ("--check", "1min", "--attempts", "3")
        with self.program(*options, backends=[down]) as balancer:
            with balancer.connect() as client:
                self.assertEqual(client.recv(1), b"")
                port = client.getsockname()[1]
            self.wait_for_error(balancer, f"balancer: {LOOPBACK}:{port}: connect {down}: ")

    def test_a_hang_up_reads_the_file_again(self):
        with Peer(names_itself("a")) as a, Peer(names_itself("b")) as b:
            with self.program("--check", "1min", backends=[a.text]) as balancer:
                with balancer.connect() as old:
                    self.assertEqual(first_line(old), "a")
                    self.file.write_text(b.text + "\n")
                    balancer.process.send_signal(signal.SIGHUP)
                    self.wait_for_error(balancer, "balancer: now 1 backends")
                    for _ in range(3):
                        with balancer.connect() as new:
                            self.assertEqual(first_line(new), "b")
                    self.file.write_text("nonsense\n")
                    balancer.process.send_signal(signal.SIGHUP)
                    self.wait_for_error(balancer, "'nonsense' is no HOST:PORT")
                    with balancer.connect() as new:
                        self.assertEqual(first_line(new), "b")
                    self.file.unlink()
                    balancer.process.send_signal(signal.SIGHUP)
                    self.wait_for_error(balancer, "no such file or directory")
                    old.sendall(b"goes on")
                    self.assertEqual(received(old, 7), b"goes on")

    def test_a_signal_lets_connections_finish(self):
        for how in (signal.SIGTERM, signal.SIGINT):
            with Peer(names_itself("a")) as a:
                with self.program("--check", "1min", backends=[a.text]) as balancer:
                    with balancer.connect() as client:
                        self.assertEqual(first_line(client), "a")
                        balancer.begin_stop(how)
                        with self.assertRaises(ConnectionRefusedError):
                            balancer.connect()
                        client.sendall(b"last")
                        client.shutdown(socket.SHUT_WR)
                        self.assertEqual(received_to_end(client), b"last")
                    expected = "1 connections, of which 0 were cut off\n"
                    self.assertEqual(balancer.ended(), (0, expected, ""))

    def test_a_connection_that_does_not_end_is_cut_off(self):
        options = ("--check", "1min", "--drain", "100ms")
        with Peer(names_itself("a")) as a, self.program(*options, backends=[a.text]) as balancer:
            with balancer.connect() as client:
                self.assertEqual(first_line(client), "a")
                balancer.begin_stop()
                expected = "1 connections, of which 1 were cut off\n"
                self.assertEqual(balancer.ended(), (0, expected, ""))
                self.assertEqual(client.recv(1), b"")

    def test_a_long_transfer_takes_constant_memory(self):
        pattern = os.urandom((1 << 20) + 7)  # no divisor of the pieces that are moved
        sent_twice = pattern + pattern

        def send_all(connection: socket.socket) -> None:
            if connection.recv(1) != b"?":
                return  # a check
            rest = TRANSFER_BYTES
            while rest > 0:
                connection.sendall(memoryview(pattern)[: min(rest, len(pattern))])
                rest -= min(rest, len(pattern))

        for idle in ("0ms", "1min"):
            options = ("--check", "1min", "--idle", idle)
            with Peer(send_all) as a, self.program(*options, backends=[a.text]) as balancer:
                with balancer.connect() as client:
                    before = balancer.resident_bytes()
                    client.sendall(b"?")
                    size = 0
                    while data := client.recv(1 << 18):
                        at = size % len(pattern)
                        self.assertTrue(sent_twice.startswith(data, at), f"after {size} bytes")
                        size += len(data)
                    self.assertEqual(size, TRANSFER_BYTES)
                    grown = balancer.resident_bytes("VmHWM") - before
                    if not support.SANITIZED:
                        self.assertLess(grown, GROWTH_BYTES)

    def test_what_cannot_start_says_why(self):
        self.file.write_text("127.0.0.1:1\nlocalhost\n")
        empty = pathlib.Path(self.directory.name, "empty.txt")
        empty.write_text("# none\n")
        for arguments, code, text in (
            ([], 2, "balancer: one file of backends\nusage: balancer"),
            (["--attempts", "x", "f"], 2, "balancer: --attempts: 'x' is no number\nusage"),
            (["/no/such"], 1, "no such file or directory\n"),
            ([str(self.file)], 1, f"{self.file}:2: 'localhost' is no HOST:PORT"),
            ([str(empty)], 1, f"balancer: {empty}: no backends\n"),
        ):
            done = subprocess.run(
                [EXAMPLES / NAME, *arguments],
                capture_output=True,
                text=True,
                timeout=support.DEADLINE_S,
            )
            self.assertEqual(done.returncode, code)
            self.assertIn(text, done.stderr)


if __name__ == "__main__":
    support.main()
