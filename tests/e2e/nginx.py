"""A real nginx on a free loopback port, for tests that need a foreign server."""

import pathlib
import shutil
import socket
import subprocess
import time

from support import DEADLINE_S

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

CONFIG = """
daemon off;
master_process off;
pid nginx.pid;
error_log error.log warn;
events {{ worker_connections 512; }}
http {{
  access_log off;
  default_type application/octet-stream;
  client_body_temp_path body;
  proxy_temp_path proxy;
  fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi;
  scgi_temp_path scgi;
  server {{
    listen 127.0.0.1:{port};
    root files;
    {locations}
  }}
}}
"""


def start_nginx(case, locations: str) -> tuple[int, subprocess.Popen]:
    """Starts nginx over case.root/files, waits until it accepts, and returns port and process.

    It ends with the test class `case`.
    """
    deadline = time.monotonic() + DEADLINE_S
    root: pathlib.Path = case.root
    while time.monotonic() < deadline:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        (root / "nginx.conf").write_text(CONFIG.format(port=port, locations=locations))
        process = subprocess.Popen(
            [NGINX, "-p", str(root), "-c", "nginx.conf", "-e", "error.log"],
            stderr=subprocess.DEVNULL,
        )
        while time.monotonic() < deadline and process.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S).close()
            except ConnectionRefusedError:
                ended_within(process, 0.01)
                continue
            case.addClassCleanup(process.wait)
            case.addClassCleanup(process.terminate)
            return port, process
        process.kill()
        process.wait()
    raise AssertionError("nginx did not start:\n" + (root / "error.log").read_text())


def ended_within(process: subprocess.Popen, seconds: float) -> bool:
    try:
        process.wait(seconds)
        return True
    except subprocess.TimeoutExpired:
        return False
