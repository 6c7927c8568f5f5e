"""The rows of bench/run http beside nginx, Go, Node and Beast: whole servers, one CPU each.

All servers of a row live through it. Windows go over them in turn, and the order alternates, so
that a drift of the host falls on all. The rows of idle connections start a fresh server each time,
because the memory of one that had load before tells nothing.
"""

import contextlib
import dataclasses
import http.client
import pathlib
import resource
import socket
import ssl

from . import processes, wrk
from .build import Failure
from .goals import BEST, Goal
from .http_subjects import BASE, FILE_BYTES, Place, memory_bytes, start, subjects
from .report import Result, results_of

ROUNDS = 7
QUICK_ROUNDS = 2
IDLE_ROUNDS = 3
IDLE = 5_000
QUICK_IDLE = 1_000
ACTIVE = 64
IDLE_BYTES = 1.2 * 1024  # of an idle connection without TLS
NO_PEER_AHEAD = Goal(1.10, subject=BEST)
HERE = pathlib.Path(__file__).parent


@dataclasses.dataclass(frozen=True)
class Row:
    """A load, and the goal for weft's CPU time a request."""

    name: str
    path: str
    goal: Goal
    tls: bool = False
    script: str | None = None
    headers: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        return f"{'https' if self.tls else 'http'}:{self.path}"


ROWS = [
    Row("plaintext", "/0/x", Goal(1.03, subject=BASE)),
    Row("pipelined-16", "/0/x", Goal(1.10, subject=BASE), script="pipeline.lua"),
    Row("file-100k", "/file/100k", Goal(1.05, subject=BASE)),
    Row("post-64k", "/post", NO_PEER_AHEAD, script="post.lua"),
    Row("tls-kept", "/0/x", NO_PEER_AHEAD, tls=True),
    Row("tls-new", "/0/x", NO_PEER_AHEAD, tls=True, headers=("Connection: close",)),
]


