"""`weft fetch --continue`: what is asked for behind a part, and what becomes of each answer."""

import fcntl
import json
import os
import pathlib
import random
import tempfile
import unittest
from dataclasses import dataclass

import support
from http_peers import Server, Versioned, answer_of, sending
from nginx import NGINX, start_nginx
from test_fetch_transfer import Transfer
from test_serve import FileServer

BODY = random.Random(7).randbytes(300_000)
SIZE = len(BODY)
TAGGED = {"etag": '"v1"', "size": SIZE}


def partial(content_range: str, body: bytes, *fields: str) -> bytes:
    fields = (f"Content-Range: {content_range}", *fields) if content_range else fields
    return answer_of(body, *fields, status="206 Partial Content")


@dataclass
class Row:
    """What is there, what the server does, and what comes of it."""

    name: str
    answer: object
    part: bytes | None = BODY[:1000]
    record: dict | str | None = None
    asks: tuple = (("bytes=1000-", None),)  # Range and If-Range of each request
    code: int = 0
    says: str = ""
    file: bytes | None = BODY


FOLLOWS = r"goes on behind 1,000 bytes\n\Z"
AGAIN = r"another version, or no ranges: starts again\n"
ONCE_MORE = (("bytes=1000-", '"v1"'), (None, None))

ROWS = [
    Row("nothing is there", Versioned(BODY), None, asks=((None, None),)),
    Row("an empty file", Versioned(BODY), b"", asks=((None, None),)),
    Row("a part of another program", Versioned(BODY), says=FOLLOWS),
    Row("the same version", Versioned(BODY), record=TAGGED, asks=(("bytes=1000-", '"v1"'),),
        says=FOLLOWS),
    Row("a version known by its date", Versioned(BODY),
        record={"last_modified": "Sun, 06 Nov 1994 08:49:37 GMT"},
        asks=(("bytes=1000-", "Sun, 06 Nov 1994 08:49:37 GMT"),), says=AGAIN),
    Row("another version", Versioned(BODY), b"old" * 400, {"etag": '"v0"'},
        (("bytes=1200-", '"v0"'),), says=AGAIN),
    Row("a server without ranges", Versioned(BODY, knows=()), says=AGAIN),
    Row("another version, of a server without If-Range", Versioned(BODY, '"v2"', ("ranges",)),
        b"x" * 1000, TAGGED, ONCE_MORE, says=AGAIN),
    Row("another size, of a server without If-Range",
        sending(partial(f"bytes 1000-{SIZE - 1}/{SIZE}", BODY[1000:]), answer_of(BODY)),
        record={"size": 7}, asks=(("bytes=1000-", None), (None, None)), says=AGAIN),
    Row("a record that is malformed", Versioned(BODY), record='{"etag": 7, "size": -1',
        says=FOLLOWS),
    Row("a record with a forged field", Versioned(BODY), record={"etag": '"a"\r\nX: y'},
        says=FOLLOWS),
    Row("a complete file", Versioned(BODY), BODY, TAGGED, ((f"bytes={SIZE}-", '"v1"'),),
        says=r"complete already: 300,000 bytes\n\Z"),
    Row("more than there is", Versioned(BODY[:500]), code=8, file=BODY[:1000],
        says="has 1000 bytes, more than the 500 bytes"),
    Row("416 without a size", sending(answer_of(b"", status="416 No")), code=8, file=BODY[:1000],
        says="does not say how many"),
    Row("a part from elsewhere", sending(partial(f"bytes 0-{SIZE - 1}/{SIZE}", BODY)), code=6,
        file=BODY[:1000], says="the bytes from 0 on, not from 1000 on"),
    Row("no Content-Range", sending(partial("", BODY)), code=6, file=BODY[:1000],
        says="without a valid Content-Range"),
    Row("a malformed Content-Range", sending(partial("bytes 1000-5/3", BODY)), code=6,
        file=BODY[:1000], says="without a valid Content-Range"),
    Row("two of them", sending(partial("bytes 1000-1001/1002", b"xy",
        "Content-Range: bytes 1000-1002/1003")), code=6, file=BODY[:1000], says="without a valid"),
    Row("less than the rest", sending(partial(f"bytes 1000-1999/{SIZE}", BODY[1000:2000])), code=6,
        file=BODY[:2000], says="has given 2,000 of 300,000 bytes"),
    Row("a rest that is cut off", Versioned(BODY, cut=500), record=TAGGED,
        asks=(("bytes=1000-", '"v1"'),), code=6, file=BODY[:1500],
        says="1.5 KiB kept in .*; --continue goes on from there"),
    Row("another status", sending(answer_of(b"no", status="403 Forbidden")), code=5,
        file=BODY[:1000], says="status 403 Forbidden"),
    Row("a redirect", sending(answer_of(b"no", "Location: /", status="302 Found")), code=5,
        file=BODY[:1000], says="status 302 Found"),
    Row("nothing is there and nothing comes", sending(answer_of(b"no", status="404 No")), None,
        asks=((None, None),), code=5, file=None, says="status 404"),
]  # fmt: skip


