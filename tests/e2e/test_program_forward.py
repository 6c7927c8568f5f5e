"""The HTTP proxy among the examples, and `weft fetch` by it: fields, bodies, faults, memory."""

import hashlib
import os
import pathlib
import random
import re
import signal
import socket
import ssl
import subprocess
import tempfile
import unittest
import urllib.request

import support
from example_programs import Program, free_port
from http_peers import Server, answer_of, read_request, sending, stalling
from support import DEADLINE_S, PROGRAM
from test_fetch_transfer import Transfer
from test_serve import FileServer
from test_serve_tls import Encrypted, make_certificate

NAME = "programs/forward"
HELLO = answer_of(b"hello")
WHOLE_BYTES = (64 if support.SANITIZED else 1024) << 20
PIECE_BYTES = 4 << 20
MEMORY_BYTES = 32 << 20


class Proxy(Program):
    def __init__(self, *arguments: str) -> None:
        super().__init__(NAME, "--listen", "127.0.0.1:0", *arguments)
        self.url = f"http://127.0.0.1:{self.address[1]}"


class Forward(Transfer):
    def test_requests_go_on_and_answers_come_back(self):
        with Server(sending(HELLO)) as server, Proxy() as proxy:
            by_proxy = ["--proxy", proxy.url.replace("//", "//user:secret@")]
            for arguments, line, body, length in [
                (["--output", "-"], "GET /a?b", b"", None),
                (["--data", "x=1"], "POST /a?b", b"x=1", "3"),
                (["--data", ""], "POST /a?b", b"", "0"),
                (["--upload", "-"], "PUT /a?b", b"y" * 100_000, None),
            ]:
                with self.subTest(line=line):
                    got = self.succeeds(*by_proxy, *arguments, f"{server.url}/a?b", input=body)
                    self.assertEqual(got, b"hello")
                    request = server.requests.pop()
                    self.assertEqual(request.line, f"{line} HTTP/1.1")
                    self.assertEqual(request.body, body)
                    self.assertEqual(request.fields.get("content-length"), length)
                    self.assertEqual(request.fields["host"], server.url[len("http://") :])
                    self.assertEqual(request.fields["via"], "1.1 weft-forward")
                    self.assertNotIn("proxy-authorization", request.fields)

    def test_fields_of_a_connection_stay_there(self):
        answer = answer_of(b"hello", "X-Mine: 1", "Connection: x-mine, close", "Keep-Alive: 9")
        with Server(sending(answer)) as server, Proxy() as proxy:
            command = ["curl", "-sSi", "--proxy", proxy.url, server.url]
            for field in ["Connection: x-own,  keep-alive", "X-Own: 1", "TE: trailers", "X-End: 1"]:
                command += ["-H", field]
            done = subprocess.run(command, capture_output=True, check=True)
            head = done.stdout.decode().lower()
            self.assertNotIn("x-mine", head)
            self.assertNotIn("keep-alive:", head)
            self.assertIn("via: 1.1 weft-forward\r\n", head)
            request = server.requests.pop()
            self.assertEqual(request.fields.get("x-end"), "1")
            self.assertNotIn("x-own", request.fields)
            self.assertNotIn("te", request.fields)

    def test_answers_without_a_body(self):
        head = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n"
        nothing = b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"
        with Server(sending(head, nothing)) as server, Proxy() as proxy:
            asks = ["--proxy", proxy.url, "--include", "--method", "HEAD"]
            got = self.succeeds(*asks, server.url).lower()
            self.assertIn(b"content-length: 7\r\n", got)
            got = self.succeeds("--proxy", proxy.url, "--include", server.url)
            self.assertTrue(got.startswith(b"HTTP/1.1 304 ") and got.endswith(b"\r\n\r\n"), got)

    def test_the_environment_names_the_proxy(self):
        with Server(sending(HELLO)) as server, Proxy() as proxy:
            for variables, arguments, is_used in [
                ({"http_proxy": proxy.url}, [], True),
                ({"all_proxy": proxy.url}, [], True),
                ({"http_proxy": proxy.url, "no_proxy": "127.0.0.0/8"}, [], False),
                ({"http_proxy": proxy.url}, ["--no-proxy"], False),
                ({"http_proxy": "http://127.0.0.1:1"}, ["--proxy", proxy.url], True),
            ]:
                environment = {**os.environ, **variables}
                self.succeeds("--output", "-", *arguments, server.url, env=environment)
                self.assertEqual("via" in server.requests.pop().fields, is_used, variables)
            environment = {**os.environ, "http_proxy": proxy.url}
            done = support.run("fetch", server.url, env=environment)
            self.assertIn("1 requests, 0 failures", done.stdout)
            self.assertIn("via", server.requests.pop().fields)
            environment["http_proxy"] = "ftp://u:secret@x"
            done = support.run("fetch", "--output", "-", server.url, env=environment)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, r"\Aweft fetch: [^\n]*http_proxy[^\n]*\n\Z")
            self.assertNotIn("secret", done.stderr)

    def test_faults(self):
        by = lambda proxy: ["--proxy", proxy.url, "--include", "--method", "GET"]  # noqa: E731
        with Proxy("--silence", "200ms") as proxy:
            url = f"http://127.0.0.1:{free_port()}/"
            self.assertIn(b" 502 ", self.succeeds(*by(proxy), url))
            again = ["--header", "Via: 1.0 a, 1.1 weft-forward", proxy.url + "/"]
            self.assertIn(b"HTTP/1.1 508", self.succeeds(*by(proxy), *again))
            self.assertIn(b" 400 ", self.succeeds("--include", proxy.url + "/a"))
            with Server(stalling(b"")) as server:
                self.assertIn(b" 504 ", self.succeeds(*by(proxy), server.url))
            with Server(stalling(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nab")) as server:
                self.fails(6, "", "--proxy", proxy.url, "--output", "-", server.url)
            with Server(sending(HELLO)) as server:  # and others are served all the same
                self.assertIn(b"hello", self.succeeds(*by(proxy), server.url))
        self.fails(3, "proxy", "--proxy", url, "--output", "-", "http://127.0.0.1:1/")

    def test_tunnels(self):
        def status(*arguments: str) -> str:
            command = ["curl", "-s", "-w", "%{http_connect}", "-o", os.devnull, "--proxytunnel"]
            done = subprocess.run([*command, *arguments], capture_output=True, text=True)
            return done.stdout

        with Server(sending(HELLO)) as server:
            with Proxy() as proxy:  # to 443 alone
                self.assertEqual(status("--proxy", proxy.url, server.url), "403")
            with Proxy("--tunnel-port", str(server.port)) as proxy:
                self.assertEqual(status("--proxy", proxy.url, server.url), "200")
                self.assertNotIn("via", server.requests.pop().fields)
        with Proxy("--tunnel-port", "0", "--silence", "200ms") as proxy:
            nowhere = f"http://127.0.0.1:{free_port()}/"
            self.assertEqual(status("--proxy", proxy.url, nowhere), "502")
            with Server(stalling(b"")) as server:  # is silent: so the tunnel ends
                self.assertEqual(status("--proxy", proxy.url, server.url), "200")

    def test_other_clients_use_it(self):
        with Server(sending(HELLO)) as server, Proxy() as proxy:
            command = ["curl", "-sS", "--proxy", proxy.url, "-T", "-", server.url + "/x"]
            done = subprocess.run(command, input=b"z" * 70_000, capture_output=True, check=True)
            self.assertEqual(done.stdout, b"hello")
            self.assertEqual(server.requests.pop().body, b"z" * 70_000)
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy.url}))
            with opener.open(server.url + "/y", timeout=DEADLINE_S) as answer:
                self.assertEqual(answer.read(), b"hello")

    def test_a_signal_lets_requests_finish(self):
        with socket.create_server(("127.0.0.1", 0)) as listener, Proxy() as proxy:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
            command = [PROGRAM, "fetch", "--proxy", proxy.url, "--output", "-", url]
            with subprocess.Popen(command, stdout=subprocess.PIPE) as client:
                server, _ = listener.accept()
                with server:
                    read_request(server)
                    proxy.begin_stop(signal.SIGTERM)
                    server.sendall(HELLO)
                    self.assertEqual(client.communicate(timeout=DEADLINE_S)[0], b"hello")
            self.assertEqual(proxy.ended()[::2], (0, ""))