def unverified() -> ssl.SSLContext:
    """Returns a client's context for the certificate of this run, which no authority signed."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def ask(server: processes.Server, tls: bool, method: str, path: str, body: bytes) -> bytes:
    """Returns the body of a response with status 200."""
    host, port = server.address.rsplit(":", 1)
    if tls:
        client = http.client.HTTPSConnection(host, int(port), timeout=10, context=unverified())
    else:
        client = http.client.HTTPConnection(host, int(port), timeout=10)
    with contextlib.closing(client):
        client.request(method, path, body=body or None)
        response = client.getresponse()
        text = response.read()
    if response.status != 200:
        raise Failure(f"{server.name} answered {response.status} to {method} {path}")
    return text


def verify(server: processes.Server, tls: bool, place: Place) -> None:
    """Requires the three answers, so that no subject is measured at something else."""
    answers = {
        ("GET", "/0/x", b""): b"x",
        ("GET", "/file/100k", b""): place.file.read_bytes(),
        ("POST", "/post", bytes(64 * 1024)): b"x",
    }
    for (method, path, body), expected in answers.items():
        got = ask(server, tls, method, path, body)
        if got != expected:
            raise Failure(f"{server.name}: {method} {path} gave {len(got)} bytes: {got[:40]!r}")


def verify_versions(servers: list[processes.Server]) -> None:
    """Requires TLS 1.3 of all subjects."""
    for server in servers:
        host, port = server.address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=10) as plain:
            with unverified().wrap_socket(plain) as connection:
                if connection.version() != "TLSv1.3":
                    raise Failure(f"{server.name} speaks {connection.version()}, not TLSv1.3")


@contextlib.contextmanager
def _servers(tls: bool, cpus: set[int], place: Place):
    with contextlib.ExitStack() as stack:
        started = [stack.enter_context(start(name, cpus, place, tls)) for name in subjects(tls)]
        for server in started:
            verify(server, tls, place)
        if tls:
            verify_versions(started)
        yield started


def _measure_row(row: Row, servers: list, cpus: set[int], quick: bool, log) -> list[Result]:
    script = str(HERE / row.script) if row.script else None
    log(f"  {row.name}")
    kept = wrk.rounds(
        servers,
        QUICK_ROUNDS if quick else ROUNDS,
        1,
        lambda server: wrk.measure(server, cpus, ACTIVE, 1, script, row.target, row.headers),
        log,
    )
    rates, costs = wrk.figures(kept)
    params = {"cell": row.name, "connections": ACTIVE}
    base = servers[0].name
    return [
        *results_of("http", params, "requests_per_second", "1/s", base, rates),
        *results_of("http", params, "server_cpu_per_request", "us", base, costs, row.goal),
    ]


class IdleConnections:
    """Connections that have made a request each and are kept. A context manager."""

    def __init__(self, server: processes.Server, tls: bool, count: int):
        host, port = server.address.rsplit(":", 1)
        context = unverified() if tls else None
        self._open = []
        for _ in range(count):
            connection = socket.create_connection((host, int(port)), timeout=10)
            # Else the request after a handshake waits 40 ms for the server's acknowledgement.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context:
                connection = context.wrap_socket(connection)
            self._open.append(connection)
            connection.sendall(b"GET /0/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b""
            while not answer.endswith(b"\r\n\r\nx"):
                chunk = connection.recv(4096)
                if not chunk:
                    raise Failure(f"{server.name} closed an idle connection")
                answer += chunk

    def __enter__(self) -> "IdleConnections":
        return self

    def __exit__(self, *_) -> None:
        for connection in self._open:
            connection.close()


def _raise_fd_limit(count: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < count + 200:
        raise Failure(f"{count} idle connections need more than the {most} descriptors allowed")
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _idle_once(name: str, tls: bool, cpus: tuple, place: Place, count: int) -> tuple[float, float]:
    """Returns bytes an idle connection, and the CPU time of a request of the active ones."""
    target = f"{'https' if tls else 'http'}:/0/x"
    with start(name, cpus[0], place, tls) as server:
        wrk.measure(server, cpus[1], ACTIVE, 1, None, target)
        before = memory_bytes(server)
        with IdleConnections(server, tls, count):
            grown = memory_bytes(server) - before
            window = wrk.measure(server, cpus[1], ACTIVE, 1, None, target)
    return grown / count, window.cpu_us_per_request


def _measure_idle(tls: bool, cpus: tuple, place: Place, quick: bool, log) -> list[Result]:
    count = QUICK_IDLE if quick else IDLE
    names = subjects(tls)
    memory = {name: [] for name in names}
    costs = {name: [] for name in names}
    for turn in range(1 if quick else IDLE_ROUNDS):
        for name in names if turn % 2 == 0 else reversed(names):
            grown, cost = _idle_once(name, tls, cpus, place, count)
            memory[name].append(grown)
            costs[name].append(cost)
    cell = "tls-idle" if tls else "idle"
    shown = "  ".join(f"{name} {sorted(v)[len(v) // 2]:,.0f}" for name, v in memory.items())
    log(f"  {cell}, {count} connections: {shown} bytes each")
    params = {"cell": cell, "connections": ACTIVE, "idle": count}
    goal = Goal(1.0, subject="nginx") if tls else Goal(IDLE_BYTES)
    return [
        *results_of("http", params, "memory_per_idle", "B", names[0], memory, goal),
        *results_of("http", params, "server_cpu_per_request", "us", names[0], costs, NO_PEER_AHEAD),
    ]


def run(build_directory: pathlib.Path, quick: bool, log) -> list[Result]:
    """Returns the results of all rows."""
    cpus = processes.cpu_split()
    place = Place(build_directory / "bench" / "http_place", build_directory)
    if place.file.stat().st_size != FILE_BYTES:
        raise Failure(f"{place.file} has not {FILE_BYTES} bytes")
    _raise_fd_limit(IDLE)
    results = []
    for tls in (False, True):
        with _servers(tls, cpus[0], place) as servers:
            for row in ROWS:
                if row.tls == tls:
                    results += _measure_row(row, servers, cpus[1], quick, log)
        results += _measure_idle(tls, cpus, place, quick, log)
    return results
