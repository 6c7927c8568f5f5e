"""A browser without a window, controlled through a pipe: opens a page, types, reads its state."""

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import time

DEADLINE_S = 30
POLL_S = 0.05

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)


def _pipe_of_high_numbers() -> list[int]:
    """Returns a pipe whose ends are not 3 or 4, the numbers that they get in the browser."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in ends]
    for end in ends:
        os.close(end)
    return high


def is_installed() -> bool:
    return shutil.which("chromium") is not None


class Browser:
    """One tab. `errors`: the errors of its pages since the last one was opened."""

    def __init__(self, *flags: str) -> None:
        self._flags = flags

    def __enter__(self):
        self.errors: list[str] = []
        self._number = 0
        self._profile = tempfile.TemporaryDirectory(
            prefix="weft-browser-", ignore_cleanup_errors=True  # its processes may still write
        )
        # The browser reads commands from 3 and writes to 4, each message ended by a zero byte.
        commands, self._to = _pipe_of_high_numbers()
        self._from, answers = _pipe_of_high_numbers()
        shell = f'exec chromium "$@" 3<&{commands} 4>&{answers} {commands}<&- {answers}>&-'
        self._process = subprocess.Popen(
            ["bash", "-c", shell, "bash", *_FLAGS, *self._flags,
             f"--user-data-dir={self._profile.name}"],
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands)
        os.close(answers)
        self._answers = os.fdopen(self._from, "rb", buffering=0)
        self._pending = b""
        self._session = None
        try:
            self._open_tab()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _open_tab(self) -> None:
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        attached = self._call("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._call(f"{domain}.enable")

    def __exit__(self, *_):
        self._process.terminate()
        try:
            self._process.wait(timeout=DEADLINE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._to)
        self._answers.close()
        self._profile.cleanup()

    def open(self, url: str) -> None:
        self.errors.clear()
        self._call("Page.navigate", url=url)
        self.wait_for(f"location.href === {json.dumps(url)} && document.readyState === 'complete'")

    def type_into(self, selector: str, text: str) -> None:
        """Types key by key, as a reader does."""
        self.value_of(f"document.querySelector({json.dumps(selector)}).focus()")
        for character in text:
            self._call("Input.dispatchKeyEvent", type="keyDown", text=character)
            self._call("Input.dispatchKeyEvent", type="keyUp")

    def press(self, key: str) -> None:
        """Presses a key that types nothing, such as ArrowLeft."""
        self._call("Input.dispatchKeyEvent", type="rawKeyDown", key=key, code=key)
        self._call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key)

    def click(self, selector: str) -> None:
        self.value_of(f"document.querySelector({json.dumps(selector)}).click()")

    def wait_for(self, expression: str):
        """Returns the expression's value, once that is neither false nor empty."""
        deadline = time.monotonic() + DEADLINE_S
        while time.monotonic() < deadline:
            value = self.value_of(expression)
            if value:
                return value
            self._call("Runtime.evaluate", awaitPromise=True, expression=_PAUSE)
        raise TimeoutError(f"{expression} did not come true; errors: {self.errors}")

    def value_of(self, expression: str):
        result = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        return result["result"].get("value")

    def _call(self, method: str, **parameters) -> dict:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._receive()
            if answer.get("id") == self._number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self._note(answer)

    def _receive(self) -> dict:
        while b"\0" not in self._pending:
            read = self._answers.read(1 << 16)
            if not read:
                raise RuntimeError("the browser has ended")
            self._pending += read
        message, _, self._pending = self._pending.partition(b"\0")
        return json.loads(message)

    def _note(self, event: dict) -> None:
        match event.get("method"):
            case "Runtime.exceptionThrown":
                self.errors.append(event["params"]["exceptionDetails"]["text"])
            case "Log.entryAdded" if event["params"]["entry"]["level"] == "error":
                self.errors.append(event["params"]["entry"]["text"])


_PAUSE = f"new Promise(go => setTimeout(go, {int(POLL_S * 1000)}))"
