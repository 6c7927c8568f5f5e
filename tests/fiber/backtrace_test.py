"""backtrace_test.py PROGRAM: gdb's backtrace in a fiber is complete, and ends with the fiber."""

import re
import shutil
import subprocess
import sys


def main() -> int:
    if shutil.which("gdb") is None:
        print("gdb is not installed: tools/install-packages check")
        return 1
    command = ["gdb", "-nx", "-batch"]
    for order in ("set debuginfod enabled off", "break stop_here", "run", "backtrace", "continue"):
        command += ["-ex", order]
    command.append(sys.argv[1])
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    frames = re.findall(r"^#\d+ .*", done.stdout, re.M)
    expected = ["stop_here ", "::inner ", "::outer ", "FiberCore::entry", "weft_context_entry"]
    places = [next((i for i, frame in enumerate(frames) if e in frame), -1) for e in expected]
    whole = -1 not in places and places == sorted(places) and places[-1] == len(frames) - 1
    if whole and "exited normally" in done.stdout and "corrupt" not in done.stdout:
        return 0
    print(f"expected {expected} in this order, the last one last, and an end of the program:")
    print(done.stdout)
    return 1


if __name__ == "__main__":
    sys.exit(main())
