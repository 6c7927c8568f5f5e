"""The servers among the examples: a client that resets its connection ends neither another's nor
the server, and neither do more clients than there are descriptors.
"""

import os
import pathlib
import re
import resource
import socket
import struct
import subprocess
import unittest

import support
from support import DEADLINE_S

EXAMPLES = pathlib.Path(os.environ.get("WEFT_EXAMPLES", "build/release/examples"))
REQUEST = b"GET /hello HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


class Server:
    """A program that prints `… on ADDRESS:PORT`; a context manager. `most_fds`: its limit."""

    def __init__(self, path: pathlib.Path, most_fds: int | None = None) -> None:
        def limit() -> None:
            if most_fds is not None:
                resource.setrlimit(resource.RLIMIT_NOFILE, (most_fds, most_fds))

        self.process = subprocess.Popen(
            [path, "127.0.0.1:0"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            preexec_fn=limit,
        )
        line = support.read_line(self.process.stdout)
        found = re.search(r" on (127\.0\.0\.1):(\d+)\n", line)
        if not found:
            self.__exit__()
            raise AssertionError(f"{path} printed {line!r}")
        self.address = (found.group(1), int(found.group(2)))

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_) -> None:
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=DEADLINE_S)


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


def received(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := client.recv(size - len(data))):
        data += more
    return data


class ExampleServers(unittest.TestCase):
    def echoes(self, client: socket.socket) -> None:
        client.sendall(b"hello")
        self.assertEqual(received(client, 5), b"hello")

    def test_a_reset_ends_no_echo_server(self):
        for name in ("example_echo_server", "start/echo_server"):
            with self.subTest(name), Server(EXAMPLES / name) as server:
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
        with Server(EXAMPLES / "start" / "http_server") as server:
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
            with self.subTest(name), Server(EXAMPLES / name, most_fds=40) as server:
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
