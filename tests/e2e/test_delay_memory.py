"""What 5,000 idle keep-alive connections cost `weft delay` in user space."""

import unittest

import support
from support import SANITIZED, DelayServer, raise_fd_limit, receive_response

CONNECTIONS = 500 if SANITIZED else 5000
LIMIT_BYTES = 4096


class IdleConnections(unittest.TestCase):
    def test_each_costs_under_four_kibibytes(self):
        if raise_fd_limit() < CONNECTIONS + 100:
            self.skipTest("the hard limit of open files is too low")
        with DelayServer("--workers", "1") as server:
            with server.connect() as first:
                self.exchange(first)
            before = server.resident_bytes()
            connections = [server.connect() for _ in range(CONNECTIONS)]
            for connection in connections:
                self.exchange(connection)
            each = (server.resident_bytes() - before) / CONNECTIONS
            print(f"{each:.0f} bytes a connection")
            if not SANITIZED:  # under a sanitizer the connections must work; its memory is not ours
                self.assertLess(each, LIMIT_BYTES)
            for connection in connections:
                connection.close()

    def exchange(self, connection):
        connection.sendall(b"GET /0/x HTTP/1.1\r\nHost: h\r\n\r\n")
        self.assertEqual(receive_response(connection)[2], b"x")


if __name__ == "__main__":
    support.main()
