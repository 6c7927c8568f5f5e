#!/usr/bin/env python3
"""The steps of the stepper: their code is the program's, and the queues follow from each other.

What a browser makes of them is in site_test.py.
"""

import functools
import json
import re
import sys
import unittest

from commands import DOCS, ROOT

sys.path.insert(0, str(ROOT / "tools" / "guide"))
import blocks  # noqa: E402

PAGE = DOCS / "guide" / "stepper"
PROGRAM = "examples/guide/one_wake_up.cpp"
CHAPTER = DOCS / "guide" / "10-wakers-reactor-executor.md"


@functools.cache
def wake_up() -> dict:
    """Returns the data of steps.js: what stands between its first and its last brace."""
    text = (PAGE / "steps.js").read_text()
    _, _, data = text.partition("globalThis.wakeUp = ")
    return json.loads(data.rstrip().removesuffix(";"))


def states() -> list[dict]:
    """Returns all boxes before the first step, and after each."""
    found = [wake_up()["start"]]
    for step in wake_up()["steps"]:
        found.append(found[-1] | step["sets"])
    return found


class Steps(unittest.TestCase):
    def test_the_code_is_that_of_the_program(self):
        shown = "\n".join(wake_up()["code"]) + "\n"
        region = blocks.region_of((ROOT / PROGRAM).read_text(), "tasks", PROGRAM)
        self.assertEqual(shown, region)

    def test_every_box_has_a_state_from_the_start_on(self):
        boxes = {f"{part['id']}.{box}" for part in wake_up()["parts"] for box in part["boxes"]}
        self.assertEqual(set(wake_up()["start"]), boxes)

    def test_a_step_is_one_sentence_of_a_part_at_a_line_that_changes_something(self):
        parts = {part["id"] for part in wake_up()["parts"]}
        before = states()
        for number, step in enumerate(wake_up()["steps"]):
            with self.subTest(step=number + 1):
                self.assertRegex(step["says"], r"^[A-Z][^.!?]*\.$")
                self.assertIn(step["part"], parts)
                self.assertTrue(wake_up()["code"][step["line"] - 1].strip())
                self.assertLessEqual(set(step["sets"]), set(wake_up()["start"]))
                for box, value in step["sets"].items():
                    self.assertIs(type(value), type(wake_up()["start"][box]))
                    self.assertNotEqual(value, before[number][box], box)

    def test_every_part_acts(self):
        acting = {step["part"] for step in wake_up()["steps"]}
        self.assertEqual(acting, {part["id"] for part in wake_up()["parts"]})

    def test_a_task_stands_where_its_state_says(self):
        for number, state in enumerate(states()):
            for task in ("reader", "writer"):
                with self.subTest(step=number, task=task):
                    queued = state["executor.queue"].count(task)
                    self.assertEqual(queued, state[f"task.{task}"] == "ready")
                    runs = state[f"task.{task}"] in ("running", "suspending")
                    self.assertEqual(state["executor.running"] == task, runs)

    def test_a_waiting_task_has_one_operation(self):
        for number, state in enumerate(states()):
            if state["task.reader"] == "waiting":
                with self.subTest(step=number):
                    under_way = state["reactor.pending"] + state["reactor.completed"]
                    self.assertEqual(len(under_way), 1)

    def test_a_parked_worker_runs_nothing(self):
        for number, state in enumerate(states()):
            if state["executor.worker"] == "parked":
                with self.subTest(step=number):
                    self.assertEqual(state["executor.running"], "")

    def test_nothing_is_left_at_the_end(self):
        end = states()[-1]
        self.assertEqual((end["task.reader"], end["task.writer"]), ("ended", "ended"))
        for box in ("executor.queue", "reactor.pending", "reactor.completed", "driver.readers"):
            self.assertEqual(end[box], [], box)

    def test_the_system_calls_are_those_that_strace_shows(self):
        calls = [state["kernel.call"] for state in states()[1:]]
        made = [re.split(r"\W", call)[0] for call in calls]
        steps = [name for before, name in zip(["", *made], made) if name and name != before]
        trace = CHAPTER.read_text().partition("strace -f -e trace=recvfrom")[2]
        traced = re.findall(r"^(\w+)\(", trace.partition("+++ exited")[0], re.MULTILINE)
        self.assertEqual(steps, traced[-len(steps) :])
        self.assertEqual(len(traced) - len(steps), 3, "the calls before: the connection")

    def test_links_lead_to_documents(self):
        for link in re.findall(r'href="([^"]+)"', (PAGE / "index.html").read_text()):
            with self.subTest(link=link):
                self.assertTrue((PAGE / link).exists())

    def test_it_is_linked_from_the_chapter(self):
        self.assertTrue("(stepper/index.html)" in CHAPTER.read_text())


if __name__ == "__main__":
    unittest.main()
