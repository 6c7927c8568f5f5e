"""hiredis on weft beside redis-server."""

import shutil
import socket
import subprocess
import unittest

from programs import Beside, drain, main

REDIS = shutil.which("redis-server")


def started(case) -> dict[str, str]:
    """Starts a server in case.root that keeps nothing, on a free port and a Unix socket.

    It ends with the test class `case`. Returns the environment of the C++ tests.
    """
    log = ""
    for _ in range(20):
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        process = subprocess.Popen(
            [REDIS, "--bind", "127.0.0.1", "--port", str(port), "--unixsocket", "redis.sock"]
            + ["--save", "", "--appendonly", "no", "--daemonize", "no"],
            cwd=case.root,
            stdout=subprocess.PIPE,
            text=True,
        )
        log = ""
        for line in process.stdout:  # to its end, should it not start
            log += line
            # It says the socket last.
            if "ready to accept connections" in line and "redis.sock" in line:
                drain(process.stdout)
                case.addClassCleanup(process.wait)
                case.addClassCleanup(process.kill)
                return {
                    "WEFT_TEST_TCP": f"127.0.0.1:{port}",
                    "WEFT_TEST_UNIX": f"unix:{case.root}/redis.sock",
                    "WEFT_TEST_PID": str(process.pid),
                }
        process.wait()
        process.stdout.close()
    raise AssertionError("redis-server did not start:\n" + log)


@unittest.skipUnless(REDIS, "needs redis-server")
class Redis(Beside):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.settings = started(cls)

    def test_commands(self):
        self.run_tests(self.settings)

    def test_the_program_counts_visitors(self):
        for address in (self.settings["WEFT_TEST_UNIX"], self.settings["WEFT_TEST_TCP"]):
            with self.subTest(address):
                done = self.run_program("redis", address)
                reason = "WRONGTYPE Operation against a key holding the wrong kind of value"
                lines = ["100 visitors", f"redis LPUSH: {reason}"]
                self.assertEqual((done.returncode, done.stdout.splitlines()), (0, lines))

    def test_the_program_names_what_fails(self):
        done = self.run_program("redis", "127.0.0.1:1")
        expected = (1, "redis 127.0.0.1:1: Connection refused\n")
        self.assertEqual((done.returncode, done.stdout), expected)


@unittest.skipUnless(REDIS, "needs redis-server")
class RedisThatIsKilled(Beside):
    def test_commands_end_with_an_error(self):
        self.run_tests_that_kill(started)


if __name__ == "__main__":
    main()
