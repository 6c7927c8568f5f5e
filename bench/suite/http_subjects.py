"""The servers of the HTTP benchmark: weft, the hand-written loop, nginx, Go and Node.

Each is one process on one CPU, with the same three answers: GET /0/x, GET /file/100k, POST /post.
"""

import contextlib
import pathlib
import shutil
import socket
import time

from . import processes
from .build import Failure, checked

BASE = "raw"
FILE_BYTES = 100 * 1024
LOOPBACK = "127.0.0.1:0"
NGINX = shutil.which("nginx") or "/usr/sbin/nginx"
NODE = shutil.which("nodejs") or shutil.which("node") or "node"
NODE_PROGRAM = str(pathlib.Path(__file__).parents[1] / "http" / "node.js")

# Limits are as wide as in the other subjects: no end after a number of requests, idle for 75 s. It
# finds no sessions again, so that each handshake is a full one.
NGINX_CONFIG = """
daemon off;
master_process off;
worker_processes 1;
worker_rlimit_nofile 20000;
pid nginx.pid;
error_log error.log crit;
events {{ worker_connections 12000; }}
http {{
  access_log off;
  server_tokens off;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=16;
  keepalive_timeout 75s;
  keepalive_requests 1000000000;
  client_max_body_size 1m;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  default_type application/octet-stream;
  {tls}
  server {{
    listen 127.0.0.1:{port}{ssl} backlog=4096;
    location = /0/x {{ default_type "text/plain; charset=utf-8"; return 200 "x"; }}
    location = /post {{ default_type "text/plain; charset=utf-8"; return 200 "x"; }}
    location /file/ {{ alias {files}/; }}
  }}
}}
"""
NGINX_TLS = """
  ssl_certificate {directory}/server.pem;
  ssl_certificate_key {directory}/server.key;
  ssl_protocols TLSv1.3;
  ssl_session_tickets off;
  ssl_session_cache off;
"""


class Place:
    """A directory with the file, and a certificate that openssl makes for this run."""

    def __init__(self, directory: pathlib.Path, build: pathlib.Path):
        self.directory = directory.resolve()
        self.bench = build / "bench"
        self.files = self.directory / "files"
        self.file = self.files / "100k"
        self.certificate = self.directory / "server.pem"
        self.key = self.directory / "server.key"
        shutil.rmtree(self.directory, ignore_errors=True)
        self.files.mkdir(parents=True)
        self.file.write_bytes(bytes(range(256)) * (FILE_BYTES // 256))
        command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt"]
        command += ["ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
        command += ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        command += ["-out", str(self.certificate), "-keyout", str(self.key)]
        checked(command, "making a certificate")


class Nginx(processes.Server):
    """nginx prints no address: it gets a port that was free, and is asked until it answers."""

    def __init__(self, cpus: set[int], place: Place, tls: bool):
        self._place, self._tls = place, tls
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        secrets = NGINX_TLS.format(directory=place.directory) if tls else ""
        (place.directory / "nginx.conf").write_text(
            NGINX_CONFIG.format(
                port=self._port, ssl=" ssl" if tls else "", tls=secrets, files=place.files
            )
        )
        directory = str(place.directory)
        command = [NGINX, "-p", directory, "-c", "nginx.conf", "-e", "error.log"]
        super().__init__("nginx", command, cpus)

    def _read_address(self) -> str:
        deadline = time.monotonic() + processes.START_DEADLINE_S
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(("127.0.0.1", self._port), timeout=1).close()
                return f"127.0.0.1:{self._port}"
            time.sleep(0.01)
        self._process.kill()
        self._process.wait()
        raise Failure(f"nginx did not start: see {self._place.directory}/error.log")


def start(name: str, cpus: set[int], place: Place, tls: bool) -> processes.Server:
    """Starts a subject; a context manager."""
    if name == "nginx":
        return Nginx(cpus, place, tls)
    if name == BASE:
        command = [str(place.bench / "raw_http"), "--listen", LOOPBACK, "--file", str(place.file)]
        return processes.Server(name, command, cpus)
    programs = {"weft": ["http_weft"], "go": ["http_go"], "beast": ["http_beast"]}
    command = [NODE, NODE_PROGRAM] if name == "node" else [str(place.bench / programs[name][0])]
    command += ["--listen", LOOPBACK, "--files", str(place.files)]
    if tls:
        command += ["--tls", str(place.certificate), str(place.key)]
    return processes.Server(name, command, cpus)


def subjects(tls: bool) -> list[str]:
    """Returns the names, the base first: the hand-written loop, which has no TLS, else nginx."""
    peers = ["nginx", "weft", "go", "node", "beast"]
    return peers if tls else [BASE, *peers]


def memory_bytes(server: processes.Server) -> int:
    """Returns the anonymous resident memory of a server."""
    status = pathlib.Path(f"/proc/{server.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("RssAnon:"))
    return int(line.split()[1]) * 1024
