"""libcurl on weft beside nginx."""

import random
import unittest

from programs import Beside, main  # first: it finds the modules of e2e
from nginx import NGINX, start_nginx

SIZES = {"one-kib": 1 << 10, "five-mib": 5 << 20, "empty": 0}
LOCATIONS = "location /slow/ { alias files/; limit_rate 1; }"


def started(case) -> dict[str, str]:
    """Starts nginx, and returns the environment of the C++ tests."""
    (case.root / "files").mkdir()
    generator = random.Random(20250101)
    for name, size in SIZES.items():
        (case.root / "files" / name).write_bytes(generator.randbytes(size))
    port, process = start_nginx(case, LOCATIONS)
    return {
        "WEFT_TEST_URL": f"http://127.0.0.1:{port}",
        "WEFT_TEST_FILES": str(case.root / "files"),
        "WEFT_TEST_PID": str(process.pid),
    }


@unittest.skipUnless(NGINX, "needs nginx")
class Curl(Beside):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.settings = started(cls)
        cls.url = cls.settings["WEFT_TEST_URL"]

    def test_transfers(self):
        self.run_tests(self.settings)

    def test_the_program_fetches_all_it_is_given(self):
        done = self.run_program("curl", *(f"{self.url}/{name}" for name in SIZES))
        lines = [f"{size} bytes from {self.url}/{name}\n" for name, size in SIZES.items()]
        self.assertEqual((done.returncode, done.stdout), (0, "".join(lines)))

    def test_the_program_names_what_fails(self):
        done = self.run_program("curl", f"{self.url}/empty", "http://127.0.0.1:1/")
        lines = [
            f"0 bytes from {self.url}/empty",
            "transfer http://127.0.0.1:1/: couldn't connect to server",
        ]
        self.assertEqual((done.returncode, done.stdout.splitlines()), (1, lines))


@unittest.skipUnless(NGINX, "needs nginx")
class CurlBesideAServerThatIsKilled(Beside):
    def test_transfers_end_with_an_error(self):
        self.run_tests_that_kill(started)


if __name__ == "__main__":
    main()
