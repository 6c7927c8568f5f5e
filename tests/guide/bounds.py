"""Bounds for the numbers that the guide's programs print, where the text draws conclusions.

They are wide enough for a busy machine, and narrow enough to fail when the text is wrong.
"""

import re
import unittest


def _numbers(output: str, line: str) -> list[float]:
    """Returns the numbers after `line` at the beginning of a line of the output."""
    found = re.search(rf"^{re.escape(line)}(.*)$", output, re.MULTILINE)
    if found is None:
        raise AssertionError(f"no line {line!r} in {output!r}")
    return [float(n.replace(",", "")) for n in re.findall(r"\d[\d,]*(?:\.\d+)?", found.group(1))]


def waits_and_work(test: unittest.TestCase, output: str) -> None:
    wall, cpu = _numbers(output, "5 waits of 1 s, 1 thread")
    test.assertGreaterEqual(wall, 1)
    test.assertLess(wall, 3, "five waits at once take about as long as one")
    test.assertLess(cpu, 0.3, "waiting takes no CPU")
    (cores,) = _numbers(output, "cores:")
    _, alone = _numbers(output, "4 computations, 1 thread")
    for threads in (2, 4):
        wall, cpu = _numbers(output, f"4 computations, {threads} threads")
        test.assertLess(abs(cpu - alone), alone, "computing takes its CPU however it is shared out")
        test.assertGreater(wall * cores, cpu * 0.8, "nobody computes more than all cores can")


def three_strategies(test: unittest.TestCase, output: str) -> None:
    for strategy, calls in (("block", 1), ("event queue", 5)):
        wall, cpu, made = _numbers(output, strategy)
        test.assertGreater(wall, 0.15)
        test.assertLess(cpu, 0.1, "who sleeps takes no CPU")
        test.assertEqual(made, calls)
    _, cpu, made = _numbers(output, "poll")
    test.assertGreater(cpu, 0.02, "who polls burns a core")
    test.assertGreater(made, 1_000)


def read_path(test: unittest.TestCase, output: str) -> None:
    steps = [line for line in output.splitlines() if "->" in line]
    test.assertEqual(len(steps), 3)
    for step in steps:
        found = re.search(r"([\d.]+) us$", step)
        test.assertIsNotNone(found, step)
        test.assertLess(float(found.group(1)), 100_000)


def softirqs(test: unittest.TestCase, output: str) -> None:
    (sent,) = _numbers(output, "datagrams over loopback")
    (softirqs_meanwhile,) = _numbers(output, "NET_RX meanwhile")
    test.assertEqual(sent, 10_000)
    test.assertGreater(softirqs_meanwhile, 1_000, "loopback goes through the softirq")


def softirq_to_wake_up(test: unittest.TestCase, output: str) -> None:
    names = output.split()
    steps = ["try_to_wake_up", "ep_poll_callback", "sock_def_readable", "net_rx_action"]
    test.assertEqual([name for name in names if name in steps], steps, output)


def counted_interrupts(test: unittest.TestCase, output: str) -> None:
    found = dict(reversed(line.split()[:2]) for line in output.splitlines())
    counts = {name: int(count.replace(",", "")) for name, count in found.items()}
    test.assertLess(counts["irq:irq_handler_entry"], 1_000, "loopback has no interrupt")
    test.assertGreaterEqual(counts["irq:softirq_entry"], 10_000, "it goes through the softirq")


def cost_of_waiting(test: unittest.TestCase, output: str) -> None:
    wall, cpu, memory, switches = _numbers(output, "1,000 coroutines")
    _, thread_cpu, thread_memory, thread_switches = _numbers(output, "1,000 threads")
    test.assertLess(wall, 2)
    test.assertLess(cpu * 2, thread_cpu)
    test.assertLess(memory * 2, thread_memory)
    test.assertLess(switches * 2, thread_switches)
    _, _, fiber_memory, fiber_switches = _numbers(output, "1,000 fibers")
    test.assertLess(memory, fiber_memory, "a stack takes more than a frame")
    test.assertLess(fiber_memory, thread_memory)
    test.assertLess(fiber_switches * 2, thread_switches)


def interrupted(test: unittest.TestCase, output: str) -> None:
    (times,) = _numbers(output, "without SA_RESTART: read() ended with EINTR")
    test.assertGreaterEqual(times, 1)
    test.assertEqual(_numbers(output, "with SA_RESTART:    read() ended with EINTR"), [0])


def tasks(test: unittest.TestCase, output: str) -> None:
    in_a_row = _numbers(output, "in a row:  price 90 after")
    at_once = _numbers(output, "at once:   price 90 after")
    test.assertGreaterEqual(in_a_row, [0.2])
    test.assertLess(at_once, in_a_row)


def cancelled(test: unittest.TestCase, output: str) -> None:
    received, sent, refused = _numbers(output, "received")
    test.assertEqual(received, sent, "a cancel loses nothing")
    test.assertGreater(refused, 0)


def two_runtimes(test: unittest.TestCase, output: str) -> None:
    before = _numbers(output, "before:")
    test.assertEqual(_numbers(output, "after:"), before, "nothing is left")
    threads, _ = _numbers(output, "two runtimes:")
    # Three workers, and the watchdog of the two that share their work.
    test.assertEqual(threads, before[0] + 4)


def delayed_at_once(test: unittest.TestCase, output: str) -> None:
    (took_s,) = _numbers(output, "all:")
    test.assertGreaterEqual(took_s, 0.3)
    test.assertLess(took_s, 0.6, "less than one after the other")


def foreign_loop(test: unittest.TestCase, output: str) -> None:
    found = re.search(r"(\d+) turns", output)
    test.assertIsNotNone(found)
    turns = int(found.group(1))
    test.assertGreaterEqual(turns, 1, "the loop has gone on while weft worked")


def foreign_threads(test: unittest.TestCase, output: str) -> None:
    _, took_s = _numbers(output, "outside: four threads, one worker: sum")
    test.assertGreaterEqual(took_s, 0.05)


def traced_sends(test: unittest.TestCase, output: str) -> None:
    calls = re.findall(r"sendto\(.*", output)
    test.assertEqual(len(calls), 4)
    test.assertEqual(len(set(calls)), 1, "the kernel sees one and the same call")


# By the typed command, without the programs' folder.
BOUNDS = {
    "strace -f -e trace=sendto send_three_ways > /dev/null": traced_sends,
    "two_runtimes": two_runtimes,
    "foreign_loop": foreign_loop,
    "foreign_threads": foreign_threads,
    "tools/guide/beside delay build/release/examples/foreign/http"
    " {}/300/one {}/200/two {}/100/three": delayed_at_once,
    "waits_and_work": waits_and_work,
    "three_strategies": three_strategies,
    "read_path": read_path,
    "softirqs": softirqs,
    "perf trace --no-syscalls -e sched:sched_waking --call-graph fp read_path 2>&1"
    " | grep -m 1 -B 4 -A 25 ep_poll_callback | awk '{ print $1 }'": softirq_to_wake_up,
    "perf stat -e irq:irq_handler_entry,irq:softirq_entry softirqs 2>&1"
    " | grep irq:": counted_interrupts,
    "cost_of_waiting": cost_of_waiting,
    "interrupted": interrupted,
    "tasks": tasks,
    "cancelled": cancelled,
}
