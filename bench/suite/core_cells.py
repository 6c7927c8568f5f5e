"""The cells of the core benchmarks: their programs, counts and subjects."""

import dataclasses

from .goals import BEST, Goal, Goals, at_most, fib_calls, skynet_leaves

# subject → (program, its additional environment)
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
    """One of the numbers that a cell prints, and weft's goal for it."""

    metric: str
    unit: str
    goals: Goals = dataclasses.field(default_factory=dict)

    def goal(self, workers: int, count: int) -> Goal | None:
        """Returns the goal for this count and number of workers."""
        goal = self.goals.get(workers)
        return goal.at(count) if goal else None


@dataclasses.dataclass(frozen=True)
class Cell:
    """`counts`: in full and in quick. None: each subject does as many as fill a window of time."""

    name: str
    workers: tuple[int, ...]
    subjects: tuple[str, ...]
    figures: tuple[Figure, ...] = (Figure("time", "ns"),)
    counts: tuple[int, int] | None = None
    own_counts: dict[str, tuple[int, int]] = dataclasses.field(default_factory=dict)
    probe: int = 8_000  # the count from which a window's is computed
    peers_run: str = ""  # the cell of the others' programs, if it has another name there

    def count(self, subject: str, quick: bool) -> int | None:
        counts = self.own_counts.get(subject, self.counts)
        return counts[1 if quick else 0] if counts else None


def _tasks(*others: str) -> tuple[str, ...]:
    return ("weft", "asio", "boost-fiber", *others, "go", "tokio")


def _ns(one: float | None = None, two: float | None = None) -> tuple[Figure, ...]:
    """Returns the figure of time, with goals for one worker and for two."""
    return (Figure("time", "ns", at_most(one, two)),)


def _ms(goal: Goal) -> tuple[Figure, ...]:
    """Returns the figure of a fork and join's time, with a goal for two workers."""
    return (Figure("time", "ms", {2: goal}),)


FAIR = Goal(5, metric="p99_unloaded")
P99 = (
    Figure("p99_unloaded", "us"),
    Figure("p99_loaded", "us", {1: FAIR, 2: FAIR}),
    Figure("compute_share", "%"),
)
MEMORY = (Figure("resident", "bytes"), Figure("spawn", "ns"))
PARKED = (Figure("resident", "bytes", at_most(112)), Figure("spawn", "ns", at_most(40)))
MILLION = (1_000_000, 100_000)
FIBERS = (20_000, 20_000)  # 16 KiB each
FIB = _ms(Goal(250, work=fib_calls, size=39))
FIB_TASKS = _ms(Goal(850, work=fib_calls, size=39))
SKYNET = _ms(Goal(230, work=skynet_leaves, size=8))
SKYNET_TASKS = _ms(Goal(550, work=skynet_leaves, size=8))
PARITY = _ms(Goal(1, subject=BEST))
FORKERS = ("weft", "raw", "onetbb", "go")
CO_FORKERS = ("weft", "onetbb", "go")
FIRED = ("weft", "asio", "go", "tokio", "tokio-tcmalloc")
CALLBACK_TIMERS = ("weft", "asio", "libuv", "go")
SLEEPS = ("weft", "tokio", "tokio-tcmalloc")

CELLS: dict[str, list[Cell]] = {
    "task": [
        Cell("await", (1,), ("weft", "asio", "tokio", "tokio-tcmalloc"), figures=_ns(5.5)),
        Cell(
            "spawn-join",
            (1, 2),
            _tasks("onetbb") + ("tokio-tcmalloc",),
            figures=_ns(10, 30),
        ),
        Cell(
            "spawn-join-all",
            (1,),
            _tasks("onetbb") + ("tokio-tcmalloc",),
            figures=_ns(10),
            counts=(2, 1),
        ),
        Cell(
            "spawn-join-all",
            (2,),
            ("weft", "asio", "onetbb", "go", "tokio", "tokio-tcmalloc"),
            figures=_ns(two=40),
            counts=(2, 1),
        ),
        Cell(
            "spawn-detached",
            (1, 2),
            ("weft", "asio", "go", "tokio", "tokio-tcmalloc"),
            counts=MILLION,
        ),
    ],
    "yield": [Cell("yield", (1, 2), _tasks(), figures=_ns(4, 4), probe=100_000)],
    "pingpong": [
        Cell("ping-pong", (1, 2), _tasks(), figures=_ns(12, 30)),
        Cell("ping-pong-pinned", (2,), _tasks(), figures=_ns(two=1_500), counts=(8_000, 2_000)),
        Cell("ping-pong-parked", (2,), _tasks("raw"), figures=_ns(two=15_000), counts=(500, 150)),
    ],
    "channel": [
        Cell("channel-1p1c", (1, 2), _tasks(), figures=_ns(5, 15), probe=100_000),
        Cell("channel-4p1c", (2,), _tasks(), figures=_ns(two=40), probe=100_000),
        Cell(
            "channel-4p4c",
            (1, 2),
            ("weft", "asio", "boost-fiber", "go"),
            figures=_ns(two=40),
            probe=100_000,
        ),
    ],
    "mutex": [
        Cell(
            "mutex-alone",
            (1,),
            ("weft", "raw", "boost-fiber", "go", "tokio"),
            figures=_ns(8),
            probe=100_000,
        ),
        Cell(
            "mutex-contended",
            (2,),
            ("weft", "boost-fiber", "go", "tokio"),
            figures=_ns(two=16),
            probe=100_000,
        ),
    ],
    "semaphore": [
        Cell("semaphore", (2,), ("weft", "go", "tokio"), figures=_ns(two=16), probe=100_000)
    ],
    "timer": [
        Cell(
            "timer-cancel",
            (1,),
            CALLBACK_TIMERS,
            figures=(Figure("create", "ns", at_most(8)), Figure("cancel", "ns", at_most(5))),
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
        Cell("timer-standing", (1,), CALLBACK_TIMERS, figures=_ns(5)),
        Cell("timeout-standing", (1,), SLEEPS, peers_run="timer-standing"),
        Cell(
            "timer-calls",
            (1,),
            ("weft", "libuv"),
            figures=(Figure("cpu", "ns", at_most(150)),),
            counts=MILLION,
            peers_run="timer-fire",
        ),
        Cell(
            "timer-fire",
            (1,),
            FIRED,
            figures=(Figure("cpu", "ns", at_most(500)),),
            counts=MILLION,
        ),
    ],
    "memory": [
        Cell(
            "memory-parked",
            (1,),
            _tasks() + ("tokio-tcmalloc",),
            figures=PARKED,
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
        Cell(
            "posted",
            (2,),
            ("weft", "asio", "onetbb", "tokio"),
            figures=_ns(two=60),
            counts=MILLION,
        ),
    ],
    "forkjoin": [
        Cell("fib", (1, 2), FORKERS, figures=FIB, counts=(30, 27)),
        Cell("skynet", (1, 2), FORKERS, figures=SKYNET, counts=(6, 5)),
        Cell("nqueens", (1, 2), FORKERS, figures=PARITY, counts=(11, 10)),
        Cell("matmul", (1, 2), FORKERS, figures=PARITY, counts=(1024, 512)),
        # By coroutines, on the workers.
        Cell("fib-tasks", (1, 2), CO_FORKERS, figures=FIB_TASKS, counts=(30, 27), peers_run="fib"),
        Cell(
            "skynet-tasks",
            (1, 2),
            CO_FORKERS,
            figures=SKYNET_TASKS,
            counts=(6, 5),
            peers_run="skynet",
        ),
    ],
}
SERIAL = ("raw",)  # with one worker only
