"""A page in Chromium from a server of ours, plain and by TLS: what it loads, what it sends, and
server-sent events over connections that end."""

import base64
import hashlib
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

import support
from test_serve_tls import make_certificate

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "guide"))
import browser  # noqa: E402

WEB_SITE = os.environ.get("WEFT_WEB_SITE", "build/release/tests/e2e/weft_web_site")
SENT_BYTES = 3 << 20
LAST_EVENT = 10
# Of one pixel.
PICTURE = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    "YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
PAGE = """<!doctype html>
<title>page</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="style.css">
<img id="picture" src="picture.png">
<script src="script.js"></script>
"""
SCRIPT = f"""
window.events = [];
const source = new EventSource('events');
source.addEventListener('count', (event) => {{
  window.events.push(event.lastEventId + ': ' + event.data);
  if (window.events.length === {LAST_EVENT}) source.close();
}});
fetch('size', {{method: 'POST', body: new Uint8Array({SENT_BYTES})}})
  .then((answer) => answer.text()).then((text) => {{ window.counted = text; }});
fetch('missing').then((answer) => {{ window.missing = answer.status; }});
"""


def key_hash(certificate: pathlib.Path) -> str:
    """Returns the hash of a certificate's key, by which Chromium is told to accept it."""
    key = subprocess.run(["openssl", "x509", "-in", str(certificate), "-pubkey", "-noout"],
                         check=True, capture_output=True)  # fmt: skip
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "der"], input=key.stdout,
                         check=True, capture_output=True)  # fmt: skip
    return base64.b64encode(hashlib.sha256(der.stdout).digest()).decode()


class Site(support.ListeningProgram):
    def __init__(self, *arguments: str):
        super().__init__([WEB_SITE, *arguments], r"\Alistening on (127\.0\.0\.1):(\d+)\n\Z")


@unittest.skipUnless(browser.is_installed(), "no chromium is installed")
class Chromium(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        site = self.root / "site"
        site.mkdir()
        (site / "index.html").write_text(PAGE)
        (site / "style.css").write_text("body { background: rgb(1, 2, 3); }")
        (site / "script.js").write_text(SCRIPT)
        (site / "picture.png").write_bytes(PICTURE)
        self.site = str(site)

    def check(self, url: str, *flags: str) -> None:
        with browser.Browser(*flags) as tab:
            tab.open(url)
            color = "getComputedStyle(document.body).backgroundColor"
            self.assertEqual(tab.value_of(color), "rgb(1, 2, 3)")
            self.assertEqual(tab.value_of("document.querySelector('#picture').naturalWidth"), 1)
            events = tab.wait_for(f"window.events.length === {LAST_EVENT} && window.events")
            self.assertEqual(events, [f"{i}: event {i}" for i in range(1, LAST_EVENT + 1)])
            self.assertEqual(tab.wait_for("window.counted"), str(SENT_BYTES))
            self.assertEqual(tab.wait_for("window.missing"), 404)

    def test_a_page(self):
        with Site(self.site) as server:
            self.check(f"http://127.0.0.1:{server.address[1]}/")
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(server.process.wait(support.DEADLINE_S), 0)

    def test_a_page_by_tls(self):
        certificate, key = make_certificate(self.root, "site")
        with Site(self.site, str(certificate), str(key)) as server:
            trusted = f"--ignore-certificate-errors-spki-list={key_hash(certificate)}"
            self.check(f"https://localhost:{server.address[1]}/", trusted)
            server.process.send_signal(signal.SIGTERM)
            self.assertEqual(server.process.wait(support.DEADLINE_S), 0)


if __name__ == "__main__":
    support.main()
