"""`weft serve` beside curl: files, ranges, conditions, compression, its log, its stop."""

import gzip
import json
import os
import pathlib
import signal
import subprocess
import tempfile
import unittest

import support

LARGE = bytes(range(256)) * 20_000  # 5 MB
TEXT = b"a line of text\n" * 1000


class FileServer(support.ListeningProgram):
    """`weft serve` on a free loopback port."""

    def __init__(self, directory: str, *arguments: str):
        command = [support.PROGRAM, "serve", directory, "--listen", "127.0.0.1:0", *arguments]
        super().__init__(command, r"\Alistening on (127\.0\.0\.1):(\d+)\n\Z")
        self.url = f"http://{self.address[0]}:{self.address[1]}"

    def end(self, how: signal.Signals) -> tuple[int, str, str]:
        """Sends the signal and returns the exit code and what was printed."""
        self.process.send_signal(how)
        output, errors = self.process.communicate(timeout=support.DEADLINE_S)
        return self.process.returncode, output.decode(), errors.decode()


def curl(*arguments: str) -> bytes:
    command = ["curl", "-sS", "--max-time", str(support.DEADLINE_S), *arguments]
    return subprocess.run(command, capture_output=True, check=True).stdout


def status(*arguments: str) -> str:
    return curl("-o", os.devnull, "-w", "%{http_code}", *arguments).decode()


class Serve(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory()
        self.addCleanup(self.directory.cleanup)
        root = pathlib.Path(self.directory.name)
        (root / "site" / "sub").mkdir(parents=True)
        (root / "secret").write_text("secret")
        self.site = root / "site"
        (self.site / "index.html").write_text("<p>index")
        (self.site / "text.txt").write_bytes(TEXT)
        (self.site / "large.bin").write_bytes(LARGE)
        (self.site / ".hidden").write_text("hidden")
        (self.site / "out").symlink_to("../secret")
        for path in self.site.iterdir():
            os.utime(path, (1_000_000_000, 1_000_000_000), follow_symlinks=False)

    def test_files_ranges_and_conditions(self):
        with FileServer(str(self.site)) as server:
            self.assertEqual(curl(server.url + "/"), b"<p>index")
            self.assertEqual(curl(server.url + "/large.bin"), LARGE)
            self.assertEqual(curl("-r", "1000-1999", server.url + "/large.bin"), LARGE[1000:2000])
            self.assertEqual(status("-r", "5200000-", server.url + "/large.bin"), "416")
            head = curl("-I", server.url + "/large.bin").decode().lower()
            self.assertIn(f"content-length: {len(LARGE)}", head)
            tag = [line for line in head.splitlines() if line.startswith("etag:")][0][6:]
            same = status("-H", f"If-None-Match: {tag}", server.url + "/large.bin")
            self.assertEqual(same, "304")
            since = status("-z", str(self.site / "text.txt"), server.url + "/text.txt")
            self.assertEqual(since, "304")
            self.assertEqual(status("-d", "x", server.url + "/text.txt"), "405")
            self.assertEqual(status(server.url + "/sub"), "301")

    def test_a_download_is_resumed(self):
        with FileServer(str(self.site)) as server:
            part = self.site.parent / "part"
            part.write_bytes(LARGE[:1_234_567])
            curl("-C", "-", "-o", str(part), server.url + "/large.bin")
            self.assertEqual(part.read_bytes(), LARGE)

    def test_nothing_outside_is_served(self):
        with FileServer(str(self.site)) as server:
            for path in ["/../secret", "/%2e%2e/secret", "/..%2fsecret", "/out", "/.hidden",
                         "/sub/", "/nothing"]:
                self.assertEqual(status("--path-as-is", server.url + path), "404", path)

    def test_directories_are_listed_if_told(self):
        options = ["--list", "--hidden", "--cache-control", "max-age=9"]
        with FileServer(str(self.site), *options) as server:
            self.assertIn(b'href="../"', curl(server.url + "/sub/"))
            self.assertEqual(curl(server.url + "/.hidden"), b"hidden")
            self.assertIn(b"max-age=9", curl("-i", server.url + "/text.txt"))

    def test_compression(self):
        with FileServer(str(self.site)) as server:
            packed = curl("-H", "Accept-Encoding: gzip", server.url + "/text.txt")
            self.assertEqual(gzip.decompress(packed), TEXT)
            self.assertEqual(curl("--compressed", server.url + "/text.txt"), TEXT)
            self.assertEqual(curl("-H", "Accept-Encoding: gzip", server.url + "/large.bin"), LARGE)
        (self.site / "text.txt.gz").write_bytes(gzip.compress(b"a sibling"))
        with FileServer(str(self.site), "--no-compress") as server:
            self.assertEqual(curl("--compressed", server.url + "/text.txt"), b"a sibling")
            self.assertEqual(curl("-H", "Accept-Encoding: br", server.url + "/text.txt"), TEXT)

    def test_its_log_and_its_end(self):
        for how, code in [(signal.SIGTERM, 0), (signal.SIGINT, 130)]:
            with FileServer(str(self.site), "--log", "json") as server:
                curl(server.url + "/text.txt", server.url + "/large.bin")
                curl("-A", 'x"\\y', server.url + "/nothing")
                exit_code, output, errors = server.end(how)
            self.assertEqual((exit_code, errors), (code, ""))
            lines = [json.loads(line) for line in output.splitlines()]
            self.assertEqual([line["status"] for line in lines], [200, 200, 404])
            self.assertEqual([line["bytes"] for line in lines][:2], [len(TEXT), len(LARGE)])
            self.assertEqual(lines[2]["agent"], 'x"\\y')
        with FileServer(str(self.site)) as server:
            curl(server.url + "/text.txt")
            _, output, _ = server.end(signal.SIGTERM)
        line = r'\A127\.0\.0\.1 - - \[[^]]+\] "GET /text.txt HTTP/1.1" 200 15000 "-" "curl/.*"\n\Z'
        self.assertRegex(output, line)

    def test_bad_arguments(self):
        site = str(self.site)
        for arguments, says in [
            (["/nowhere", "--listen", "127.0.0.1:0"], "/nowhere"),
            ([site], "--listen"),
            ([site, "--listen", "127.0.0.1:0", "--log", "x"], "--log"),
            ([site, "--listen", "127.0.0.1:0", "--cache-control", "a\nb"], "--cache-control"),
        ]:
            done = support.run("serve", *arguments)
            self.assertEqual(done.returncode, 2, arguments)
            self.assertRegex(done.stderr, r"\Aweft[^\n]+\n\Z")
            self.assertIn(says, done.stderr)


if __name__ == "__main__":
    support.main()
