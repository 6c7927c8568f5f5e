"""An idle `weft delay` uses no CPU at all."""

import select
import unittest

import support
from support import DelayServer, receive_response

IDLE_S = 5
LIMIT_S = 0.005  # half a tick of /proc/<pid>/stat


class Idle(unittest.TestCase):
    def test_no_tick_in_five_seconds(self):
        with DelayServer("--workers", "2") as server, server.connect() as connection:
            connection.sendall(b"GET /1/x HTTP/1.1\r\nHost: h\r\n\r\n")
            self.assertEqual(receive_response(connection)[2], b"x")
            before = server.cpu_seconds()
            # The time itself is what is measured: nothing may come on this pipe meanwhile.
            self.assertEqual(select.select([server.process.stdout], [], [], IDLE_S)[0], [])
            used = server.cpu_seconds() - before
            # What is left is the end of the exchange: its worker going to sleep.
            print(f"{used * 1e6:.0f} us of CPU")
            self.assertLess(used, LIMIT_S)


if __name__ == "__main__":
    support.main()
