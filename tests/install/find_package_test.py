#!/usr/bin/env python3
"""Installs a build, moves it, and builds and runs the README's first program against it, a test
with the model checker, and recipes of weft::dns, weft::compression and weft::tls. weft_lint() of
the package reads the program's source. Headers of another version do not link with it. Its
documents lead to each other and to the headers.

Nothing of the source tree or of the build may be needed, or named, by what is installed.
"""

import argparse
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
from typing import IO

ROOT = pathlib.Path(__file__).resolve().parents[2]
CONSUMER = pathlib.Path(__file__).resolve().parent / "consumer"
EXAMPLE = ROOT / "examples" / "echo_server.cpp"
CHECKED = ROOT / "examples" / "guide" / "checked_queue.cpp"
NAMES = ROOT / "examples" / "how_to" / "names.cpp"
FILES = ROOT / "examples" / "how_to" / "http_files.cpp"
TLS = ROOT / "examples" / "how_to" / "tls.cpp"
TIMEOUT_SECONDS = 20


def run(*command: str) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stdout}\nexit code {done.returncode}")


def check_exports(prefix: pathlib.Path, build: pathlib.Path) -> None:
    """The files that CMake exported name neither this machine's folders nor the library's parts."""
    files = list(prefix.rglob("*.cmake"))
    if not files:
        sys.exit(f"no CMake package was installed in {prefix}")
    for file in files:
        text = file.read_text()
        for leak in (str(ROOT), str(build), "llhttp", "weft_options", "-Werror"):
            if leak in text:
                sys.exit(f"{file.name} of the installed package mentions {leak}")
    for library in ("weft", "model"):
        (targets,) = [file for file in files if file.name == f"weft-{library}-targets.cmake"]
        if "-fstack-clash-protection" not in targets.read_text():
            sys.exit(f"what runs on stacks of weft::{library} is not compiled with guarded frames")


def check_documents(prefix: pathlib.Path) -> None:
    """License and documents are installed, and their links lead to something that is."""
    documents = prefix / "share" / "doc" / "weft"
    for name in ("LICENSE", "README.md", "docs/guide/index.md", "docs/how-to/index.md"):
        if not (documents / name).is_file():
            sys.exit(f"{name} is not installed in {documents}")
    for document in documents.rglob("*.md"):
        text = re.sub(r"```.*?```|`[^`\n]*`", "", document.read_text(), flags=re.DOTALL)
        for link in re.findall(r"\]\(([^)#\s:]+)(?:#[^)\s]*)?\)", text):
            if not (document.parent / link).exists():
                sys.exit(f"the installed {document.relative_to(documents)} links to {link}")


def reset_connections(host: str, port: int, count: int) -> None:
    """Has a byte echoed by each of some connections, on which the server then waits; resets it."""
    for _ in range(count):
        with socket.create_connection((host, port), timeout=TIMEOUT_SECONDS) as client:
            client.sendall(b"?")
            client.recv(1)
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def check_echo(program: pathlib.Path) -> None:
    """Starts the program on a port of its choice and has a few lines echoed. A connection that its
    peer resets is none of the server's trouble: it prints nothing."""
    with tempfile.TemporaryFile("w+") as trouble:
        check_echo_of(program, trouble)
        trouble.seek(0)
        printed = trouble.read()
    if printed:
        sys.exit(f"the echo server printed, when connections were reset:\n{printed}")


def check_echo_of(program: pathlib.Path, trouble: IO[str]) -> None:
    server = subprocess.Popen(
        [program, "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=trouble, text=True
    )
    try:
        # "echoing on 127.0.0.1:40001"
        host, port = server.stdout.readline().split()[-1].rsplit(":", 1)
        reset_connections(host, int(port), 20)
        clients = [
            socket.create_connection((host, int(port)), timeout=TIMEOUT_SECONDS) for _ in range(3)
        ]
        for number, client in enumerate(clients):
            client.sendall(b"hello %d " % number * 2000)
            client.shutdown(socket.SHUT_WR)
        for number, client in reversed(list(enumerate(clients))):
            with client, client.makefile("rb") as stream:
                if stream.read() != b"hello %d " % number * 2000:
                    sys.exit(f"client {number} did not get back what it sent")
        if server.poll() is not None:
            sys.exit(f"the echo server ended by itself with {server.returncode}")
    finally:
        server.kill()
        server.wait()


def check_versions(prefix: pathlib.Path, compiler: str, folder: pathlib.Path) -> None:
    """A program that was compiled with the headers of another version is a link error."""
    headers = folder / "other" / "include"
    shutil.copytree(prefix / "include", headers)
    for header in headers.rglob("*.hpp"):
        header.write_text(re.sub(r"\binline v\d+_\d+\b", "inline v99_0", header.read_text()))
    source, object_file = folder / "other.cpp", folder / "other.o"
    source.write_text("#include <weft/runtime.hpp>\nint main() { weft::Runtime runtime; }\n")
    run(compiler, "-std=c++2b", f"-I{headers}", "-c", str(source), "-o", str(object_file))
    library = next(path for path in prefix.rglob("libweft.*") if path.suffix in (".a", ".so"))
    link = (compiler, str(object_file), str(library), "-o", str(folder / "a.out"), "-pthread")
    done = subprocess.run(link, capture_output=True, text=True)
    if done.returncode == 0 or "weft::v99_0::Runtime" not in done.stderr:
        sys.exit(f"headers of another version were linked with the library:\n{done.stderr}")


def check_tls(program: pathlib.Path, folder: pathlib.Path) -> None:
    """The recipe of weft::tls, with a certificate made now."""
    key, certificate = folder / "a.key", folder / "a.pem"
    run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"),
        *("-nodes", "-days", "2", "-subj", "/CN=localhost"),
        *("-addext", "subjectAltName=DNS:localhost"),
        *("-keyout", str(key), "-out", str(certificate)),
    )
    run(str(program), str(certificate), str(key))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cmake", required=True)
    parser.add_argument("--build-dir", required=True, type=pathlib.Path)
    parser.add_argument("--compiler", required=True)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="weft-install-") as folder:
        first = pathlib.Path(folder) / "first"
        moved = pathlib.Path(folder) / "moved"
        build = pathlib.Path(folder) / "build"
        run(options.cmake, "--install", str(options.build_dir), "--prefix", str(first))
        first.rename(moved)
        check_exports(moved, options.build_dir)
        check_documents(moved)
        run(
            *(options.cmake, "-S", str(CONSUMER), "-B", str(build), "-G", "Ninja"),
            f"-DCMAKE_PREFIX_PATH={moved}",
            f"-DCMAKE_CXX_COMPILER={options.compiler}",
            f"-DECHO_SERVER_SOURCE={EXAMPLE}",
            f"-DCHECKED_QUEUE_SOURCE={CHECKED}",
            f"-DNAMES_SOURCE={NAMES}",
            f"-DFILES_SOURCE={FILES}",
            f"-DTLS_SOURCE={TLS}",
            "-DLINT=ON",
        )
        run(options.cmake, "--build", str(build))
        check_echo(build / "echo_server")
        run(str(build / "checked_queue"))
        run(str(build / "names"))
        run(str(build / "http_files"))
        check_tls(build / "tls", pathlib.Path(folder))
        check_versions(moved, options.compiler, pathlib.Path(folder))


if __name__ == "__main__":
    main()
