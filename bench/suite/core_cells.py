"""The cells of the core benchmarks: which program does what, how much of it, and who takes part."""

import dataclasses

# subject → (program, what is put into its environment)
TCMALLOC = "libtcmalloc_minimal.so.4"
SUBJECTS: dict[str, tuple[str, dict[str, str]]] = {
    "weft": ("core_weft", {}),
    "raw": ("core_raw", {}),
    "asio": ("core_asio", {}),
    "boost-fiber": ("core_boost", {}),
    "libuv": ("core_libuv", {}),
    "onetbb": ("core_onetbb", {}),
    "go": ("core_go", {}),
    "tokio": ("core_tokio", {}),
    "tokio-tcmalloc": ("core_tokio", {"LD_PRELOAD": TCMALLOC}),
}


@dataclasses.dataclass(frozen=True)
class Figure:
    """One of the numbers that a cell prints."""

    metric: str
    unit: str


@dataclasses.dataclass(frozen=True)
class Cell:
    """`counts`: in full and in quick; none: as many as fill a window of time, for each subject."""

    name: str
    workers: tuple[int, ...]
    subjects: tuple[str, ...]
    figures: tuple[Figure, ...] = (Figure("time", "ns"),)
    counts: tuple[int, int] | None = None
    own_counts: dict[str, tuple[int, int]] = dataclasses.field(default_factory=dict)
    probe: int = 8_000  # the count from which a window's is reckoned
    peers_run: str = ""  # the cell of the others' programs, if they have it by another name

    def count(self, subject: str, quick: bool) -> int | None:
        counts = self.own_counts.get(subject, self.counts)
        return counts[1 if quick else 0] if counts else None


def _tasks(*others: str) -> tuple[str, ...]:
    return ("weft", "asio", "boost-fiber", *others, "go", "tokio")


P99 = (
    Figure("p99_unloaded", "us"),
    Figure("p99_loaded", "us"),
    Figure("compute_share", "%"),
)
MEMORY = (Figure("resident", "bytes"), Figure("spawn", "ns"))
MILLION = (1_000_000, 100_000)
FIBERS = (20_000, 20_000)  # 16 KiB each
MS = (Figure("time", "ms"),)
FORKERS = ("weft", "raw", "onetbb", "go")
CO_FORKERS = ("weft", "onetbb", "go")
FIRED = ("weft", "asio", "go", "tokio", "tokio-tcmalloc")
CALLBACK_TIMERS = ("weft", "asio", "libuv", "go")
SLEEPS = ("weft", "tokio", "tokio-tcmalloc")

CELLS: dict[str, list[Cell]] = {
    "task": [
        Cell("await", (1,), ("weft", "asio", "tokio", "tokio-tcmalloc")),
        Cell("spawn-join", (1, 2), _tasks("onetbb") + ("tokio-tcmalloc",)),
        Cell("spawn-join-all", (1,), _tasks("onetbb") + ("tokio-tcmalloc",), counts=(2, 1)),
        Cell(
            "spawn-join-all",
            (2,),
            ("weft", "asio", "onetbb", "go", "tokio", "tokio-tcmalloc"),
            counts=(2, 1),
        ),
        Cell(
            "spawn-detached",
            (1, 2),
            ("weft", "asio", "go", "tokio", "tokio-tcmalloc"),
            counts=MILLION,
        ),
    ],
    "yield": [Cell("yield", (1, 2), _tasks(), probe=100_000)],
    "pingpong": [Cell("ping-pong", (1, 2), _tasks())],
    "channel": [
        Cell("channel-1p1c", (1, 2), _tasks(), probe=100_000),
        Cell("channel-4p4c", (1, 2), ("weft", "asio", "boost-fiber", "go"), probe=100_000),
    ],
    "mutex": [
        Cell("mutex-alone", (1,), ("weft", "raw", "boost-fiber", "go", "tokio"), probe=100_000),
        Cell("mutex-contended", (2,), ("weft", "boost-fiber", "go", "tokio"), probe=100_000),
    ],
    "semaphore": [Cell("semaphore", (2,), ("weft", "go", "tokio"), probe=100_000)],
    "timer": [
        Cell(
            "timer-cancel",
            (1,),
            CALLBACK_TIMERS,
            figures=(Figure("create", "ns"), Figure("cancel", "ns")),
            counts=MILLION,
        ),
        Cell(
            "sleep-cancel",
            (1,),
            SLEEPS,
            figures=(Figure("create", "ns"), Figure("cancel", "ns")),
            counts=MILLION,
            peers_run="timer-cancel",
        ),
        Cell("timer-standing", (1,), CALLBACK_TIMERS),
        Cell("timeout-standing", (1,), SLEEPS, peers_run="timer-standing"),
        Cell(
            "timer-calls",
            (1,),
            ("weft", "libuv"),
            figures=(Figure("cpu", "ns"),),
            counts=MILLION,
            peers_run="timer-fire",
        ),
        Cell("timer-fire", (1,), FIRED, figures=(Figure("cpu", "ns"),), counts=MILLION),
    ],
    "memory": [
        Cell(
            "memory-parked",
            (1,),
            _tasks() + ("tokio-tcmalloc",),
            figures=MEMORY,
            counts=MILLION,
            own_counts={"boost-fiber": FIBERS},
        ),
        Cell(
            "memory-sleeping",
            (1,),
            ("weft", "asio", "go", "tokio", "tokio-tcmalloc"),
            figures=MEMORY,
            counts=MILLION,
        ),
    ],
    "fairness": [Cell("fairness", (1, 2), _tasks(), figures=P99, counts=(500, 120))],
    "wake": [
        Cell(
            "wake",
            (1,),
            ("weft", "raw", "asio", "boost-fiber", "libuv", "tokio"),
            figures=(Figure("latency", "us"),),
            counts=(500, 150),
        ),
        Cell("posted", (2,), ("weft", "asio", "onetbb", "tokio"), counts=MILLION),
    ],
    "forkjoin": [
        Cell("fib", (1, 2), FORKERS, figures=MS, counts=(30, 27)),
        Cell("skynet", (1, 2), FORKERS, figures=MS, counts=(6, 5)),
        Cell("nqueens", (1, 2), FORKERS, figures=MS, counts=(11, 10)),
        Cell("matmul", (1, 2), FORKERS, figures=MS, counts=(1024, 512)),
        # Of coroutines, on the workers.
        Cell("fib-tasks", (1, 2), CO_FORKERS, figures=MS, counts=(30, 27), peers_run="fib"),
        Cell("skynet-tasks", (1, 2), CO_FORKERS, figures=MS, counts=(6, 5), peers_run="skynet"),
    ],
}
SERIAL = ("raw",)  # takes part with one worker alone
