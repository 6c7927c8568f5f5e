"""SIGINT and SIGTERM drain `weft delay`: it answers open requests, then it ends."""

import signal
import socket
import unittest

import support
from support import DelayServer, receive_response


class Signals(unittest.TestCase):
    def drained(self, how: signal.Signals, *arguments: str) -> int:
        with DelayServer(*arguments) as server, server.connect() as busy, server.connect() as idle:
            busy.sendall(
                b"GET /0/first HTTP/1.1\r\nHost: h\r\n\r\n"
                b"GET /400/second HTTP/1.1\r\nHost: h\r\n\r\n"
            )
            # The first answer shows that the server has read the write that carried both requests.
            status, _, body, rest = receive_response(busy)
            self.assertEqual((status, body), (200, b"first"))
            server.process.send_signal(how)
            status, _, body, rest = receive_response(busy, rest)
            self.assertEqual((status, body, rest), (200, b"second", b""))
            self.assertEqual(idle.recv(1), b"")
            _, errors = server.process.communicate(timeout=support.DEADLINE_S)
            self.assertEqual(errors, b"")
            with self.assertRaises(ConnectionRefusedError):
                socket.create_connection(server.address, timeout=support.DEADLINE_S)
            return server.process.returncode

    def test_interrupt_drains_and_exits_130(self):
        self.assertEqual(self.drained(signal.SIGINT, "--workers", "1"), 130)

    def test_terminate_drains_and_exits_0(self):
        self.assertEqual(self.drained(signal.SIGTERM, "--workers", "2"), 0)

    def test_a_signal_during_the_end_does_not_change_the_exit_code(self):
        for first, expected in [(signal.SIGTERM, 0), (signal.SIGINT, 130)]:
            with (
                DelayServer("--workers", "1") as server,
                server.connect() as busy,
                server.connect() as idle,
            ):
                busy.sendall(b"GET /3600000/x HTTP/1.1\r\nHost: h\r\n\r\n")
                # Connections are accepted in order: the other one has been, too.
                idle.sendall(b"GET /0/x HTTP/1.1\r\nHost: h\r\n\r\n")
                receive_response(idle)
                server.process.send_signal(first)
                self.assertEqual(idle.recv(1), b"")  # it drains
                # One of these ends the draining. The other comes while the process ends.
                support.send_at_once(server.process, signal.SIGINT, signal.SIGTERM)
                _, errors = server.process.communicate(timeout=support.DEADLINE_S)
                self.assertEqual((server.process.returncode, errors), (expected, b""))

    def test_an_idle_server_ends_at_once(self):
        for how, expected in [(signal.SIGINT, 130), (signal.SIGTERM, 0)]:
            with DelayServer() as server:
                self.assertEqual(server.end(how), (expected, ""))


if __name__ == "__main__":
    support.main()
