"""`weft serve --tls-cert` beside curl, openssl, Python and Node: agreement, reload, faults."""

import hashlib
import http.client
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import unittest

import support
from example_programs import LOOPBACK, Program, free_port, wait_until
from test_serve import LARGE, FileServer

MOST_RESIDENT = 32 * 1024 * 1024
NODE = """
const https = require('https'), fs = require('fs');
const ca = fs.readFileSync(process.argv[1]);
const agent = new https.Agent({keepAlive: true, maxSockets: 1, ca});
const get = () => new Promise((done, fail) => https.get(process.argv[2], {agent}, (answer) => {
  let size = 0;
  answer.on('data', (bytes) => { size += bytes.length; });
  answer.on('end', () => done(size + (answer.req.reusedSocket ? ' reused' : '')));
}).on('error', fail));
get().then((first) => get().then((second) => { console.log(first, second); agent.destroy(); }));
"""


def make_certificate(directory: pathlib.Path, name: str) -> tuple[pathlib.Path, pathlib.Path]:
    """Makes a certificate for localhost, its own authority; returns its file and its key's."""
    certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", str(key), "-out",
         str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return certificate, key


class Encrypted(FileServer):
    def __init__(self, site: pathlib.Path, certificate: pathlib.Path, key: pathlib.Path):
        super().__init__(str(site), "--log", "none", "--tls-cert", str(certificate), "--tls-key",
                         str(key))
        self.url = f"https://localhost:{self.address[1]}"

    def connect_by_ssl(self, trusted: pathlib.Path) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(trusted))
        return context.wrap_socket(self.connect(), server_hostname="localhost")


