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


def starved_ticker(test: unittest.TestCase, output: str) -> None:
    late = _numbers(output, "one worker  ")
    test.assertEqual(len(late), 9)
    test.assertGreater(late[-1], 250, "a computation without a wait keeps the worker")


def ticker(test: unittest.TestCase, output: str) -> None:
    starved_ticker(test, output)
    repaired = (
        "one worker, it yields",
        "two workers",
        "two threads, one processor",
        "two threads, two processors",
    )
    for name in repaired:
        late = _numbers(output, name)
        test.assertEqual(len(late), 9)
        test.assertLess(sorted(late[:8])[3], 100, "most ticks are in time")


def bad_pointer(test: unittest.TestCase, output: str) -> None:
    faults, again = _numbers(output, "100 pages written:")
    test.assertGreaterEqual(faults, 100, "each page is supplied when it is touched")
    test.assertLess(again, 10, "once")
    test.assertIn("at 0x0000000000000018", output)


def hyper_threads(test: unittest.TestCase, output: str) -> None:
    (alone,) = _numbers(output, "one computation")
    test.assertGreater(alone, 0)
    for name in ("two, on two cores", "two, on two hyper-threads"):
        seconds = re.search(rf"^{name} +(?:([\d.]+) ms|there are none)$", output, re.MULTILINE)
        test.assertIsNotNone(seconds, output)


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
    (interrupts,) = _numbers(output, "interrupts of devices")
    test.assertEqual(sent, 10_000)
    test.assertGreater(softirqs_meanwhile, 1_000, "loopback goes through the softirq")
    test.assertLess(interrupts, sent / 2, "loopback has no interrupt")


def softirq_to_wake_up(test: unittest.TestCase, output: str) -> None:
    names = output.split()
    steps = ["try_to_wake_up", "ep_poll_callback", "sock_def_readable", "net_rx_action"]
    test.assertEqual([name for name in names if name in steps], steps, output)
    test.assertIn("__send", names, "the text reads the stack from the sender's call on")


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


def fibers_that_wait(test: unittest.TestCase, output: str) -> None:
    found = dict(re.findall(r"^(\w+): +3 fibers woken, +(\d+) switches", output, re.MULTILINE))
    test.assertGreater(int(found["asking"]), 100, "a fiber that asks is always ready")
    test.assertLessEqual(int(found["waiting"]), 12, "one that waits is resumed when it is woken")


def starved_handles(test: unittest.TestCase, output: str) -> None:
    ms = [int(n) for n in re.findall(r"after +(\d+) ms$", output, re.MULTILINE)]
    test.assertEqual(len(ms), 2)
    test.assertGreaterEqual(ms[0], 499, "the handle is seen when the busy fibers have given up")
    test.assertLess(ms[1], 499, "it is seen while they are busy")


def sleeping_fibers(test: unittest.TestCase, output: str) -> None:
    taken_ms, sleeps = _numbers(output, "all of them:")
    test.assertGreaterEqual(taken_ms, 300)
    test.assertLess(taken_ms, 590, "they sleep beside each other: the sum is 600")
    test.assertLessEqual(sleeps, 7, "the loop does not turn while they sleep")


def few_waits(test: unittest.TestCase, output: str) -> None:
    (calls,) = re.findall(r"(\d+) +epoll_wait$", output, re.MULTILINE)
    test.assertLessEqual(int(calls), 12, "the queue does not turn while nothing happens")


def tasks(test: unittest.TestCase, output: str) -> None:
    in_a_row = _numbers(output, "in a row:  price 90 after")
    at_once = _numbers(output, "at once:   price 90 after")
    test.assertGreaterEqual(in_a_row, [0.2])
    test.assertLess(at_once, in_a_row)


def recursive_task(test: unittest.TestCase, output: str) -> None:
    (turns,) = re.findall(r"ended after (\d+): Segmentation fault", output)
    test.assertGreater(int(turns), 100)
    test.assertLess(int(turns), 1_000_000, "the stack grows with every await")


def own_join_all(test: unittest.TestCase, output: str) -> None:
    (took_s,) = _numbers(output, "after")
    test.assertGreaterEqual(took_s, 0.3, "as long as the slowest one")
    test.assertLess(took_s, 0.6, "less than all of them in a row")


def cancelled(test: unittest.TestCase, output: str) -> None:
    received, sent, refused = _numbers(output, "received")
    test.assertEqual(received, sent, "a cancel loses nothing")
    test.assertGreater(refused, 0)


def cancel_race(test: unittest.TestCase, output: str) -> None:
    taken, kept = _numbers(output, "1000 rings, each at the same time as a cancel:")
    test.assertEqual(taken + kept, 1_000, "no ring is lost, and none is both")


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


def five_requests(test: unittest.TestCase, output: str) -> None:
    took_ms = [int(ms) for ms in re.findall(r"^reply-\d after +(\d+) ms$", output, re.MULTILINE)]
    test.assertEqual(re.findall(r"^reply-(\d)", output, re.MULTILINE), list("54321"))
    test.assertGreaterEqual(took_ms[-1], 500)
    test.assertLess(took_ms[-1], 1_200, "as long as the longest, not as the sum")


def one_read_an_edge(test: unittest.TestCase, output: str) -> None:
    for line in re.findall(r"^ *\d+ bytes read.*", output, re.MULTILINE):
        read, unread = (int(number) for number in re.findall(r"\d+", line))
        test.assertGreaterEqual(read, 16)
        test.assertLess(read, unread, "most of the reply lies there")


