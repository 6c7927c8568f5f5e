"""The cells of the system benchmarks: files, datagrams, child processes, names."""

from .cells import Subjects
from .core_cells import Cell, Figure

FILE_THREADS = "32"  # as many as there are reads at once; weft's and the loop's are in the programs
SUBJECTS: Subjects = {
    "weft": ("system_weft", {}),
    "raw": ("system_raw", {}),
    "asio": ("system_asio", {}),
    "libuv": ("system_libuv", {"UV_THREADPOOL_SIZE": FILE_THREADS}),
    "go": ("system_go", {}),
    "tokio": ("system_tokio", {}),
}
ALL = tuple(SUBJECTS)
# Those that have a call for copying a file.
COPYING = ("weft", "raw", "libuv", "go", "tokio")
# Those that can receive or send several datagrams with one call.
BATCHING = ("weft", "raw", "libuv")
# Those that use getaddrinfo(3), which asks port 53 of the servers in /etc/resolv.conf alone.
BY_GETADDRINFO = ("asio", "libuv")
BURST = 32  # datagrams
SEGMENTS = 48


def _time_and_cpu(unit: str) -> tuple[Figure, ...]:
    return (Figure("time", unit), Figure("cpu", unit))


NS, US, MS = (_time_and_cpu(unit) for unit in ("ns", "us", "ms"))
CHILDREN = (Figure("time", "us"),)  # whose CPU time is not the parent's
DATA_MIB = (1024, 128)  # the file that is read and copied, in full and in quick

CELLS: dict[str, list[Cell]] = {
    "files": [
        Cell("read-cached", (1,), ALL, NS, probe=8_000),
        Cell("read-direct", (1,), ALL, NS, counts=(20_000, 2_000)),
        Cell("copy", (1,), ALL, MS, counts=DATA_MIB),
        Cell("copy-call", (1,), COPYING, MS, counts=DATA_MIB),
    ],
    "udp": [
        Cell("udp-ping-pong", (1,), ALL, NS, counts=(10_000, 2_000)),
        Cell("udp-one-way", (1,), ALL, NS, counts=(BURST * 1_000, BURST * 100)),
        Cell("udp-batch", (1,), BATCHING, NS, counts=(BURST * 1_000, BURST * 100)),
        Cell("udp-segments", (1,), ALL, NS, counts=(SEGMENTS * 2_000, SEGMENTS * 200)),
    ],
    "process": [
        Cell("process", (1, 2), ALL, CHILDREN, counts=(300, 60)),
        Cell("process-8", (1, 2), ALL, CHILDREN, counts=(300, 60)),
    ],
    "dns": [
        Cell("dns", (1,), ALL, US, counts=(1_000, 200)),
        Cell("dns-32", (1,), ALL, US, counts=(2_000, 400)),
    ],
}
