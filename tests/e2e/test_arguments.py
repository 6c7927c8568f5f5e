"""Bad arguments give one clear line on standard error and exit code 2."""

import socket
import unittest

import support


class Arguments(unittest.TestCase):
    def refused(self, *arguments: str) -> str:
        done = support.run(*arguments)
        self.assertEqual((done.returncode, done.stdout), (2, ""), arguments)
        self.assertRegex(done.stderr, r"\Aweft[^\n]+\n\Z", arguments)
        return done.stderr.rstrip("\n")

    def test_values_are_named_with_what_they_should_be(self):
        self.assertEqual(
            self.refused("fetch", "--concurrency", "x", "http://h/"),
            "weft fetch: --concurrency: must be 1..1000000, not 'x'",
        )
        self.assertEqual(
            self.refused("delay", "--listen", "127.0.0.1:0", "--workers", "0"),
            "weft delay: --workers: must be 1..1024, not '0'",
        )
        self.assertIn(
            "--timeout: must be a duration", self.refused("fetch", "--timeout", "5", "http://h/")
        )
        self.assertIn("--count: must be 1..", self.refused("demo", "--count", "0"))
        self.assertIn("--delay: must be 0..", self.refused("demo", "--delay", "-1"))

    def test_addresses_and_urls(self):
        for address in ["", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", ":::1"]:
            self.assertIn("--listen", self.refused("delay", "--listen", address))
        for url in ["nonsense", "ftp://h/", "http://", "http://h:x/", "http://u@h/"]:
            self.assertIn(url, self.refused("fetch", url))

    def test_missing_and_unknown(self):
        self.assertIn("command", self.refused())
        self.assertIn("'bogus'", self.refused("bogus"))
        self.assertIn("--listen", self.refused("delay"))
        self.assertIn("URL", self.refused("fetch"))
        self.assertIn("--bogus", self.refused("fetch", "--bogus", "http://h/"))

    def test_help_and_version(self):
        for arguments in [("--help",), ("fetch", "--help"), ("--version",)]:
            done = support.run(*arguments)
            self.assertEqual((done.returncode, done.stderr), (0, ""), arguments)
            self.assertNotEqual(done.stdout, "")
        self.assertRegex(support.run("--version").stdout, r"\Aweft \d+\.\d+\.\d+\n\Z")

    def test_an_address_in_use_is_an_error_that_names_it(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            done = support.run("delay", "--listen", address)
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr.lower(), rf"\Aweft delay: [^\n]*{address}[^\n]*in use\n\Z")


if __name__ == "__main__":
    support.main()
