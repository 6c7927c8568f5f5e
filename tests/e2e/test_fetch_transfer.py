"""`weft fetch` of one body: what is asked, where the body goes, and the exit code of each end."""

import gzip
import os
import pathlib
import pty
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest

import support
from http_peers import Server, answer_of, sending, stalling
from support import DEADLINE_S, PROGRAM
from test_serve import FileServer

LARGE = bytes(range(256)) * 20_000  # 5 MB
HELLO = answer_of(b"hello")


def fetch(*arguments: str, **options) -> subprocess.CompletedProcess:
    options = {"capture_output": True, "timeout": DEADLINE_S, **options}
    return subprocess.run([PROGRAM, "fetch", *arguments], **options)


class Transfer(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.file = self.directory / "file"

    def succeeds(self, *arguments: str, **options) -> bytes:
        done = fetch(*arguments, **options)
        self.assertEqual((done.returncode, done.stderr), (0, b""), arguments)
        return done.stdout

    def fails(self, code: int, says: str, *arguments: str, **options):
        done = fetch(*arguments, **options)
        self.assertEqual(done.returncode, code, (arguments, done))
        self.assertRegex(done.stderr.decode(), rf"\Aweft fetch: [^\n]*{says}[^\n]*\n\Z", arguments)
        return done

    def names(self) -> list[str]:
        return sorted(os.listdir(self.directory))


class Requests(Transfer):
    def test_what_is_asked(self):
        sent = self.directory / "some data"
        sent.write_bytes(LARGE)
        form = "application/x-www-form-urlencoded"
        rows = [
            (["--output", "-"], "GET /a/", {}, b""),
            (["--header", "X-A: 1", "--header", "Host:other", "--output", "-"], "GET /a/",
             {"x-a": "1", "host": "other"}, b""),
            (["--method", "DELETE"], "DELETE /a/", {}, b""),
            (["--data", "x=1"], "POST /a/", {"content-length": "3", "content-type": form}, b"x=1"),
            (["--data", ""], "POST /a/", {"content-length": "0"}, b""),
            (["--data", "{}", "--header", "Content-Type: application/json", "--method", "PATCH"],
             "PATCH /a/", {"content-type": "application/json"}, b"{}"),
            (["--data", f"@{sent}"], "POST /a/", {"content-length": str(len(LARGE))}, LARGE),
            (["--data", "@-"], "POST /a/", {"transfer-encoding": "chunked"}, LARGE),
            (["--upload", str(sent)], "PUT /a/some%20data",
             {"content-length": str(len(LARGE))}, LARGE),
            (["--upload", "-"], "PUT /a/", {"transfer-encoding": "chunked"}, LARGE),
            (["--upload", "/dev/stdin", "--method", "POST"], "POST /a/stdin",
             {"transfer-encoding": "chunked"}, LARGE),
        ]  # fmt: skip
        with Server(sending(HELLO)) as server:
            for arguments, line, fields, body in rows:
                with self.subTest(arguments=arguments[:2]):
                    reader = subprocess.Popen(["cat", str(sent)], stdout=subprocess.PIPE)
                    got = self.succeeds(*arguments, server.url + "/a/", stdin=reader.stdout)
                    reader.stdout.close()
                    reader.wait()
                    self.assertEqual(got, b"hello")
                    request = server.requests.pop()
                    self.assertEqual(request.line, line + " HTTP/1.1")
                    self.assertTrue(request.body == body, len(request.body))
                    for name, value in fields.items():
                        self.assertEqual(request.fields.get(name), value)

    def test_redirects(self):
        moved = answer_of(b"moved", "Location: /b", status="302 Found")
        with Server(sending(moved, moved, HELLO, moved)) as server:
            url = server.url + "/a"
            self.assertEqual(self.succeeds("--output", "-", url), b"moved")
            self.assertEqual(self.succeeds("--output", "-", "--location", url), b"hello")
            self.assertEqual([r.path for r in server.requests], ["/a", "/a", "/b"])
            few = ["--location", "--max-redirects", "3", "--output", "-"]
            self.fails(6, "too many redirects", *few, url)
            self.assertEqual(len(server.requests), 3 + 4)
            done = support.run("fetch", "--location", "--max-redirects", "1", server.url)
            self.assertIn("too many redirects", done.stderr)  # the report knows it, too

    def test_retries(self):
        busy = answer_of(b"busy", "Retry-After: 0", status="503 No")
        with Server(sending(busy, busy, HELLO)) as server:
            self.assertEqual(self.succeeds("--retry", "2", "--fail", server.url), b"hello")
            self.assertEqual(len(server.requests), 3)
        with Server(sending(busy)) as server:
            self.fails(5, "503", "--retry", "1", "--fail", server.url)
            self.assertEqual(len(server.requests), 2)

    def test_a_unix_socket(self):
        (self.directory / "x").write_bytes(LARGE)
        path = str(self.directory / "socket")
        command = [PROGRAM, "serve", str(self.directory), "--listen", f"unix:{path}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
            self.assertIn("listening", support.read_line(server.stdout))
            got = self.succeeds("--unix-socket", path, "--output", "-", "http://any/x")
            self.assertTrue(got == LARGE)
            server.send_signal(signal.SIGTERM)
        self.fails(3, "connect", "--unix-socket", path, "--output", "-", "http://any/x")


class Bodies(Transfer):
    def test_to_standard_output_and_to_a_file(self):
        (self.directory / "site").mkdir()
        (self.directory / "site" / "large").write_bytes(LARGE)
        self.file.write_text("old")
        link = self.directory / "link"
        link.symlink_to(self.file)
        with FileServer(str(self.directory / "site")) as server:
            url = server.url + "/large"
            self.assertTrue(self.succeeds("--output", "-", url) == LARGE)
            self.assertEqual(self.succeeds("--output", str(link), url), b"")
            self.assertTrue(link.read_bytes() == LARGE and not link.is_symlink())
            self.assertEqual(self.file.read_text(), "old")
            self.assertEqual(self.succeeds("--output", str(self.file), url), b"")
            self.assertTrue(self.file.read_bytes() == LARGE)
            self.assertEqual(self.names(), ["file", "link", "site"])
        mask = os.umask(0)
        os.umask(mask)
        self.assertEqual(self.file.stat().st_mode & 0o777, 0o666 & ~mask)

    def test_the_head(self):
        with Server(sending(answer_of(b"hello", "X-A: \x9b1"))) as server:
            head = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: \x9b1\r\n\r\n"
            self.assertEqual(self.succeeds("--include", server.url), head + b"hello")
            to_file = ["--include", "--output", str(self.file)]
            self.assertEqual(self.succeeds(*to_file, server.url), head)
            self.assertEqual(self.file.read_bytes(), b"hello")
        with Server(sending(b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n")) as server:
            got = self.succeeds("--include", "--method", "HEAD", server.url)
            self.assertEqual(got, b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n")

    def test_a_status(self):
        self.file.write_text("old")
        missing = answer_of(b"nothing here", status="404 Not Found")
        with Server(sending(missing)) as server:
            self.assertEqual(self.succeeds("--output", "-", server.url), b"nothing here")
            done = self.fails(5, "status 404 Not Found", "--fail", server.url)
            self.assertEqual(done.stdout, b"")
            self.fails(5, "404", "--fail", "--output", str(self.file), server.url)
            self.fails(5, "404", "--continue", "--output", str(self.file), server.url)
            self.assertEqual(self.file.read_text(), "old")
            self.succeeds("--output", str(self.file), server.url)
            self.assertEqual(self.file.read_text(), "nothing here")

    def test_compression(self):
        packed = gzip.compress(LARGE)
        whole = answer_of(packed, "Content-Encoding: gzip")
        cut = answer_of(packed[:-9], "Content-Encoding: gzip")
        bad = answer_of(b"no gzip", "Content-Encoding: gzip")
        odd = answer_of(packed, "Content-Encoding: what")
        with Server(sending(whole, whole, whole, cut, bad, odd)) as server:
            if fetch("--compressed", server.url).returncode == 2:
                self.skipTest("built without compression")
            server.requests.clear()
            self.assertTrue(self.succeeds("--compressed", server.url) == LARGE)
            self.assertIn("gzip", server.requests[0].fields["accept-encoding"])
            self.assertTrue(self.succeeds("--output", "-", server.url) == packed)
            self.assertNotIn("accept-encoding", server.requests[1].fields)
            self.fails(6, "", "--compressed", "--output", str(self.file), server.url)
            self.fails(6, "", "--compressed", "--output", str(self.file), server.url)
            to_file = ["--compressed", "--output", str(self.file), server.url]
            self.fails(6, "Content-Encoding 'what'", *to_file)
            self.assertEqual(self.names(), [])

    def test_progress(self):
        with Server(sending(answer_of(LARGE))) as server:
            arguments = ["--progress", "--output", str(self.file), server.url]
            self.assertEqual(self.succeeds(*arguments), b"")
            here, there = pty.openpty()
            done = fetch(*arguments, capture_output=False, stderr=there)
            os.close(there)
            shown = os.read(here, 100_000).decode()
            os.close(here)
        self.assertEqual(done.returncode, 0)
        self.assertIn("fetching 4.9 MiB of 4.9 MiB (100%), ", shown)
        self.assertTrue(shown.endswith("\r\x1b[K"), shown)


class Ends(Transfer):
    def test_no_connection(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            port = closed.getsockname()[1]
        self.fails(3, "connection refused", "--output", "-", f"http://127.0.0.1:{port}/")
        self.fails(3, "no-such-host", "--output", "-", "http://no-such-host.invalid/")

    def test_time_limits(self):
        with Server(stalling(b"")) as server:
            self.fails(4, "first byte.*in all", "--max-time", "100ms", "--output", "-", server.url)
        with Server(stalling(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")) as server:
            short = ["--max-time", "200ms", "--output", "-"]
            done = self.fails(4, "in the middle", *short, server.url)
            self.assertEqual(done.stdout, b"abc")
        with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
            address = full.getsockname()
            waiting = [socket.socket() for _ in range(4)]
            for each in waiting:
                each.setblocking(False)
                each.connect_ex(address)
            url = f"http://127.0.0.1:{address[1]}/"
            self.fails(4, "connecting", "--connect-timeout", "100ms", "--output", "-", url)
            for each in waiting:
                each.close()

    def test_bad_and_broken_responses(self):
        def resetting(connection, _):
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc")
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return False

        def cut(connection, _):
            connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc")
            return False

        for answer in [resetting, cut, sending(b"HTTP/9 what\r\n\r\n")]:
            with Server(answer) as server:
                self.fails(6, "", "--output", "-", server.url)

    def test_what_cannot_be_written(self):
        with Server(sending(answer_of(LARGE))) as server:
            self.fails(7, "/dev/full: No space", "--output", "/dev/full", server.url)
            with open("/dev/full", "wb") as full:
                self.fails(7, "standard output: No space", "--output", "-", server.url,
                           capture_output=False, stdout=full, stderr=subprocess.PIPE)  # fmt: skip
            ends = os.pipe()
            os.close(ends[0])
            self.fails(7, "standard output: Broken pipe", "--output", "-", server.url,
                       capture_output=False, stdout=ends[1], stderr=subprocess.PIPE)  # fmt: skip
            os.close(ends[1])
            limit = lambda: support.limit_file_size(1_000_000)  # noqa: E731
            done = fetch("--output", str(self.file), server.url, preexec_fn=limit)
            self.assertEqual(done.returncode, 7)
            self.assertIn(f"cannot write {self.file}: File too large", done.stderr.decode())
            self.assertIn("kept", done.stderr.decode())
            for output in ["/nowhere/file", str(self.directory) + "/a/b"]:
                self.fails(1, output, "--output", output, server.url)
            self.fails(1, "directory", "--fail", "--output", str(self.directory), server.url)

    def test_what_cannot_be_sent(self):
        with Server(sending(HELLO)) as server:
            for what in ["/nowhere/file", str(self.directory)]:
                self.fails(1, f"cannot read {what}", "--upload", what, server.url)
                self.fails(1, f"cannot read {what}", "--data", "@" + what, server.url)
            self.assertEqual(server.requests, [])

    def test_bad_arguments(self):
        url = "http://127.0.0.1:1/"
        for arguments, says in [
            (["--header", "nothing", url], "--header"),
            (["--header", "a b: c", url], "--header"),
            (["--header", "a: b\nc: d", url], "--header"),
            (["--method", "CONNECT", url], "--method"),
            (["--method", "get", url], "--method"),
            (["--method", "HEAD", "--data", "x", url], "--method"),
            (["--proxy", "ftp://user:secret@x", url], "--proxy"),
            (["--proxy", "http://x", "--no-proxy", url], "--no-proxy"),
            (["--continue", url], "--continue"),
            (["--continue", "--output", "-", url], "--continue"),
            (["--continue", "--data", "x", "--output", "f", url], "--data"),
            (["--data", "x", "--upload", "y", url], "--upload"),
            (["--max-redirects", "3", url], "--location"),
            (["--fail", url, url], "URL"),
            (["--fail", "--repeat", "2", url], "--repeat"),
            (["--include", "--json", url], "--json"),
            (["--connect-timeout", "0", url], "--connect-timeout"),
            (["--max-time", "x", url], "--timeout"),
        ]:
            done = support.run("fetch", *arguments)
            self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
            self.assertRegex(done.stderr, rf"\Aweft[^\n]*{says}[^\n]*\n\Z")
            self.assertNotIn("secret", done.stderr)


class Signals(Transfer):
    BEGIN = b'HTTP/1.1 200 OK\r\nETag: "v1"\r\nContent-Length: 100000\r\n\r\n' + LARGE[:70_000]

    def interrupted(self, *arguments: str, ready) -> str:
        """Ends the program when `ready` says so, and returns its standard error."""
        with Server(stalling(self.BEGIN)) as server:
            command = [PROGRAM, "fetch", *arguments, server.url]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            self.assertTrue(server.asked.acquire(timeout=DEADLINE_S))
            ready(process)
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=DEADLINE_S)
        self.assertEqual(process.returncode, 130, errors)
        return errors.decode()

    def written(self, size: int):
        """Waits until a file in the directory has that size."""

        def ready(_):
            deadline = time.monotonic() + DEADLINE_S
            while all(path.stat().st_size < size for path in self.directory.iterdir()):
                self.assertLess(time.monotonic(), deadline)
                os.sched_yield()

        return ready

    def test_a_new_part_is_kept(self):
        errors = self.interrupted("--output", str(self.file), ready=self.written(70_000))
        self.assertIn(f"68.4 KiB kept in {self.file}; --continue goes on", errors)
        self.assertEqual(self.names(), ["file", "file.weft-part"])
        self.assertTrue(self.file.read_bytes() == LARGE[:70_000])

    def test_an_older_file_stays(self):
        self.file.write_text("old")
        errors = self.interrupted("--output", str(self.file), ready=self.written(70_000))
        self.assertRegex(errors, r"\Aweft fetch: [^\n]+: interrupted\n\Z")
        self.assertEqual((self.names(), self.file.read_text()), (["file"], "old"))

    def test_a_continued_part_is_kept(self):
        arguments = ["--continue", "--output", str(self.file)]
        errors = self.interrupted(*arguments, ready=self.written(70_000))
        self.assertIn("kept in", errors)
        self.assertEqual(self.names(), ["file", "file.weft-part"])

    def test_standard_output(self):
        def ready(process):
            left = 70_000
            while left > 0:
                left -= len(os.read(process.stdout.fileno(), left))

        errors = self.interrupted("--output", "-", ready=ready)
        self.assertRegex(errors, r"\Aweft fetch: [^\n]+: interrupted\n\Z")


if __name__ == "__main__":
    support.main()