class ServeTls(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        self.site = self.root / "site"
        self.site.mkdir()
        (self.site / "text.txt").write_bytes(b"a line of text\n" * 1000)
        (self.site / "large.bin").write_bytes(LARGE)
        self.certificate, self.key = make_certificate(self.root, "first")

    def serve(self) -> Encrypted:
        return Encrypted(self.site, self.certificate, self.key)

    def curl(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess:
        command = ["curl", "-sS", "--max-time", str(support.DEADLINE_S), "--cacert",
                   str(self.certificate), *arguments]
        return subprocess.run(command, capture_output=True, check=check)

    def test_curl_with_each_version(self):
        with self.serve() as server:
            for version in ["1.2", "1.3"]:
                limits = ["--tlsv" + version, "--tls-max", version]
                whole = self.curl(*limits, server.url + "/large.bin").stdout
                self.assertEqual(whole, LARGE, version)
                part = self.curl(*limits, "-r", "1000-1999", server.url + "/large.bin").stdout
                self.assertEqual(part, LARGE[1000:2000])
            begun = self.root / "begun"
            begun.write_bytes(LARGE[:1_234_567])
            self.curl("-C", "-", "-o", str(begun), server.url + "/large.bin")
            self.assertEqual(begun.read_bytes(), LARGE)
            packed = self.curl("--compressed", server.url + "/text.txt").stdout
            self.assertEqual(packed, b"a line of text\n" * 1000)

    def test_a_client_that_does_not_trust_it_asks_nothing(self):
        with self.serve() as server:
            command = ["curl", "-sS", server.url + "/text.txt"]
            refused = subprocess.run(command, capture_output=True, check=False)
            self.assertEqual(refused.returncode, 60, refused.stderr)
            self.assertEqual(server.end(signal.SIGTERM)[0], 0)

    def test_python_asks_several_times_on_one_connection(self):
        with self.serve() as server:
            context = ssl.create_default_context(cafile=str(self.certificate))
            connection = http.client.HTTPSConnection(
                "localhost", server.address[1], context=context, timeout=support.DEADLINE_S
            )
            for _ in range(3):
                connection.request("GET", "/large.bin")
                self.assertEqual(connection.getresponse().read(), LARGE)
                sock = connection.sock
            self.assertIs(connection.sock, sock, "the connection was kept")
            self.assertEqual(sock.version(), "TLSv1.3")
            connection.close()

    def test_node_reuses_its_connection(self):
        with self.serve() as server:
            command = ["node", "-e", NODE, str(self.certificate), server.url + "/large.bin"]
            done = subprocess.run(command, capture_output=True, text=True, check=False,
                                  timeout=support.DEADLINE_S)
            self.assertEqual(done.stdout, f"{len(LARGE)} {len(LARGE)} reused\n", done.stderr)

    def test_openssl_resumes_its_session(self):
        with self.serve() as server:
            session = str(self.root / "session")
            command = ["openssl", "s_client", "-connect", f"localhost:{server.address[1]}",
                       "-CAfile", str(self.certificate), "-verify_return_error", "-alpn",
                       "http/1.1", "-ign_eof"]
            request = b"GET /text.txt HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            first = subprocess.run([*command, "-sess_out", session], input=request, check=True,
                                   capture_output=True, timeout=support.DEADLINE_S)
            self.assertIn(b"\nNew, TLSv1.3", first.stdout)
            self.assertIn(b"ALPN protocol: http/1.1", first.stdout)
            self.assertEqual(first.stdout.count(b"a line of text"), 1000)
            second = subprocess.run([*command, "-sess_in", session], input=request, check=True,
                                    capture_output=True, timeout=support.DEADLINE_S)
            self.assertIn(b"\nReused, TLSv1.3", second.stdout)

    def test_a_hangup_takes_new_files_and_bad_ones_change_nothing(self):
        second, second_key = make_certificate(self.root, "second")
        first = self.root / "was_first.pem"
        first.write_bytes(self.certificate.read_bytes())
        with self.serve() as server:
            kept = server.connect_by_ssl(first)
            self.key.write_text("no key")
            server.process.send_signal(signal.SIGHUP)
            said = support.read_line(server.process.stderr)
            self.assertIn("goes on with the certificate it has", said)
            self.assertIn(str(self.key), said)
            server.connect_by_ssl(first).close()
            self.key.write_bytes(second_key.read_bytes())
            self.certificate.write_bytes(second.read_bytes())
            server.process.send_signal(signal.SIGHUP)

            def is_second() -> bool:
                try:
                    server.connect_by_ssl(second).close()
                    return True
                except ssl.SSLError:
                    return False

            wait_until(is_second, "the new certificate is shown")
            kept.sendall(b"GET /text.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            self.assertTrue(kept.recv(100).startswith(b"HTTP/1.1 200"), "it goes on")
            kept.close()

    def test_a_reload_under_load_loses_no_connection(self):
        failures = []
        with self.serve() as server:
            stop = threading.Event()

            def ask():
                context = ssl.create_default_context(cafile=str(self.certificate))
                while not stop.is_set():
                    try:
                        connection = http.client.HTTPSConnection(
                            "localhost", server.address[1], context=context,
                            timeout=support.DEADLINE_S)
                        for _ in range(3):
                            connection.request("GET", "/text.txt")
                            if len(connection.getresponse().read()) != 15000:
                                failures.append("short")
                        connection.close()
                    except OSError as error:
                        failures.append(error)

            threads = [threading.Thread(target=ask) for _ in range(4)]
            for each in threads:
                each.start()
            for _ in range(10):
                server.process.send_signal(signal.SIGHUP)
                server.connect_by_ssl(self.certificate).close()
            stop.set()
            for each in threads:
                each.join()
            self.assertEqual(failures, [])
            self.assertEqual(server.end(signal.SIGTERM), (0, "", ""))

    def test_what_is_not_tls_harms_no_other_connection(self):
        with self.serve() as server:
            kept = server.connect_by_ssl(self.certificate)
            for garbage in [b"GET / HTTP/1.1\r\n\r\n", os.urandom(4096), b"\x16\x03\x01\xff\xff"]:
                with server.connect() as plain:
                    plain.sendall(garbage)
                    plain.shutdown(socket.SHUT_WR)
                    while plain.recv(4096):
                        pass
            kept.sendall(b"GET /text.txt HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            self.assertTrue(kept.recv(100).startswith(b"HTTP/1.1 200"))
            kept.close()

    @unittest.skipIf(support.SANITIZED, "a gibibyte takes long")
    def test_a_gibibyte_in_little_memory(self):
        block = os.urandom(1024 * 1024)
        whole = hashlib.sha256()
        with open(self.site / "gibibyte", "wb") as file:
            for _ in range(1024):
                file.write(block)
                whole.update(block)
        with self.serve() as server:
            command = ["curl", "-sS", "--cacert", str(self.certificate), server.url + "/gibibyte"]
            came = hashlib.sha256()
            with subprocess.Popen(command, stdout=subprocess.PIPE) as client:
                while part := client.stdout.read(1024 * 1024):
                    came.update(part)
            self.assertEqual(client.returncode, 0)
            self.assertEqual(came.digest(), whole.digest())
            self.assertLess(server.resident_bytes("VmHWM"), MOST_RESIDENT)

    def fetch(self, *arguments: str, trusting: bool = True) -> subprocess.CompletedProcess:
        options = ["--cacert", str(self.certificate)] if trusting else []
        command = [support.PROGRAM, "fetch", *options, *arguments]
        return subprocess.run(command, capture_output=True, check=False,
                              timeout=support.DEADLINE_S)

    def test_weft_fetch(self):
        with self.serve() as server:
            url = server.url + "/large.bin"
            done = self.fetch("--output", "-", url)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertEqual(done.stdout, LARGE)
            begun = self.root / "begun"
            begun.write_bytes(LARGE[:1_234_567])
            self.assertEqual(self.fetch("--continue", "--output", str(begun), url).returncode, 0)
            self.assertEqual(begun.read_bytes(), LARGE)
            report = self.fetch("--repeat", "20", server.url + "/text.txt")
            self.assertEqual(report.returncode, 0, report.stderr)
            refused = self.fetch("--output", "-", url, trusting=False)
            self.assertEqual((refused.returncode, refused.stdout), (9, b""))
            self.assertIn(b"self-signed", refused.stderr)
            careless = self.fetch("--insecure", "--output", "-", url, trusting=False)
            self.assertEqual((careless.returncode, careless.stdout), (0, LARGE))
            missing = self.fetch("--cert", "/no/such.pem", "--output", "-", url)
            self.assertEqual(missing.returncode, 1)
            self.assertIn(b"/no/such.pem", missing.stderr)

    def test_weft_fetch_goes_through_a_tunnel(self):
        tunnels = Program("how_to/http_upgrade", "127.0.0.1:0")
        with self.serve() as server, tunnels:
            proxy = ["--proxy", f"http://{LOOPBACK}:{tunnels.address[1]}", "--output", "-"]
            url = server.url + "/large.bin"
            done = self.fetch(*proxy, url)
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertEqual(done.stdout, LARGE)
            # Its end is the server: the proxy's word for it is not enough.
            refused = self.fetch(*proxy, url, trusting=False)
            self.assertEqual((refused.returncode, refused.stdout), (9, b""))
            self.assertIn(b"self-signed", refused.stderr)
            nowhere = self.fetch(*proxy, f"https://localhost:{free_port()}/")
            self.assertNotEqual(nowhere.returncode, 0)
            self.assertIn(b"proxy refused the tunnel", nowhere.stderr)
        gone = self.fetch(*proxy, url)
        self.assertNotEqual(gone.returncode, 0)
        self.assertIn(b"proxy", gone.stderr)

    def test_weft_fetch_of_another_scheme(self):
        with self.serve() as server:
            plain = self.fetch("--output", "-", server.url.replace("https", "http") + "/text.txt")
            self.assertEqual(plain.stdout, b"")
            self.assertIn(plain.returncode, (3, 6), plain.stderr)

    def test_bad_files_are_named(self):
        missing = str(self.root / "missing.pem")
        _, other_key = make_certificate(self.root, "other")
        for certificate, key, says in [
            (missing, str(self.key), missing),
            (str(self.certificate), missing, missing),
            (str(self.certificate), str(other_key), str(other_key)),
            (str(self.key), str(self.key), str(self.key)),
        ]:
            done = support.run("serve", str(self.site), "--listen", "127.0.0.1:0", "--tls-cert",
                               certificate, "--tls-key", key)
            self.assertEqual((done.returncode, done.stdout), (1, ""), done.stderr)
            self.assertIn(says, done.stderr)
        done = support.run("serve", str(self.site), "--listen", "127.0.0.1:0", "--tls-key", "x")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--tls-cert", done.stderr)


if __name__ == "__main__":
    support.main()
