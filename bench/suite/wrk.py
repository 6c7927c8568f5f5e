"""Windows of load by wrk, their counts, and rounds of windows over all servers."""

import dataclasses
import re
import subprocess
from collections.abc import Callable

from .build import Failure
from .processes import Server, pinned_to, stolen_seconds

TOLERATED = 0.005  # of a round's time, stolen by the host
MOST_TRIES = 2  # times the number of rounds


@dataclasses.dataclass(frozen=True)
class Window:
    requests: int
    requests_per_second: float
    cpu_us_per_request: float
    stolen_seconds: float  # by the host; a process is charged for it as well


def _number(pattern: str, text: str, what: str) -> float:
    found = re.search(pattern, text)
    if not found:
        raise Failure(f"wrk printed no {what}:\n{text}")
    return float(found.group(1))


def measure(
    server,
    cpus: set[int],
    connections: int,
    seconds: int,
    script: str | None,
    target: str = "http:/0/x",
    headers: tuple[str, ...] = (),
) -> Window:
    """Loads the server and reads its CPU clock before and after. An error in wrk is a failure.
    `target`: a scheme, and the path behind a colon."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s"]
    command += ["-s", script] if script else []
    for header in headers:
        command += ["-H", header]
    scheme, path = target.split(":", 1)
    command.append(f"{scheme}://{server.address}{path}")
    stolen = stolen_seconds()
    before = server.cpu_seconds()
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=pinned_to(cpus))
    cpu = server.cpu_seconds() - before
    stolen = stolen_seconds() - stolen
    text = done.stdout
    if done.returncode != 0 or "Socket errors" in text or "Non-2xx" in text:
        raise Failure(f"wrk against {server.name} went wrong:\n{text}{done.stderr}")
    requests = int(_number(r"(\d+) requests in", text, "number of requests"))
    if requests == 0:
        raise Failure(f"{server.name} answered nothing in {seconds} s")
    rate = _number(r"Requests/sec:\s+([\d.]+)", text, "rate")
    return Window(requests, rate, cpu / requests * 1e6, stolen)


Round = dict[str, Window]


def _stolen(windows: Round) -> float:
    return sum(window.stolen_seconds for window in windows.values())


def rounds(
    servers: list[Server],
    count: int,
    seconds: int,
    measured: Callable[[Server], Window],
    log: Callable[[str], None],
) -> list[Round]:
    """Measures a window of `seconds` of each server in turn, in alternating order. Rounds from
    which the host took time are measured again; returns the `count` ones that lost least.
    """
    done: list[Round] = []
    tolerated = TOLERATED * seconds * len(servers)
    while sum(_stolen(windows) <= tolerated for windows in done) < count:
        if len(done) == MOST_TRIES * count:
            break
        order = servers if len(done) % 2 == 0 else reversed(servers)
        by_name = {server.name: measured(server) for server in order}
        windows = {server.name: by_name[server.name] for server in servers}
        done.append(windows)
        shown = "  ".join(
            f"{name} {window.requests_per_second:,.0f}/s {window.cpu_us_per_request:.2f} µs"
            for name, window in windows.items()
        )
        log(f"  round {len(done)}: {shown}  stolen {_stolen(windows) * 1000:.0f} ms")
    return sorted(done, key=_stolen)[:count]


def figures(kept: list[Round]) -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Returns the rates, and the CPU times of a request, of each server in each round."""
    names = kept[0].keys()
    rates = {name: [windows[name].requests_per_second for windows in kept] for name in names}
    costs = {name: [windows[name].cpu_us_per_request for windows in kept] for name in names}
    return rates, costs
