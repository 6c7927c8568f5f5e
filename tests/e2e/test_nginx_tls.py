"""nginx before `weft serve`, and behind `weft fetch` and the proxy of the examples, with TLS; and
`openssl s_server` as a server of `weft fetch`."""

import hashlib
import http.client
import os
import pathlib
import random
import ssl
import subprocess
import tempfile
import unittest

import support
from example_programs import LOOPBACK, Program, free_port, listens, wait_until
from nginx import NGINX, start_nginx
from test_serve import LARGE, FileServer
from test_serve_tls import Encrypted, make_certificate

UPLOAD = random.Random(20261203).randbytes(20 << 20)

# A front in plain text and an encrypted one, each before a plain and an encrypted server of ours.
FRONT = """
    location / {{ return 404; }}
  }}
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  proxy_ssl_trusted_certificate {ours};
  proxy_ssl_verify on;
  proxy_ssl_name localhost;
  proxy_ssl_server_name on;
  upstream plain {{ server 127.0.0.1:{plain}; keepalive 4; }}
  upstream encrypted {{ server 127.0.0.1:{encrypted}; keepalive 4; }}
  server {{
    listen 127.0.0.1:{front} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    location /plain/ {{ proxy_pass http://plain/; }}
    location /encrypted/ {{ proxy_pass https://encrypted/; }}
"""

# An encrypted server that takes uploads, and one that demands a client's certificate.
BEHIND = """
    location / {{ dav_methods PUT; client_max_body_size 0; }}
  }}
  server {{
    listen 127.0.0.1:{old} ssl;
    ssl_protocols TLSv1.2;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    root files;
    location / {{ dav_methods PUT; client_max_body_size 0; }}
  }}
  server {{
    listen 127.0.0.1:{strict} ssl;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_verify_client on;
    ssl_client_certificate {certificate};
    root files;
    location / {{ add_header X-Client $ssl_client_s_dn; }}
"""


