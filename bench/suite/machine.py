"""The machine a result was measured on."""

import os
import pathlib
import platform
import subprocess


def _first_line_value(path: str, key: str) -> str:
    try:
        with open(path) as lines:
            for line in lines:
                if line.startswith(key):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return "unknown"


def compiler(build_directory: pathlib.Path) -> str:
    for path in sorted(build_directory.glob("CMakeFiles/*/CMakeCXXCompiler.cmake")):
        values = dict(
            line[4:-1].split(" ", 1)
            for line in path.read_text().splitlines()
            if line.startswith("set(CMAKE_CXX_COMPILER_") and line.endswith(")") and " " in line
        )
        name = values.get("CMAKE_CXX_COMPILER_ID", "").strip('"')
        return f"{name} {values.get('CMAKE_CXX_COMPILER_VERSION', '').strip(chr(34))}".strip()
    return "unknown"


# Debian's packages of the peers.
PEERS = {
    "asio": "libasio-dev",
    "boost": "libboost-fiber1.74-dev",
    "libuv": "libuv1-dev",
    "onetbb": "libtbb-dev",
    "go": "golang-1.19-go",
    "tokio": "librust-tokio-dev",
    "trust-dns": "librust-trust-dns-resolver-dev",
    "liburing": "liburing-dev",
    "rustc": "rustc",
    "beast": "libboost1.74-dev",
    "nginx": "nginx-light",
    "node": "nodejs",
    "openssl": "openssl",
    "tcmalloc": "libtcmalloc-minimal4",
}


def _peers() -> dict[str, str]:
    command = ["dpkg-query", "-W", "-f", "${Package} ${Version}\\n", *PEERS.values()]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    except OSError:
        return {}
    versions = dict(line.split(" ", 1) for line in done.stdout.splitlines() if " " in line)
    return {name: versions.get(package, "unknown") for name, package in PEERS.items()}


def describe(build_directory: pathlib.Path) -> dict:
    return {
        "cpu": _first_line_value("/proc/cpuinfo", "model name"),
        "cpus": len(os.sched_getaffinity(0)),
        "memory": _first_line_value("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "compiler": compiler(build_directory),
        "peers": _peers(),
        "load_average": os.getloadavg()[0],
    }
