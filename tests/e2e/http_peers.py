"""HTTP servers of a script each, for `weft fetch`: requests are kept, answers are bytes."""

import re
import socket
import threading
from dataclasses import dataclass, field
from typing import Callable

from support import DEADLINE_S


@dataclass
class Request:
    """A request as it came; `rest` is what came behind it."""

    line: str
    fields: dict[str, str]
    body: bytes = b""
    chunked: bool = False
    rest: bytes = field(default=b"", repr=False)

    @property
    def path(self) -> str:
        return self.line.split(" ")[1]


def read_request(connection: socket.socket, data: bytes = b"") -> Request | None:
    """Returns the next request, or None at the end of the connection."""
    while b"\r\n\r\n" not in data:
        received = connection.recv(65536)
        if not received:
            return None
        data += received
    head, data = data.split(b"\r\n\r\n", 1)
    line, *fields = head.decode("latin-1").split("\r\n")
    request = Request(line, {})
    for one in fields:
        name, value = one.split(":", 1)
        request.fields[name.lower()] = value.strip()
    if request.fields.get("transfer-encoding") == "chunked":
        request.chunked = True
        request.body, request.rest = _read_chunks(connection, data)
        return request
    size = int(request.fields.get("content-length", "0"))
    while len(data) < size:
        data += connection.recv(65536) or _fail()
    request.body, request.rest = data[:size], data[size:]
    return request


def _fail() -> bytes:
    raise ConnectionError("the request was cut off")


def _read_chunks(connection: socket.socket, data: bytes) -> tuple[bytes, bytes]:
    body = b""
    while True:
        while b"\r\n" not in data:
            data += connection.recv(65536) or _fail()
        line, data = data.split(b"\r\n", 1)
        size = int(line, 16)
        while len(data) < size + 2:
            data += connection.recv(65536) or _fail()
        if size == 0:
            return body, data[2:]
        body += data[:size]
        data = data[size + 2 :]


class Server:
    """Hands each request, with its connection, to `answer`, on a thread for each connection.

    `answer` returns whether the connection goes on. A context manager.
    """

    def __init__(self, answer: Callable[[socket.socket, Request], bool], host="127.0.0.1"):
        self.answer = answer
        self.requests: list[Request] = []
        self.asked = threading.Semaphore(0)
        self.listener = socket.create_server((host, 0))
        self.port = self.listener.getsockname()[1]
        self.url = f"http://{host}:{self.port}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()
        for thread in self._threads[1:]:
            thread.join()
        self.listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            connection.settimeout(DEADLINE_S)
            self._threads.append(threading.Thread(target=self._serve, args=[connection]))
            self._threads[-1].start()

    def _serve(self, connection: socket.socket):
        with connection:
            data = b""
            try:
                while request := read_request(connection, data):
                    data = request.rest
                    self.requests.append(request)
                    self.asked.release()
                    if not self.answer(connection, request):
                        return
            except OSError:
                return  # the client may have left


def answer_of(body: bytes, *fields: str, status: str = "200 OK") -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def sending(*answers: bytes):
    """The first request gets the first of these, and so on; the last serves for all others."""
    left = list(answers)

    def answer(connection: socket.socket, _: Request) -> bool:
        connection.sendall(left.pop(0) if len(left) > 1 else left[0])
        return True

    return answer


def stalling(begin: bytes):
    """Sends the beginning of an answer, and then nothing until the client has left."""

    def answer(connection: socket.socket, _: Request) -> bool:
        connection.sendall(begin)
        connection.recv(1)
        return False

    return answer


class Versioned:
    """Serves one body with ranges, If-Range and a tag, as `answer` of a Server.

    `cut`: bytes of a body after which the connection ends; `knows`: "ranges", "if-range" or both.
    """

    def __init__(self, body: bytes, tag: str = '"v1"', knows=("ranges", "if-range"), cut=None):
        self.body, self.tag, self.knows, self.cut = body, tag, knows, cut

    def __call__(self, connection: socket.socket, request: Request) -> bool:
        wanted = re.fullmatch(r"bytes=(\d+)-", request.fields.get("range", ""))
        condition = request.fields.get("if-range", self.tag)
        if condition != self.tag and "if-range" in self.knows:
            wanted = None
        size, first, status, extra = len(self.body), 0, "200 OK", []
        if wanted and "ranges" in self.knows:
            first = int(wanted.group(1))
            if first >= size:
                fields = [f"Content-Range: bytes */{size}"]
                return self._send(connection, answer_of(b"", *fields, status="416 No"), None)
            status = "206 Partial Content"
            extra = [f"Content-Range: bytes {first}-{size - 1}/{size}"]
        part = self.body[first:]
        head = answer_of(b"", f"ETag: {self.tag}", *extra, status=status)
        head = head.replace(b"Content-Length: 0", b"Content-Length: %d" % len(part))
        return self._send(connection, head + part, len(head))

    def _send(self, connection: socket.socket, answer: bytes, head_size) -> bool:
        if self.cut is None or head_size is None:
            connection.sendall(answer)
            return True
        connection.sendall(answer[: head_size + self.cut])
        return False