class Part(Transfer):
    def setUp(self):
        super().setUp()
        self.record = self.directory / "file.weft-part"
        self.arguments = ["--continue", "--output", str(self.file)]

    def continue_beside(self, url: str) -> None:
        """A server of BODY as /file."""
        url += "/file"
        self.file.write_bytes(BODY[:123_456])
        for says in ["goes on behind 123,456 bytes", "complete already", "starts again"]:
            done = support.run("fetch", *self.arguments, url)
            self.assertEqual(done.returncode, 0, done)
            self.assertIn(says, done.stderr)
            self.assertTrue(self.file.read_bytes() == BODY)
            if says == "complete already":
                self.file.write_bytes(b"x" * 1000)
                self.record.write_text('{"etag": "\\"another\\""}')


class Continue(Part):
    def test_answers(self):
        for row in ROWS:
            with self.subTest(row.name), Server(row.answer) as server:
                for path in (self.file, self.record):
                    path.unlink(missing_ok=True)
                if row.part is not None:
                    self.file.write_bytes(row.part)
                if row.record is not None:
                    text = row.record if isinstance(row.record, str) else json.dumps(row.record)
                    self.record.write_text(text)
                done = support.run("fetch", *self.arguments, server.url)
                self.assertEqual(done.returncode, row.code, done)
                self.assertRegex(done.stderr, row.says if row.says else r"\A\Z")
                asked = tuple((r.fields.get("range"), r.fields.get("if-range"))
                              for r in server.requests)  # fmt: skip
                self.assertEqual(asked, row.asks)
                got = self.file.read_bytes() if self.file.exists() else None
                self.assertTrue(got == row.file, got and len(got))
                if row.code == 0:
                    self.assertEqual(self.names(), ["file"])

    def test_the_record_names_the_version(self):
        now, before = "Sun, 06 Nov 1994 08:49:38 GMT", "Sun, 06 Nov 1994 08:49:37 GMT"
        for fields, expected in [
            (['ETag: "a"', f"Date: {now}", f"Last-Modified: {before}"],
             {"etag": '"a"', "last_modified": before}),
            (['ETag: W/"a"', f"Date: {now}", f"Last-Modified: {before}"],
             {"last_modified": before}),
            (['ETag: W/"a"', f"Date: {now}", f"Last-Modified: {now}"], {}),  # may change unseen
            ([f"Last-Modified: {before}"], {}),
            ([], {}),
        ]:  # fmt: skip
            head = answer_of(b"", *fields).replace(b"Content-Length: 0", b"Content-Length: 9")

            def cut(connection, _, head=head):
                connection.sendall(head + b"abc")

            with Server(cut) as server:
                done = support.run("fetch", "--output", str(self.file), server.url)
            self.assertEqual(done.returncode, 6, done)
            self.assertEqual(json.loads(self.record.read_text()), {**expected, "size": 9})
            self.file.unlink()

    def test_a_rest_is_tried_again(self):
        with Server(Versioned(BODY, cut=70_000)) as peer:
            done = support.run("fetch", *self.arguments, "--retry", "9", peer.url)
        self.assertEqual(done.returncode, 0, done)
        self.assertTrue(self.file.read_bytes() == BODY)
        ranges = [r.fields.get("range") for r in peer.requests]
        self.assertEqual(ranges, [None] + [f"bytes={70_000 * i}-" for i in (1, 2, 3, 4)])
        self.assertEqual(self.names(), ["file"])
        self.file.unlink()
        with Server(Versioned(BODY, cut=70_000)) as peer:
            done = support.run("fetch", *self.arguments, "--retry", "1", peer.url)
        self.assertEqual((done.returncode, self.file.stat().st_size), (6, 140_000))

    def test_a_file_that_another_process_continues_is_left_alone(self):
        self.file.write_bytes(BODY[:1000])
        with open(self.file, "rb") as file, Server(Versioned(BODY)) as server:
            fcntl.flock(file, fcntl.LOCK_EX)
            done = support.run("fetch", *self.arguments, server.url)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("another process writes it", done.stderr)
        self.assertEqual(self.file.read_bytes(), BODY[:1000])

    def test_what_is_no_file_is_not_continued(self):
        for output in ["/dev/null", str(self.directory)]:
            self.fails(1, output, "--continue", "--output", output, "http://127.0.0.1:1/")

    def test_weft_serve(self):
        site = self.directory / "site"
        site.mkdir()
        (site / "file").write_bytes(BODY)
        os.utime(site / "file", (1_000_000_000, 1_000_000_000))
        with FileServer(str(site)) as server:
            self.continue_beside(server.url)


@unittest.skipUnless(NGINX, "needs nginx")
class Nginx(Part):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(cls.enterClassContext(tempfile.TemporaryDirectory()))
        (cls.root / "files").mkdir()
        (cls.root / "files" / "file").write_bytes(BODY)
        cls.port, _ = start_nginx(cls, "")

    def test_nginx(self):
        self.continue_beside(f"http://127.0.0.1:{self.port}")


if __name__ == "__main__":
    support.main()
