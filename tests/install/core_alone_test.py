#!/usr/bin/env python3
"""Builds, installs and runs the core where the packages of its parts cannot be found.

The core must need none of llhttp, c-ares, OpenSSL, CLI11 and nlohmann-json, which its parts and the
program use.
The installed package must refuse the component that is not there.
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from find_package_test import CONSUMER, EXAMPLE, ROOT, check_echo, run

HIDDEN = ("CLI11", "nlohmann_json", "GTest", "OpenSSL")
PARTS = ("HTTP", "DNS", "TLS", "TOOLS", "TESTS", "EXAMPLES", "MODEL")
HIDDEN_FOLDERS = "/usr/share/llhttp;/usr/share/include"


def configure(options: argparse.Namespace, build: pathlib.Path) -> None:
    command = [options.cmake, "-S", str(ROOT), "-B", str(build), "-G", "Ninja"]
    command += [f"-DCMAKE_CXX_COMPILER={options.compiler}", "-DCMAKE_BUILD_TYPE=Release"]
    command += [f"-DCMAKE_DISABLE_FIND_PACKAGE_{name}=ON" for name in HIDDEN]
    command += [f"-DCMAKE_IGNORE_PATH={HIDDEN_FOLDERS}"]
    command += [f"-DWEFT_BUILD_{part}=OFF" for part in PARTS]
    if shutil.which("ccache"):
        command.append("-DCMAKE_CXX_COMPILER_LAUNCHER=ccache")
    run(*command)


def check_refusal(cmake: str, folder: pathlib.Path, prefix: pathlib.Path) -> None:
    """find_package() says which component this installation does not have."""
    folder.mkdir()
    (folder / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.25)\nproject(wants_http LANGUAGES CXX)\n"
        "find_package(weft 0.1 REQUIRED COMPONENTS http)\n"
    )
    done = subprocess.run(
        [cmake, "-S", str(folder), "-B", str(folder / "build"), f"-DCMAKE_PREFIX_PATH={prefix}"],
        capture_output=True,
        text=True,
    )
    if done.returncode == 0 or "without the component 'http'" not in " ".join(done.stderr.split()):
        sys.exit(f"find_package() found a component that is not there:\n{done.stderr}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--cmake", required=True)
    parser.add_argument("--compiler", required=True)
    options = parser.parse_args()

    with tempfile.TemporaryDirectory(prefix="weft-core-") as folder:
        root = pathlib.Path(folder)
        configure(options, root / "build")
        run(options.cmake, "--build", str(root / "build"), "-j", str(os.cpu_count()))
        run(options.cmake, "--install", str(root / "build"), "--prefix", str(root / "prefix"))
        parts = [root / "prefix" / folder for folder in ("include", "lib")]
        files = [file.name for part in parts for file in part.rglob("*")]
        left = [name for name in files if re.search("http|dns|tls|compression|brotli", name)]
        if left:
            sys.exit(f"the core alone installs {left}")
        run(
            *(options.cmake, "-S", str(CONSUMER), "-B", str(root / "echo"), "-G", "Ninja"),
            f"-DCMAKE_PREFIX_PATH={root / 'prefix'}",
            f"-DCMAKE_CXX_COMPILER={options.compiler}",
            f"-DECHO_SERVER_SOURCE={EXAMPLE}",
        )
        run(options.cmake, "--build", str(root / "echo"))
        check_echo(root / "echo" / "echo_server")
        check_refusal(options.cmake, root / "wants_http", root / "prefix")


if __name__ == "__main__":
    main()
