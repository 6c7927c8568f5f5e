"""The README's second example, a TCP proxy: bytes both ways, half-close, errors, graceful stop."""

import signal
import socket
import subprocess
import unittest

import support
from example_programs import EXAMPLES, LOOPBACK, Peer, Program, free_port
from example_programs import received, received_to_end

NAME = "example_proxy"


def echo(connection: socket.socket) -> None:
    while data := connection.recv(1 << 16):
        connection.sendall(data)


class Proxy(unittest.TestCase):
    def test_bytes_go_both_ways(self):
        with Peer(echo) as peer, Program(NAME, "127.0.0.1:0", peer.text) as proxy:
            with proxy.connect() as one, proxy.connect() as other:
                for text in (b"hello", b"x" * 50_000):
                    one.sendall(text)
                    other.sendall(text.upper())
                    self.assertEqual(received(one, len(text)), text)
                    self.assertEqual(received(other, len(text)), text.upper())

    def test_each_direction_ends_by_itself(self):
        def answer_at_the_end(connection: socket.socket) -> None:
            connection.sendall(b"%d bytes" % len(received_to_end(connection)))

        with Peer(answer_at_the_end) as peer, Program(NAME, "127.0.0.1:0", peer.text) as proxy:
            with proxy.connect() as client:
                client.sendall(b"x" * 100_000)
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(received_to_end(client), b"100000 bytes")

    def test_a_signal_lets_connections_finish(self):
        for how in (signal.SIGTERM, signal.SIGINT):
            with Peer(echo) as peer, Program(NAME, "127.0.0.1:0", peer.text) as proxy:
                with proxy.connect() as client:
                    client.sendall(b"before")
                    self.assertEqual(received(client, 6), b"before")
                    proxy.begin_stop(how)
                    with self.assertRaises(ConnectionRefusedError):
                        proxy.connect()
                    client.sendall(b"after")
                    client.shutdown(socket.SHUT_WR)
                    self.assertEqual(received_to_end(client), b"after")
                text = "1 connections, of which 0 were cut off\n"
                self.assertEqual(proxy.ended(), (0, text, ""))

    def test_a_second_signal_ends_it_at_once(self):
        with Peer(echo) as peer, Program(NAME, "127.0.0.1:0", peer.text) as proxy:
            with proxy.connect() as client:
                client.sendall(b"x")
                self.assertEqual(received(client, 1), b"x")
                proxy.begin_stop()
                proxy.process.send_signal(signal.SIGTERM)
                self.assertEqual(proxy.ended()[0], -signal.SIGTERM)
                self.assertEqual(client.recv(1), b"")

    def test_a_server_that_refuses_ends_its_connection_alone(self):
        port = free_port()
        with Program(NAME, "127.0.0.1:0", f"{LOOPBACK}:{port}") as proxy:
            with proxy.connect() as client:
                self.assertEqual(client.recv(1), b"")
            self.assertRegex(
                proxy.read_error_line(),
                rf"^proxy: 127\.0\.0\.1:\d+: connect 127\.0\.0\.1:{port}: connection refused\n$",
            )
            with Peer(echo, port), proxy.connect() as client:
                client.sendall(b"hello")
                self.assertEqual(received(client, 5), b"hello")

    def test_what_cannot_start_says_why(self):
        with socket.create_server((LOOPBACK, 0)) as taken:
            port = taken.getsockname()[1]
            for arguments, code, text in (
                ([], 2, "usage: proxy LISTEN-ADDRESS SERVER-ADDRESS\n"),
                ([f"{LOOPBACK}:{port}", "x:1"], 1, f"proxy: listen {LOOPBACK}:{port}: "),
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
