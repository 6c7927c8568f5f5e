"""Gets what a benchmark needs: Debian packages and an optimized build. Used by bench/run alone."""

import fcntl
import pathlib
import shutil
import subprocess
from typing import Callable

class Failure(Exception):
    """A benchmark cannot run, or did the work wrong. The text is one line for the user."""


def checked(command: list[str], what: str) -> None:
    """Runs a command silently; its output is shown only when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise Failure(
            f"{what} failed (exit {done.returncode}): {' '.join(command)}\n{done.stdout.rstrip()}"
        )


def ensure_commands(root: pathlib.Path, commands: list[str], log: Callable[[str], None]) -> None:
    """Installs the packages of benchmarks. A command that is missing afterwards is an error."""
    log("installing what is missing")
    checked([str(root / "tools" / "install-packages"), "bench"], "installing packages")
    missing = [command for command in commands if not shutil.which(command)]
    if missing:
        raise Failure(f"not installed: {' '.join(missing)}")


def release(root: pathlib.Path, targets: list[str], log: Callable[[str], None]) -> pathlib.Path:
    """Configures and builds the targets with the release preset; returns the build directory."""
    directory = root / "build" / "release"
    log(f"building {' '.join(targets)} in {directory}")
    directory.mkdir(parents=True, exist_ok=True)
    with open(root / "build" / ".lock", "w") as lock:  # ninja does not lock its directory
        fcntl.flock(lock, fcntl.LOCK_EX)
        configure = ["cmake", "-S", str(root), "-B", str(directory), "--preset", "release"]
        checked(configure, "configuring")
        checked(["cmake", "--build", str(directory), "--target", *targets], "building")
    return directory
