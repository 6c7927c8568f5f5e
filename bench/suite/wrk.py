"""One window of load by wrk, and its counts."""

import dataclasses
import re
import subprocess

from .build import Failure
from .processes import pinned_to, stolen_seconds


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
