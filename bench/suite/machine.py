"""The machine a result was measured on."""

import os
import pathlib
import platform


def _first_line_value(path: str, key: str) -> str:
    try:
        with open(path) as lines:
            for line in lines:
                if line.startswith(key):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return "unknown"


def _compiler(build_directory: pathlib.Path) -> str:
    for path in sorted(build_directory.glob("CMakeFiles/*/CMakeCXXCompiler.cmake")):
        values = dict(
            line[4:-1].split(" ", 1)
            for line in path.read_text().splitlines()
            if line.startswith("set(CMAKE_CXX_COMPILER_") and line.endswith(")") and " " in line
        )
        name = values.get("CMAKE_CXX_COMPILER_ID", "").strip('"')
        return f"{name} {values.get('CMAKE_CXX_COMPILER_VERSION', '').strip(chr(34))}".strip()
    return "unknown"


def describe(build_directory: pathlib.Path) -> dict:
    return {
        "cpu": _first_line_value("/proc/cpuinfo", "model name"),
        "cpus": len(os.sched_getaffinity(0)),
        "memory": _first_line_value("/proc/meminfo", "MemTotal"),
        "kernel": platform.release(),
        "architecture": platform.machine(),
        "compiler": _compiler(build_directory),
        "load_average": os.getloadavg()[0],
    }