class WithNginx(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if NGINX is None:
            raise unittest.SkipTest("needs nginx")
        cls.root = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        cls.root.chmod(0o755)  # for nginx, which may run as another user
        files = cls.root / "files"
        files.mkdir()
        (files / "large.bin").write_bytes(LARGE)
        cls.certificate, cls.key = make_certificate(cls.root, "nginx")

    def fetch(self, *arguments: str) -> subprocess.CompletedProcess:
        command = [support.PROGRAM, "fetch", "--cacert", str(self.certificate), *arguments]
        return subprocess.run(command, capture_output=True, check=False, timeout=support.DEADLINE_S)

    def uploaded(self, name: str) -> bytes:
        return hashlib.sha256((self.root / "files" / name).read_bytes()).digest()


class NginxBefore(WithNginx):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        ours, our_key = make_certificate(cls.root, "ours")
        site = cls.root / "files"
        plain = cls.enterClassContext(FileServer(str(site), "--log", "none"))
        encrypted = cls.enterClassContext(Encrypted(site, ours, our_key))
        cls.front = free_port()
        start_nginx(
            cls,
            FRONT.format(
                ours=ours, plain=plain.address[1], encrypted=encrypted.address[1],
                front=cls.front, certificate=cls.certificate, key=cls.key,
            ),
        )  # fmt: skip
        cls.url = f"https://localhost:{cls.front}"

    def curl(self, *arguments: str) -> bytes:
        command = ["curl", "-sS", "--max-time", str(support.DEADLINE_S), "--cacert",
                   str(self.certificate), *arguments]  # fmt: skip
        return subprocess.run(command, capture_output=True, check=True).stdout

    def test_curl_gets_files_and_ranges(self):
        for scheme in ["plain", "encrypted"]:
            url = f"{self.url}/{scheme}/large.bin"
            self.assertEqual(self.curl(url), LARGE, scheme)
            self.assertEqual(self.curl("-r", "1000-1999", url), LARGE[1000:2000], scheme)
            self.assertIn(str(len(LARGE)).encode(), self.curl("-I", url), scheme)
            code = self.curl("-o", os.devnull, "-w", "%{http_code}", url + "x")
            self.assertEqual(code, b"404", scheme)

    def test_connections_behind_it_are_kept(self):
        context = ssl.create_default_context(cafile=str(self.certificate))
        for scheme in ["plain", "encrypted"]:
            connection = http.client.HTTPSConnection(
                "localhost", self.front, context=context, timeout=support.DEADLINE_S
            )
            for i in range(50):
                begin = i * 1000
                fields = {"Range": f"bytes={begin}-{begin + 999}"}
                connection.request("GET", f"/{scheme}/large.bin", headers=fields)
                answer = connection.getresponse()
                self.assertEqual(answer.status, 206, scheme)
                self.assertEqual(answer.read(), LARGE[begin : begin + 1000], scheme)
            connection.close()

    def test_weft_fetch_at_once(self):
        for scheme in ["plain", "encrypted"]:
            done = self.fetch(
                "--repeat", "20", "--concurrency", "8", f"{self.url}/{scheme}/large.bin"
            )
            self.assertEqual(done.returncode, 0, done.stderr)


class NginxBehind(WithNginx):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.old, cls.strict = free_port(), free_port()
        locations = BEHIND.format(
            old=cls.old, strict=cls.strict, certificate=cls.certificate, key=cls.key
        )
        cls.plain, _ = start_nginx(cls, locations)
        cls.upload = cls.root / "upload"
        cls.upload.write_bytes(UPLOAD)
        cls.digest = hashlib.sha256(UPLOAD).digest()

    def test_files_go_both_ways_with_tls_1_2(self):
        url = f"https://localhost:{self.old}"
        done = self.fetch("--output", "-", url + "/large.bin")
        self.assertEqual((done.returncode, done.stderr, done.stdout), (0, b"", LARGE))
        sent = self.fetch("--upload", str(self.upload), "--output", "-", url + "/from_fetch")
        self.assertEqual(sent.returncode, 0, sent.stderr)
        self.assertEqual(self.uploaded("from_fetch"), self.digest)

    def test_a_demanded_certificate(self):
        url = f"https://localhost:{self.strict}/large.bin"
        without = self.fetch("--output", "-", url)
        self.assertEqual(without.returncode, 0, "there is an answer")
        self.assertIn(b"No required SSL certificate was sent", without.stdout)
        own = ["--cert", str(self.certificate), "--key", str(self.key)]
        done = self.fetch(*own, "--include", "--output", "-", url)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        self.assertIn(b"CN=nginx", head)
        self.assertEqual(body, LARGE)

    def test_the_proxy_of_the_examples_before_it(self):
        with Program("programs/forward", "--listen", "127.0.0.1:0") as proxy:
            by_proxy = ["--proxy", f"http://{LOOPBACK}:{proxy.address[1]}"]
            url = f"http://{LOOPBACK}:{self.plain}"
            done = self.fetch(*by_proxy, "--output", "-", url + "/large.bin")
            self.assertEqual((done.returncode, done.stderr, done.stdout), (0, b"", LARGE))
            put = ["--upload", str(self.upload), "--output", "-"]
            sent = self.fetch(*by_proxy, *put, url + "/by_proxy")
            self.assertEqual(sent.returncode, 0, sent.stderr)
            self.assertEqual(self.uploaded("by_proxy"), self.digest)


class OpensslServer(unittest.TestCase):
    def test_weft_fetch_of_each_version(self):
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            certificate, key = make_certificate(root, "openssl")
            (root / "large.bin").write_bytes(LARGE)
            for version in ["-tls1_2", "-tls1_3"]:
                port = free_port()
                command = ["openssl", "s_server", "-accept", f"{LOOPBACK}:{port}", "-WWW", "-cert",
                           str(certificate), "-key", str(key), version, "-quiet"]  # fmt: skip
                with subprocess.Popen(
                    command, cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
                ) as server:
                    try:
                        wait_until(lambda at=port: listens(at), "openssl listens")
                        self.check(certificate, f"https://localhost:{port}/large.bin")
                    finally:
                        server.terminate()

    def check(self, certificate: pathlib.Path, url: str) -> None:
        done = support.run("fetch", "--cacert", str(certificate), "--json", "--repeat", "3", url)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(f'"bytes": {3 * len(LARGE)}', done.stdout)


if __name__ == "__main__":
    support.main()