def two_last_programs(test: unittest.TestCase, output: str) -> None:
    by_hand, by_hand_cpu = _numbers(output, "2000 questions by hand:")
    with_weft, with_weft_cpu = _numbers(output, "2000 questions with weft:")
    for one, other in ((by_hand, with_weft), (by_hand_cpu, with_weft_cpu)):
        test.assertLess(one, 5 * other + 0.5, "about as long")
        test.assertLess(other, 5 * one + 0.5, "about as long")


def traced_sends(test: unittest.TestCase, output: str) -> None:
    calls = re.findall(r"sendto\(.*", output)
    test.assertEqual(len(calls), 4)
    test.assertEqual(len(set(calls)), 1, "the kernel sees one and the same call")


def beside(test: unittest.TestCase, output: str) -> None:
    (starved,) = _numbers(output, "on the worker        worst tick")
    (beside_it,) = _numbers(output, "beside the worker    worst tick")
    test.assertGreater(starved, 240)
    test.assertLess(beside_it, 200)


def spin_then_sleep(test: unittest.TestCase, output: str) -> None:
    sleeps, _ = _numbers(output, "there already      got it: yes, slept")
    test.assertEqual(sleeps, 0)
    sleeps, cpu = _numbers(output, "after 200 ms       got it: yes, slept")
    test.assertEqual(sleeps, 1)
    test.assertLess(cpu, 0.1)


def cost_of_layers(test: unittest.TestCase, output: str) -> None:
    cost = {line[:36].strip(): float(line[36:]) for line in output.splitlines()[1:]}
    test.assertEqual(len(cost), 11)
    crossing = cost["getppid: by instruction"]
    test.assertGreater(crossing, 5 * cost["a function"], "to enter the kernel is no function call")
    test.assertLess(cost["getppid: by name"], 4 * crossing, "the C library adds little")
    test.assertLess(cost["the time: by name"], cost["the time: by number"], "the vDSO")
    test.assertLess(cost["a byte to /dev/null: fputc"] * 3, cost["a byte to /dev/null: write"])
    by_names = cost["a byte by TCP: send, recv"]
    test.assertLess(cost["a byte by TCP: write_all, read_exact"], 2 * by_names)


def many_handles(test: unittest.TestCase, output: str) -> None:
    rows = [[float(n) for n in re.findall(r"[\d.]+", line)] for line in output.splitlines()[3:]]
    test.assertEqual(len(rows), 4)
    handles, polled, waited, registered = rows[-1]
    test.assertGreater(handles, 100)
    test.assertGreater(polled, 5 * rows[0][1], "poll looks at every handle")
    test.assertLess(waited * 5, polled, "epoll_wait at what is ready")
    test.assertGreater(registered, 0)


def deadline(test: unittest.TestCase, output: str) -> None:
    naive_ms, signals = _numbers(output, "limit     readable: no, after")
    test.assertGreaterEqual(naive_ms, 300, "each signal begins the wait anew")
    test.assertGreater(signals, 30)  # those that came while it waited
    ms, signals = _numbers(output, "deadline  readable: no, after")
    test.assertGreaterEqual(ms, 50)
    test.assertLess(ms, 250)
    test.assertGreater(signals, 0)


# By the typed command, without the programs' folder.
BOUNDS = {
    "cost_of_layers": cost_of_layers,
    "many_handles": many_handles,
    "build/release/examples/solutions/03_deadline": deadline,
    "ticker starve": starved_ticker,
    "ticker": ticker,
    "bad_pointer": bad_pointer,
    "hyper_threads": hyper_threads,
    "build/release/examples/solutions/01_beside": beside,
    "build/release/examples/solutions/01_spin_then_sleep": spin_then_sleep,
    "strace -f -e trace=sendto send_three_ways > /dev/null": traced_sends,
    "last_by_hand 2000; last_with_weft 2000": two_last_programs,
    "two_runtimes": two_runtimes,
    "five_requests": five_requests,
    "five_requests once": one_read_an_edge,
    "foreign_loop": foreign_loop,
    "foreign_threads": foreign_threads,
    "tools/guide/beside delay build/release/examples/foreign/http"
    " {}/300/one {}/200/two {}/100/three": delayed_at_once,
    "waits_and_work": waits_and_work,
    "three_strategies": three_strategies,
    "read_path": read_path,
    "softirqs": softirqs,
    "perf trace --no-syscalls -e sched:sched_waking --call-graph fp read_path 2>&1"
    " | grep -m 1 -B 4 -A 26 ep_poll_callback | awk '{ print $1 }'": softirq_to_wake_up,
    "perf stat -e irq:irq_handler_entry,irq:softirq_entry softirqs 2>&1"
    " | grep irq:": counted_interrupts,
    "cost_of_waiting": cost_of_waiting,
    "interrupted": interrupted,
    "fibers_that_wait": fibers_that_wait,
    "starved_handles": starved_handles,
    "build/release/examples/solutions/05_sleep": sleeping_fibers,
    "strace -c -e trace=epoll_wait build/release/examples/solutions/04_limit"
    " > /dev/null": few_waits,
    "tasks": tasks,
    "recursive_task": recursive_task,
    "own_join_all": own_join_all,
    "cancelled": cancelled,
    "cancel_race": cancel_race,
}
