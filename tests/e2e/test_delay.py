"""curl, http.client and raw sockets as foreign clients of `weft delay`."""

import http.client
import resource
import shutil
import subprocess
import time
import unittest

import support
from support import DEADLINE_S, DelayServer, receive_response


class Delay(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = cls.enterClassContext(DelayServer("--workers", "2"))

    def client(self) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(*self.server.address, timeout=DEADLINE_S)
        self.addCleanup(connection.close)
        return connection

    def raw(self, data: bytes):
        connection = self.server.connect()
        self.addCleanup(connection.close)
        connection.sendall(data)
        return connection

    def status_of(self, data: bytes) -> int:
        return receive_response(self.raw(data))[0]

    @unittest.skipUnless(shutil.which("curl"), "needs curl")
    def test_curl_gets_the_text_after_the_delay(self):
        began = time.monotonic()
        done = subprocess.run(
            ["curl", "-s", f"{self.server.url}/100/hello%20world"],
            capture_output=True,
            timeout=DEADLINE_S,
        )
        took = time.monotonic() - began
        self.assertEqual((done.returncode, done.stdout), (0, b"hello world"))
        self.assertGreaterEqual(took, 0.1)
        self.assertLess(took, 5)

    def test_every_byte_can_be_echoed(self):
        text = bytes(range(256))
        path = "/0/" + "".join(f"%{byte:02x}" for byte in text)
        client = self.client()
        client.request("GET", path)
        response = client.getresponse()
        self.assertEqual((response.status, response.read()), (200, text))
        self.assertEqual(response.getheader("Content-Type"), "text/plain; charset=utf-8")

    def test_text_may_hold_slashes_and_may_be_empty(self):
        client = self.client()
        for path, text in [("/0/a/b%2Fc", b"a/b/c"), ("/0/", b""), ("/0/%e2%82%ac", "€".encode())]:
            client.request("GET", path)
            response = client.getresponse()
            self.assertEqual((response.status, response.read()), (200, text), path)

    def test_keep_alive_uses_one_connection(self):
        client = self.client()
        client.connect()
        name = client.sock.getsockname()
        for number in range(50):
            client.request("GET", f"/{number % 3}/text-{number}")
            self.assertEqual(client.getresponse().read(), f"text-{number}".encode())
            self.assertEqual(client.sock.getsockname(), name)

    def test_clients_that_have_left_hold_nothing(self):
        with DelayServer("--workers", "1") as server:
            limit = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (256, 256))
            self.assertGreaterEqual(limit[0], 256)
            for _ in range(300):
                with server.connect() as connection:
                    connection.sendall(b"GET /3600000/x HTTP/1.1\r\nHost: h\r\n\r\n")
            with server.connect() as connection:
                connection.sendall(b"GET /0/x HTTP/1.1\r\nHost: h\r\n\r\n")
                status, _, body, rest = receive_response(connection)
                self.assertEqual((status, body, rest), (200, b"x", b""))

    def test_connection_close_is_honoured(self):
        connection = self.raw(b"GET /0/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        status, headers, body, rest = receive_response(connection)
        self.assertEqual((status, headers.get("connection"), body, rest), (200, "close", b"x", b""))
        self.assertEqual(connection.recv(1), b"")

    def test_pipelined_answers_come_in_order(self):
        texts = [f"{delay}/answer-{number}" for number, delay in enumerate([60, 0, 30, 0, 0])]
        connection = self.raw(
            b"".join(f"GET /{t} HTTP/1.1\r\nHost: h\r\n\r\n".encode() for t in texts)
        )
        rest = b""
        for text in texts:
            status, _, body, rest = receive_response(connection, rest)
            self.assertEqual((status, body.decode()), (200, text.split("/")[1]))

    def test_a_request_in_single_bytes_is_understood(self):
        connection = self.server.connect()
        self.addCleanup(connection.close)
        for byte in b"GET /0/slow HTTP/1.1\r\nHost: h\r\n\r\n":
            connection.sendall(bytes([byte]))
        self.assertEqual(receive_response(connection)[2], b"slow")

    def test_head_has_the_headers_and_no_body(self):
        client = self.client()
        client.request("HEAD", "/0/hello")
        response = client.getresponse()
        self.assertEqual((response.status, response.getheader("Content-Length")), (200, "5"))
        self.assertEqual(response.read(), b"")

    def test_bad_paths_are_400_and_say_why(self):
        client = self.client()
        for path in [
            "/",
            "/100",
            "/abc/x",
            "/-1/x",
            "/+1/x",
            "/1.5/x",
            "//x",
            "/3600001/x",
            "/99999999999999999999/x",
            "/0/%zz",
            "/0/%4",
        ]:
            client.request("GET", path)
            response = client.getresponse()
            explanation = response.read().decode()
            self.assertEqual(response.status, 400, path)
            self.assertRegex(explanation, r"\A[^\n]+\n\Z", path)

    def test_other_methods_are_405(self):
        client = self.client()
        client.request("DELETE", "/0/x")
        response = client.getresponse()
        response.read()
        self.assertEqual((response.status, response.getheader("Allow")), (405, "GET, HEAD"))

    def test_malformed_requests_are_refused(self):
        cases = [
            (b"garbage\r\n\r\n", 400),
            (b"GET /0/x HTTP/1.1\r\n\r\n", 400),
            (b"GET /0/x HTTP/1.1\r\nHost: h\r\nBad Header: x\r\n\r\n", 400),
            (b"GET /0/x HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", 400),
            (b"GET /0/x HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", 400),
            (b"GET /0/" + b"x" * 20000 + b" HTTP/1.1\r\nHost: h\r\n\r\n", 414),
            (b"GET /0/x HTTP/1.1\r\nHost: h\r\nBig: " + b"x" * 40000 + b"\r\n\r\n", 431),
        ]
        for data, status in cases:
            self.assertEqual(self.status_of(data), status, data[:60])

    def test_clients_that_vanish_do_no_harm(self):
        for data in [b"", b"GET /0/", b"GET /5/x HTTP/1.1\r\nHost: h\r\n\r\n"]:
            self.server.connect().close()
            self.raw(data).close()
        client = self.client()
        client.request("GET", "/20/still-here")
        self.assertEqual(client.getresponse().read(), b"still-here")

    def test_delays_of_one_client_do_not_hold_up_another(self):
        slow = self.raw(b"GET /3600000/never HTTP/1.1\r\nHost: h\r\n\r\n")
        began = time.monotonic()
        quick = [self.raw(b"GET /200/q HTTP/1.1\r\nHost: h\r\n\r\n") for _ in range(50)]
        for connection in quick:
            self.assertEqual(receive_response(connection)[2], b"q")
        self.assertLess(time.monotonic() - began, 5)
        slow.close()


if __name__ == "__main__":
    support.main()
