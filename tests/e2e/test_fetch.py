"""`weft fetch` beside servers with one fault each: one clear line per kind, exit code 1."""

import json
import os
import re
import socket
import struct
import subprocess
import tempfile
import threading
import unittest

import support
from support import DEADLINE_S, PROGRAM, DelayServer

REQUEST_END = b"\r\n\r\n"

# A resolver that takes a minute.
SLOW_LOOK_UP = """
#include <unistd.h>
extern "C" int getaddrinfo(const char*, const char*, const void*, void*) {
  sleep(60);
  return -2;
}
"""


class RawServer:
    """Accepts, reads a request from each and hands both to `answer`; a context manager."""

    def __init__(self, answer):
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.requests = []
        self.accepted = threading.Semaphore(0)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._serve)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.over.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()

    def _serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                data = b""
                while REQUEST_END not in data:
                    received = connection.recv(65536)
                    if not received:
                        break
                    data += received
                else:
                    self.requests.append(data)
                    self.accepted.release()
                    self.answer(connection)


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def wait_for_close(connection: socket.socket) -> None:
    connection.settimeout(DEADLINE_S)
    try:
        connection.recv(1)
    except OSError:
        pass


def sender(data: bytes):
    def answer(connection: socket.socket) -> None:
        try:
            connection.sendall(data)
            connection.shutdown(socket.SHUT_WR)
        except OSError:
            return  # the client may have given up before it has all
        wait_for_close(connection)

    return answer


