"""`weft delay --log`: a line for each request, as it comes."""

import signal
import unittest

import support
from support import DelayServer, read_line, receive_response


class Log(unittest.TestCase):
    def test_each_request_is_one_line_before_its_answer(self):
        with DelayServer("--log", "--workers", "1") as server, server.connect() as client:
            host, port = client.getsockname()
            asked = [("GET", "/3600000/late"), ("HEAD", "/0/x"), ("GET", "/not-a-delay")]
            for method, target in asked[1:] + asked[:1]:
                client.sendall(f"{method} {target} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
                line = read_line(server.process.stdout)
                self.assertRegex(line, rf"\A *\d+\.\d{{3}} s  {host}:{port}  {method} {target}\n\Z")
                if method == "GET" and "late" not in target:
                    self.assertEqual(receive_response(client)[0], 400)
                elif method == "HEAD":
                    while not client.recv(4096).endswith(b"\r\n\r\n"):
                        pass

    def test_requests_are_answered_when_the_log_cannot_be_written(self):
        with DelayServer("--log", "--workers", "1") as server, server.connect() as client:
            server.process.stdout.close()
            for _ in range(2):
                client.sendall(b"GET /0/x HTTP/1.1\r\nHost: h\r\n\r\n")
                self.assertEqual(receive_response(client)[2], b"x")
            client.close()
            server.process.send_signal(signal.SIGTERM)
            errors = server.process.stderr.read().decode()
            self.assertEqual(server.process.wait(support.DEADLINE_S), 0)
            self.assertRegex(errors, r"\Aweft delay: cannot write to standard output: [^\n]+\n\Z")

    def test_without_it_nothing_is_printed(self):
        with DelayServer() as server, server.connect() as client:
            client.sendall(b"GET /0/x HTTP/1.1\r\nHost: h\r\n\r\n")
            receive_response(client)
            client.close()
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(server.process.stdout.read(), b"")


if __name__ == "__main__":
    support.main()