class Memory(unittest.TestCase):
    """A body that is larger than all memory that client, proxy and server may take."""

    def setUp(self):
        self.site = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.secrets = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.path = self.site / "whole"
        piece = bytearray(random.Random(1).randbytes(PIECE_BYTES))
        digest = hashlib.sha1(usedforsecurity=False)
        with open(self.path, "wb") as file:
            for number in range(WHOLE_BYTES // PIECE_BYTES):
                piece[:8] = number.to_bytes(8, "little")
                file.write(piece)
                digest.update(piece)
        self.digest = digest.hexdigest()
        self.most = {}

    def look(self, name: str, pid: int) -> None:
        """Keeps the most memory that a process has had."""
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        found = re.search(r"VmHWM:\s+(\d+) kB", status)
        if found:  # else it has ended
            self.most[name] = int(found.group(1)) * 1024

    def check_memory(self, *names: str) -> None:
        print({name: f"{most / (1 << 20):.1f} MiB" for name, most in self.most.items()})
        self.assertEqual(sorted(self.most), sorted(names))
        if not support.SANITIZED:
            for name, most in self.most.items():
                self.assertLess(most, MEMORY_BYTES, name)

    def received(self, read, look) -> tuple[int, str]:
        """Reads to the end; looks at the processes now and then."""
        digest, size = hashlib.sha1(usedforsecurity=False), 0
        while data := read(1 << 20):
            digest.update(data)
            if (size + len(data)) >> 26 != size >> 26:
                look()
            size += len(data)
        return size, digest.hexdigest()

    def check_down(self, server: FileServer, url: str, *arguments: str) -> None:
        with server, Proxy("--tunnel-port", "0") as proxy:
            command = [PROGRAM, "fetch", "--proxy", proxy.url, *arguments, "--output", "-", url]
            with subprocess.Popen(command, stdout=subprocess.PIPE, bufsize=0) as client:

                def look():
                    self.look("client", client.pid)
                    self.look("proxy", proxy.process.pid)
                    self.look("server", server.process.pid)

                got = self.received(client.stdout.read, look)
                self.assertEqual(client.wait(DEADLINE_S), 0)
        self.assertEqual(got, (WHOLE_BYTES, self.digest))
        self.check_memory("client", "proxy", "server")

    def test_down(self):
        server = FileServer(str(self.site))
        self.check_down(server, server.url + "/whole")

    def test_down_by_tls(self):
        certificate, key = make_certificate(self.secrets, "here")
        server = Encrypted(self.site, certificate, key)
        self.check_down(server, server.url + "/whole", "--cacert", str(certificate))

    def check_up(self, scheme: str, accept, *arguments: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            with Proxy("--tunnel-port", "0") as proxy:
                url = f"{scheme}://localhost:{listener.getsockname()[1]}/whole"
                upload = ["--upload", str(self.path), "--method", "PUT", *arguments, url]
                command = [PROGRAM, "fetch", "--proxy", proxy.url, *upload]
                with subprocess.Popen(command, stdout=subprocess.PIPE) as client:
                    with accept(listener) as connection:
                        got = self.received_upload(
                            connection,
                            lambda: (
                                self.look("client", client.pid),
                                self.look("proxy", proxy.process.pid),
                            ),
                        )
                        connection.sendall(HELLO)
                        self.assertEqual(client.communicate(timeout=DEADLINE_S)[0], b"hello")
        self.assertEqual(got, (WHOLE_BYTES, self.digest))
        self.check_memory("client", "proxy")

    def received_upload(self, connection: socket.socket, look) -> tuple[int, str]:
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(4096)
        head, first = data.split(b"\r\n\r\n", 1)
        self.assertIn(b"Content-Length: %d" % WHOLE_BYTES, head)
        left = [WHOLE_BYTES - len(first), first]

        def read(most: int) -> bytes:
            if begin := left.pop() if len(left) > 1 else b"":
                return begin
            part = connection.recv(min(most, left[0])) if left[0] > 0 else b""
            left[0] -= len(part)
            return part

        return self.received(read, look)

    def test_up(self):
        self.check_up("http", lambda listener: listener.accept()[0])

    def test_up_by_tls(self):
        certificate, key = make_certificate(self.secrets, "here")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate, key)
        accept = lambda listener: context.wrap_socket(  # noqa: E731
            listener.accept()[0], server_side=True
        )
        self.check_up("https", accept, "--cacert", str(certificate))


if __name__ == "__main__":
    support.main()
