"""libpq on weft beside PostgreSQL."""

import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import unittest

from programs import Beside, drain, main

PORT = "5432"  # of its Unix socket, in a folder of its own


def server_programs() -> str | None:
    """Returns the folder of the newest initdb and postgres, which Debian keeps off the path."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)
    on_path = shutil.which("initdb")
    return str(found[0].parent) if found else os.path.dirname(on_path) if on_path else None


BIN = server_programs()


def as_nobody() -> list[str]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return []
    group = str(pwd.getpwnam("nobody").pw_gid)
    return ["setpriv", "--reuid=nobody", f"--regid={group}", "--clear-groups", "--"]


def started(case) -> dict[str, str]:
    """Starts a server in case.root, on a Unix socket.

    It ends with the test class `case`. Returns the environment of the C++ tests.
    """
    case.root.chmod(0o755)
    home = case.root / "home"  # of the user that it runs as
    home.mkdir()
    if os.geteuid() == 0:
        shutil.chown(home, "nobody")
    made = subprocess.run(
        [*as_nobody(), f"{BIN}/initdb", "--pgdata=data", "--username=weft", "--auth=trust"]
        + ["--no-sync", "--encoding=UTF8", "--no-locale"],
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if made.returncode != 0:
        raise AssertionError("initdb failed:\n" + made.stdout)
    options = {"listen_addresses": "", "unix_socket_directories": home, "port": PORT}
    options["fsync"] = "off"
    process = subprocess.Popen(
        [*as_nobody(), f"{BIN}/postgres", "-D", "data"]
        + [word for name, value in options.items() for word in ("-c", f"{name}={value}")],
        cwd=home,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    case.addClassCleanup(process.wait)
    case.addClassCleanup(process.send_signal, signal.SIGQUIT)  # at once, whatever it does
    log = ""
    for line in process.stderr:
        log += line
        if "database system is ready to accept connections" in line:
            drain(process.stderr)
            return {
                "WEFT_TEST_CONNINFO": f"host={home} port={PORT} user=weft dbname=postgres",
                "WEFT_TEST_PORT": PORT,
            }
    raise AssertionError("postgres did not start:\n" + log)


@unittest.skipUnless(BIN, "needs a PostgreSQL server")
class Postgres(Beside):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.settings = started(cls)

    def test_queries(self):
        self.run_tests(self.settings)

    def test_the_program_asks(self):
        done = self.run_program("postgres", self.settings["WEFT_TEST_CONNINFO"])
        lines = [
            "Earth: 1",
            "Venus: not known",
            "an hour of sleep: timeout: time limit exceeded",
            "one and one: 2",
        ]
        self.assertEqual((done.returncode, done.stdout.splitlines()), (0, lines))

    def test_the_program_names_what_fails(self):
        done = self.run_program("postgres", "hostaddr=127.0.0.1 port=1")
        reason = 'connection to server at "127.0.0.1", port 1 failed: Connection refused'
        self.assertEqual((done.returncode, done.stdout), (1, f"postgres: {reason}\n"))


@unittest.skipUnless(BIN, "needs a PostgreSQL server")
class PostgresThatIsKilled(Beside):
    def test_queries_end_with_an_error(self):
        self.run_tests_that_kill(started)


if __name__ == "__main__":
    main()
