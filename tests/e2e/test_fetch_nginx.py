"""nginx as a foreign server of `weft fetch`: files arrive byte for byte."""

import hashlib
import json
import os
import pathlib
import random
import tempfile
import unittest

import support
from nginx import NGINX, start_nginx
from support import DEADLINE_S

SIZES = {"one-kib": 1 << 10, "one-mib": 1 << 20, "fifty-mib": 50 << 20, "empty": 0, "odd": 123_457}

LOCATIONS = """
    location = /moved { return 301 /one-kib; }
    location /packed/ { alias files/; gzip on; gzip_types *; }
"""


@unittest.skipUnless(NGINX, "needs nginx")
class Nginx(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        (cls.root / "files").mkdir()
        generator = random.Random(20250101)
        for name, size in SIZES.items():
            (cls.root / "files" / name).write_bytes(generator.randbytes(size))
        port, _ = start_nginx(cls, LOCATIONS)
        cls.url = f"http://127.0.0.1:{port}"

    def fetch(self, *arguments: str):
        return support.run("fetch", "--json", *arguments, timeout=3 * DEADLINE_S)

    def test_files_are_byte_equal(self):
        with tempfile.TemporaryDirectory() as directory:
            done = self.fetch("--output", directory, *(f"{self.url}/{name}" for name in SIZES))
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(sorted(os.listdir(directory)), sorted(SIZES))
            for name, size in SIZES.items():
                got = pathlib.Path(directory, name).read_bytes()
                self.assertEqual(len(got), size, name)
                expected = (self.root / "files" / name).read_bytes()
                self.assertEqual(
                    hashlib.sha256(got).digest(), hashlib.sha256(expected).digest(), name
                )
            self.assertEqual(json.loads(done.stdout)["bytes"], sum(SIZES.values()))

    def test_many_at_once_over_kept_connections(self):
        done = self.fetch(
            "--repeat", "200", "--concurrency", "16", f"{self.url}/one-kib", f"{self.url}/odd"
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        report = json.loads(done.stdout)
        self.assertEqual((report["requests"], report["failures"]), (400, 0))
        self.assertEqual(report["bytes"], 200 * (SIZES["one-kib"] + SIZES["odd"]))

    def test_equal_names_do_not_overwrite_each_other(self):
        with tempfile.TemporaryDirectory() as directory:
            done = self.fetch("--output", directory, f"{self.url}/odd", f"{self.url}/packed/odd")
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertEqual(sorted(os.listdir(directory)), ["odd", "odd-2"])

    def test_a_missing_file_is_a_bad_status_and_leaves_no_file(self):
        with tempfile.TemporaryDirectory() as directory:
            done = self.fetch("--output", directory, f"{self.url}/missing")
            self.assertEqual(done.returncode, 1)
            self.assertIn("status 404", done.stderr)
            self.assertEqual(os.listdir(directory), [])

    def test_redirects_are_not_followed(self):
        done = self.fetch(f"{self.url}/moved")
        self.assertEqual(done.returncode, 1)
        self.assertIn("status 301", done.stderr)


if __name__ == "__main__":
    support.main()
