"""curl through a server that leaves HTTP: a proxy for CONNECT, early hints, and an upgrade."""

import http.server
import os
import subprocess
import threading
import unittest

import support
from example_programs import LOOPBACK, Program, free_port, received, received_to_end

DATA = bytes(range(256)) * 12_000  # 3 MB


class Origin(http.server.BaseHTTPRequestHandler):
    """Sends the data, and counts what it is sent."""

    def do_GET(self):
        self.answer(DATA)

    def do_POST(self):
        size = int(self.headers["Content-Length"])
        self.answer(str(self.rfile.read(size) == DATA).encode())

    def answer(self, body: bytes):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def curl(*arguments: str, data: bytes = b"") -> subprocess.CompletedProcess:
    environment = {key: value for key, value in os.environ.items() if "proxy" not in key.lower()}
    return subprocess.run(
        ["curl", "--silent", "--show-error", "--max-time", str(support.DEADLINE_S), *arguments],
        input=data, capture_output=True, env=environment, check=False)


class HttpUpgrade(unittest.TestCase):
    def setUp(self):
        self.program = Program("how_to/http_upgrade", "127.0.0.1:0")
        self.server = self.enterContext(self.program)
        self.url = f"http://{LOOPBACK}:{self.program.address[1]}"

    def test_curl_goes_through_the_tunnel(self):
        with http.server.ThreadingHTTPServer((LOOPBACK, 0), Origin) as origin:
            threading.Thread(target=origin.serve_forever, daemon=True).start()
            url = f"http://{LOOPBACK}:{origin.server_address[1]}/"
            tunnel = ("--proxy", self.url, "--proxytunnel")
            self.assertEqual(curl(*tunnel, url).stdout, DATA)
            # Two requests over one tunnel.
            self.assertEqual(curl(*tunnel, url, url).stdout, DATA + DATA)
            sent = curl(*tunnel, "--data-binary", "@-", url, data=DATA)
            self.assertEqual(sent.stdout, b"True", sent.stderr)
            origin.shutdown()

    def test_curl_learns_that_there_is_no_tunnel(self):
        nowhere = f"http://{LOOPBACK}:{free_port()}/"
        done = curl("--proxy", self.url, "--proxytunnel", nowhere)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b"502", done.stderr)

    def test_curl_takes_early_hints(self):
        done = curl("--verbose", self.url + "/page")
        self.assertEqual(done.stdout, b"the page\n")
        hints = done.stderr.index(b"< HTTP/1.1 103")
        self.assertLess(hints, done.stderr.index(b"< HTTP/1.1 200"))
        self.assertIn(b"rel=preload", done.stderr[hints:])

    def test_a_connection_is_upgraded(self):
        with self.program.connect() as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
                           b"Upgrade: echo\r\n\r\nearly\n")
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += received(client, 1)
            self.assertTrue(head.startswith(b"HTTP/1.1 101 "), head)
            self.assertEqual(received(client, 15), b"you said early\n")
            client.sendall(b"last")
            client.shutdown(1)
            self.assertEqual(received_to_end(client), b"you said last\n")
        self.assertEqual(curl("--output", "/dev/null", "--write-out", "%{http_code}",
                              self.url + "/").stdout, b"426")


if __name__ == "__main__":
    support.main()
