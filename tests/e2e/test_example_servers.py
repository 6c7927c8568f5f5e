"""The servers among the examples: a client that resets its connection ends neither another's nor
the server, and neither do more clients than there are descriptors.
"""

import socket
import struct
import unittest

import support
from example_programs import Program, received

LISTEN = "127.0.0.1:0"
REQUEST = b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


class ExampleServers(unittest.TestCase):
    def echoes(self, client: socket.socket) -> None:
        client.sendall(b"hello")
        self.assertEqual(received(client, 5), b"hello")

    def test_a_reset_ends_no_echo_server(self):
        for name in ("example_echo_server", "start/echo_server"):
            with self.subTest(name), Program(name, LISTEN) as server:
                with server.connect() as other:
                    self.echoes(other)
                    for _ in range(5):
                        client = server.connect()
                        self.echoes(client)
                        reset(client)
                    self.echoes(other)
                    with server.connect() as later:
                        self.echoes(later)
                self.assertIsNone(server.process.poll())

    def test_a_reset_ends_no_http_server(self):
        with Program("start/http_server", LISTEN) as server:
            for text in (b"", b"GET /hel", REQUEST):
                client = server.connect()
                client.sendall(text)
                reset(client)
            with server.connect() as later:
                later.sendall(REQUEST)
                status, _, body, _ = support.receive_response(later)
            self.assertEqual((status, body), (200, b"hello, world\n"))
            self.assertIsNone(server.process.poll())

    def test_an_echo_server_outlives_a_shortage_of_descriptors(self):
        for name in ("example_echo_server", "start/echo_server"):
            with self.subTest(name), Program(name, LISTEN, most_fds=40) as server:
                clients = [server.connect() for _ in range(60)]
                self.echoes(clients[0])
                for client in clients[:30]:
                    client.close()
                self.echoes(clients[-1])
                self.assertIsNone(server.process.poll())
                for client in clients[30:]:
                    client.close()


if __name__ == "__main__":
    support.main()
