"""bench/run http: `weft delay` with one worker beside a hand-written epoll loop, on GET /0/x.

Both servers live through the whole run. Windows alternate between them, and the order alternates
too, so that a drift of the host falls on both. Each round gives one ratio; the result is their
median. Windows are many and short, because a shared host slows down for seconds at a time. Rounds
from which the host took time are measured again, and the least affected ones are kept.
"""

import http.client
import pathlib
import re

from . import http_web, processes, wrk
from .build import Failure
from .goals import Goal
from .report import Benchmark, Result, results_of

BASE = "raw"
ROUNDS = 21
QUICK_ROUNDS = 7
PIPELINE = str(pathlib.Path(__file__).with_name("pipeline.lua"))

# What weft's CPU time a request, in microseconds, should reach.
SINGLE = Goal(1.03, subject=BASE)
PIPELINED = Goal(0.70)

# (connections, requests a write, seconds of a window in full, in quick, the script, the goal)
CELLS = [
    (64, 1, 2, 1, None, SINGLE),
    (1, 1, 1, 1, None, SINGLE),
    (64, 16, 1, 1, PIPELINE, PIPELINED),
]


def _header_block(address: str, path: str) -> tuple[str, bytes]:
    host, port = address.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.request("GET", path)
    response = connection.getresponse()
    body = response.read()
    headers = "\r\n".join(f"{name}: {value}" for name, value in response.getheaders())
    connection.close()
    return (
        f"{response.status} {response.reason}\r\n" + re.sub(r"(?m)^Date: .*$", "Date: …", headers),
        body,
    )


def _verify(servers: list[processes.Server], log) -> None:
    """Requires a correct echo of every subject. Their response heads should be the same bytes."""
    heads = {}
    for server in servers:
        heads[server.name], body = _header_block(server.address, "/0/hello%20world")
        if body != b"hello world" or not heads[server.name].startswith("200 "):
            raise Failure(
                f"{server.name} answered {heads[server.name]!r} {body!r} to /0/hello%20world"
            )
    for name, head in heads.items():
        if head != heads[BASE]:
            log(f"note: {name} sends other headers than {BASE}: {head!r}, not {heads[BASE]!r}")


def _cell(
    servers: list[processes.Server], cpus: set[int], cell: tuple, quick: bool, log
) -> list[Result]:
    connections, pipelined, full_seconds, quick_seconds, script, goal = cell
    seconds = quick_seconds if quick else full_seconds
    params = {"connections": connections, "pipelined": pipelined, "window_s": seconds}
    log(f"  c={connections} pipelined={pipelined}")
    kept = wrk.rounds(
        servers,
        QUICK_ROUNDS if quick else ROUNDS,
        seconds,
        lambda server: wrk.measure(server, cpus, connections, seconds, script),
        log,
    )
    rates, costs = wrk.figures(kept)
    return results_of("http", params, "requests_per_second", "1/s", BASE, rates) + results_of(
        "http", params, "server_cpu_per_request", "us", BASE, costs, goal
    )


def run(build_directory: pathlib.Path, quick: bool, log) -> list[Result]:
    server_cpus, load_cpus = processes.cpu_split()
    raw = [str(build_directory / "bench" / "raw_http"), "--listen", "127.0.0.1:0"]
    weft = [
        str(build_directory / "tools" / "weft" / "weft"),
        "delay",
        "--listen",
        "127.0.0.1:0",
        "--workers",
        "1",
    ]
    with processes.Server(BASE, raw, server_cpus) as base, processes.Server(
        "weft", weft, server_cpus
    ) as subject:
        servers = [base, subject]
        _verify(servers, log)
        results = [
            result for cell in CELLS for result in _cell(servers, load_cpus, cell, quick, log)
        ]
    return results + http_web.run(build_directory, quick, log)


BENCHMARK = Benchmark(
    name="http",
    summary="weft on one CPU beside a hand-written epoll loop, nginx, Go, Node and Beast, by wrk",
    targets=["raw_http", "weft_program", "http_weft", "http_go_program", "http_beast"],
    commands=["wrk", "nginx", "node", "openssl"],
    run=run,
)
