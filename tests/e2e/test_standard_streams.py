"""Standard streams that are closed or full, and control characters on their way to a terminal."""

import os
import pathlib
import socket
import subprocess
import tempfile
import time
import unittest

import support
from support import DEADLINE_S, PROGRAM, DelayServer


class FullDevice(unittest.TestCase):
    """What could not be printed is an error of every command."""

    def refused(self, name: str, *arguments: str) -> None:
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [PROGRAM, *arguments],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=DEADLINE_S,
            )
        self.assertEqual(done.returncode, 1, (arguments, done.stderr))
        self.assertIn(
            f"{name}: cannot write to standard output: No space left on device\n", done.stderr
        )

    def test_every_command(self):
        with DelayServer("--workers", "1") as server:
            self.refused("weft fetch", "fetch", f"{server.url}/0/a")
            self.refused("weft fetch", "fetch", "--json", f"{server.url}/0/a")
            address = server.url.removeprefix("http://")
            self.refused(
                "weft model-client",
                *("model-client", "--model", "coroutines", "--server", address),
                *("--count", "1", "--delay", "0"),
            )
            self.refused(
                "weft thread-fetch", "thread-fetch", "--server", address, "--count", "1"
            )
        self.refused("weft delay", "delay", "--listen", "127.0.0.1:0")
        self.refused("weft thread-serve", "thread-serve", "--count", "1")
        for extra in ([], ["--json"]):
            self.refused("weft demo", "demo", "--count", "2", "--delay", "0", *extra)
            self.refused(
                "weft models",
                *("models", "--count", "2", "--delay", "0", "--only", "coroutines"),
                *extra,
            )
        for arguments in (["--help"], ["--version"], ["fetch", "--help"]):
            self.refused("weft", *arguments)

    def test_failures_are_told_all_the_same(self):
        with socket.create_server(("127.0.0.1", 0)) as closed:
            url = f"http://127.0.0.1:{closed.getsockname()[1]}/x"
        with open("/dev/full", "w") as full:
            done = subprocess.run(
                [PROGRAM, "fetch", url],
                stdout=full,
                stderr=subprocess.PIPE,
                text=True,
                timeout=DEADLINE_S,
            )
        self.assertIn("connection refused", done.stderr)


class ClosedDescriptors(unittest.TestCase):
    """A descriptor that was closed when the program began is not that of a socket."""

    def test_a_server_serves(self):
        for closed in [(0,), (1,), (2,), (0, 1), (0, 1, 2)]:
            with self.subTest(closed=closed), tempfile.TemporaryDirectory() as directory:
                path = os.path.join(directory, "socket")
                process = self.start(closed, "delay", "--listen", f"unix:{path}", "--workers", "1")
                try:
                    with connect(path) as client:
                        client.sendall(b"GET /0/hello HTTP/1.1\r\nHost: h\r\n\r\n")
                        status, _, body, _ = support.receive_response(client)
                        self.assertEqual((status, body), (200, b"hello"))
                    for number in closed:
                        link = os.readlink(f"/proc/{process.pid}/fd/{number}")
                        self.assertEqual(link, "/dev/null")
                    process.terminate()
                    self.assertEqual(process.wait(timeout=DEADLINE_S), 0)
                finally:
                    process.kill()
                    process.wait()

    def test_a_client_fetches(self):
        with DelayServer("--workers", "1") as server, tempfile.TemporaryDirectory() as directory:
            for closed in [(0,), (1,), (2,), (0, 1, 2)]:
                process = self.start(
                    closed, "fetch", "--output", directory, f"{server.url}/0/hello"
                )
                self.assertEqual(process.wait(timeout=DEADLINE_S), 0)
                path = pathlib.Path(directory, "hello")
                self.assertEqual(path.read_text(), "hello")
                path.unlink()

    @staticmethod
    def start(closed: tuple[int, ...], *arguments: str) -> subprocess.Popen:
        redirections = " ".join(f"{number}>&-" for number in closed)
        return subprocess.Popen(
            ["sh", "-c", f'exec "$@" {redirections}', "sh", PROGRAM, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )


def connect(path: str) -> socket.socket:
    """Connects as soon as the server listens."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        client = socket.socket(socket.AF_UNIX)
        client.settimeout(DEADLINE_S)
        try:
            client.connect(path)
            return client
        except OSError:
            client.close()
            if time.monotonic() > deadline:
                raise
            os.sched_yield()


class Terminal(unittest.TestCase):
    def test_arguments_have_no_effect_on_it(self):
        bad = "\x1b[31m\r\x07"
        for arguments in (
            [bad],
            ["fetch", bad],
            ["fetch", f"http://h/\n{bad}", f"ftp://{bad}"],
            ["fetch", "--timeout", bad, "http://h/"],
            ["fetch", f"--{bad}", "http://h/"],
            ["delay", "--listen", bad],
            ["delay", "--listen", f"unix:/no-such-directory/{bad}"],
            ["fetch", "--json", "--output", f"/dev/null/{bad}", "http://h/"],
        ):
            done = support.run(*arguments)
            self.assertIn(done.returncode, (1, 2), arguments)
            self.assertRegex(done.stderr, r"\Aweft[^\n]+\n\Z")
            raw = [c for c in done.stderr[:-1] if not c.isprintable()]
            self.assertEqual(raw, [], arguments)


if __name__ == "__main__":
    support.main()
