"""`weft fetch --output`: each body is in the file of its own URL, and complete."""

import os
import pathlib
import tempfile
import unittest

import support
from support import DelayServer


class Output(unittest.TestCase):
    """The server echoes the last part of the path, which is also the file's name."""

    def setUp(self):
        self.directory = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.server = self.enterContext(DelayServer("--workers", "1"))

    def fetched(self, *paths: str) -> dict[str, str]:
        done = support.run(
            "fetch", "--output", str(self.directory), *(self.server.url + path for path in paths)
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return {path.name: path.read_text() for path in self.directory.iterdir()}

    def test_no_name_is_that_of_an_unfinished_file(self):
        names = ["a", "a.part", "a.part.part", "a.tmp", "_weft-1", "a-2"]
        for slow in names:
            paths = [f"/{200 if name == slow else 0}/{name}" for name in names]
            with self.subTest(slow=slow):
                self.assertEqual(self.fetched(*paths), {name: name for name in names})

    def test_equal_names_are_numbered(self):
        got = self.fetched("/0/a", "/0/a-2", "/0/a", "/0/a?x", "/0/b/../a")
        self.assertEqual(sorted(got), ["a", "a-2", "a-3", "a-4", "a-5"])
        self.assertEqual(got["a-2"], "a-2")

    def test_files_are_replaced_and_nothing_else_is_touched(self):
        (self.directory / "a").write_text("of an earlier run")
        (self.directory / "a.part").write_text("of another program")
        (self.directory / "elsewhere").write_text("kept")
        (self.directory / "b").symlink_to(self.directory / "elsewhere")
        self.assertEqual(
            self.fetched("/0/a", "/0/b"),
            {"a": "a", "b": "b", "a.part": "of another program", "elsewhere": "kept"},
        )

    def test_the_mask_of_the_process_decides_who_may_read(self):
        self.fetched("/0/a")
        mask = os.umask(0)
        os.umask(mask)
        self.assertEqual((self.directory / "a").stat().st_mode & 0o777, 0o666 & ~mask)

    def test_a_full_disk_is_an_error_and_leaves_nothing(self):
        # A file may not grow beyond the limit: as much as a disk that is full.
        done = support.run(
            "fetch",
            "--output",
            str(self.directory),
            f"{self.server.url}/0/{'x' * 4000}",
            preexec_fn=lambda: support.limit_file_size(1000),
        )
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"\Aweft fetch: .+: cannot write .+: File too large\n\Z")
        self.assertEqual(os.listdir(self.directory), [])


if __name__ == "__main__":
    support.main()