class Failures(unittest.TestCase):
    lines = {}

    def failure(self, kind: str, pattern: str, url: str, *arguments: str) -> str:
        """Both reports of one failing fetch: the line for people and the kind in the JSON."""
        done = support.run("fetch", *arguments, url)
        self.assertEqual(done.returncode, 1, done)
        self.assertRegex(done.stderr, rf"\Aweft fetch: {re.escape(url)}: [^\n]+\n\Z")
        text = done.stderr[len(f"weft fetch: {url}: ") :].rstrip("\n")
        self.assertRegex(text.lower(), pattern)
        as_json = support.run("fetch", "--json", *arguments, url)
        self.assertEqual(as_json.returncode, 1, as_json)
        report = json.loads(as_json.stdout)
        self.assertEqual((report["requests"], report["failures"]), (1, 1))
        self.assertEqual(report["results"][0]["outcome"], kind)
        return text

    def test_refused(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        self.failure(
            "refused", rf"127\.0\.0\.1:{port}: connection refused", f"http://127.0.0.1:{port}/x"
        )

    def test_reset(self):
        with RawServer(reset) as server:
            self.failure("reset", "connection reset", server.url + "/x")

    def test_timeout(self):
        with RawServer(wait_for_close) as server:
            text = self.failure("timeout", "timed out", server.url + "/x", "--timeout", "200ms")
            self.assertIn("while waiting for the first byte", text)

    def test_timeout_in_the_middle_of_a_body(self):
        def answer(connection):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")
            wait_for_close(connection)

        with RawServer(answer) as server:
            text = self.failure("timeout", "timed out", server.url + "/x", "--timeout", "200ms")
            self.assertEqual(text, "timed out in the middle of the response (200.00 ms in all)")

    def test_bad_name(self):
        self.failure(
            "bad_name",
            r"no-such-host\.invalid.*(name|resolve|host)",
            "http://no-such-host.invalid/x",
        )

    def test_bad_status(self):
        with RawServer(sender(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")) as server:
            self.failure("bad_status", "status 404 not found", server.url + "/x")

    def test_oversized_header(self):
        huge = b"HTTP/1.1 200 OK\r\nBig: " + b"x" * 200_000 + b"\r\nContent-Length: 0\r\n\r\n"
        with RawServer(sender(huge)) as server:
            self.failure("oversized_header", "header", server.url + "/x")

    def test_malformed_response(self):
        with RawServer(sender(b"HTTP/9 what\r\n\r\n")) as server:
            self.failure("bad_response", ".", server.url + "/x")

    def test_cut_off_body(self):
        with RawServer(sender(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n12345")) as server:
            self.failure("bad_response", "closed|end", server.url + "/x")

    def test_equal_failures_share_a_line_that_counts_them(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            url = f"http://127.0.0.1:{closed.getsockname()[1]}/x"
        done = support.run("fetch", "--repeat", "25", url)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\A[^\n]+connection refused \(25 times\)\n\Z")


class Success(unittest.TestCase):
    def test_report_counts_bytes_and_latencies(self):
        with DelayServer("--workers", "1") as server:
            done = support.run(
                "fetch",
                "--json",
                "--repeat",
                "40",
                "--concurrency",
                "8",
                f"{server.url}/20/hello",
                f"{server.url}/0/{'x' * 100}",
            )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        report = json.loads(done.stdout)
        self.assertEqual(
            (report["requests"], report["failures"], report["bytes"]), (80, 0, 40 * 105)
        )
        latency = report["latency_ms"]
        self.assertGreaterEqual(latency["p90"], 20)
        self.assertEqual(
            [latency[k] for k in ("p50", "p90", "p99", "p99_9", "max")],
            sorted(latency[k] for k in ("p50", "p90", "p99", "p99_9", "max")),
        )
        self.assertEqual({r["outcome"] for r in report["results"]}, {"ok"})
        self.assertGreaterEqual(report["wall_ms"], 40 * 20 / 8)

    def test_concurrency_is_a_limit(self):
        with DelayServer("--workers", "1") as server:
            done = support.run(
                "fetch", "--json", "--repeat", "4", "--concurrency", "2", f"{server.url}/100/x"
            )
        self.assertGreaterEqual(json.loads(done.stdout)["wall_ms"], 200)

    def test_people_get_a_line_a_request_and_percentiles(self):
        with DelayServer("--workers", "1") as server:
            done = support.run("fetch", f"{server.url}/0/abc")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertRegex(done.stdout, r"(?m)^200 +3 B .*/0/abc$")
        self.assertRegex(done.stdout, r"p50 .*p90 .*p99 .*p99\.9 .*max ")

    def test_an_output_that_is_not_a_directory_is_an_error(self):
        with tempfile.NamedTemporaryFile() as file, DelayServer("--workers", "1") as server:
            done = support.run("fetch", "--output", f"{file.name}/sub", f"{server.url}/0/x")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, rf"\Aweft fetch: [^\n]*{re.escape(file.name)}[^\n]*\n\Z")

    def test_a_url_has_no_effect_on_the_terminal(self):
        with DelayServer("--workers", "1") as server:
            urls = [f"{server.url}/0/\x1b[31m\x07\x7f\u009b", f"{server.url}/x/\x1b]0;t\x07"]
            done = support.run("fetch", *urls)
        self.assertEqual(done.returncode, 1)
        self.assertIn(r"/0/\x1b[31m\x07\x7f\xc2\x9b", done.stdout)
        self.assertIn(r"/x/\x1b]0;t\x07: status 400", done.stderr)
        as_json = support.run("fetch", "--json", *urls)
        self.assertEqual({r["url"] for r in json.loads(as_json.stdout)["results"]}, set(urls))
        for text in (done.stdout, done.stderr, as_json.stdout):
            self.assertEqual([c for c in text if not c.isprintable() and c != "\n"], [])

    def test_a_report_does_not_wait_for_a_look_up_that_was_given_up(self):
        with tempfile.TemporaryDirectory() as directory:
            library = support.library_of(directory, SLOW_LOOK_UP)
            command = [PROGRAM, "fetch", "--timeout", "200ms", "http://slow.invalid/x"]
            process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env={**os.environ, "LD_PRELOAD": library},
            )
            self.assertRegex(support.read_line(process.stdout), r"\A--- .*/x\n\Z")
            self.assertRegex(support.read_line(process.stdout), r"1 failures, .* in \d+\.\d+ ms ")
            self.assertIn("timed out while connecting", support.read_line(process.stderr))
            process.send_signal(support.signal.SIGINT)
            process.communicate(timeout=DEADLINE_S)
            self.assertEqual(process.returncode, 1)

    def test_a_signal_during_the_end_does_not_cost_the_report(self):
        with RawServer(wait_for_close) as server:
            command = [PROGRAM, "fetch", "--timeout", "60s", server.url + "/x"]
            process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            self.assertTrue(server.accepted.acquire(timeout=DEADLINE_S))
            # One of these ends the requests. The other comes while the process ends.
            support.send_at_once(process, support.signal.SIGINT, support.signal.SIGTERM)
            report, errors = process.communicate(timeout=DEADLINE_S)
        self.assertEqual(process.returncode, 130)
        self.assertRegex(report, r"\A0 requests, 0 failures, ")
        self.assertIn("interrupted after 0 of 1 requests", errors)

    def test_interrupt_drains_and_exits_130(self):
        with RawServer(wait_for_close) as server:
            command = [PROGRAM, "fetch", "--timeout", "60s", server.url + "/x"]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertTrue(server.accepted.acquire(timeout=DEADLINE_S))
            process.send_signal(support.signal.SIGINT)
            process.communicate(timeout=DEADLINE_S)
            self.assertEqual(process.returncode, 130)


if __name__ == "__main__":
    support.main()
