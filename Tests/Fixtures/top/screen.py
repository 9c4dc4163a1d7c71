"""Runs a program on a pseudo-terminal: screen.py ROWS COLUMNS PROGRAM [ARGUMENT ...] < STEPS

Each line of STEPS is one of: "see TEXT" (wait until the program has shown TEXT since the last such step), "type TEXT",
"size ROWS COLUMNS", "signal NUMBER", "run COMMAND" (in a shell). What the program showed goes to standard output; its
exit code, as a shell tells it, and whether the terminal's settings are what they were, to standard error.
"""

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time

LIMIT = 60


def size(terminal, rows, columns):
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def main():
    steps = sys.stdin.read().splitlines()
    # The terminal's other end is kept open, so that its settings can be looked at when the program has ended.
    terminal, end = pty.openpty()
    size(terminal, int(sys.argv[1]), int(sys.argv[2]))
    before = termios.tcgetattr(end)
    process = os.fork()
    if process == 0:
        os.close(terminal)
        os.login_tty(end)
        os.execvp(sys.argv[3], sys.argv[3:])
    shown, seen = b"", 0

    def wait(is_over):
        nonlocal shown
        limit = time.monotonic() + LIMIT
        while not is_over():
            if time.monotonic() > limit:
                sys.exit(f"not within {LIMIT} s: {shown[seen:]!r}")
            if select.select([terminal], [], [], 0.05)[0]:
                shown += os.read(terminal, 65536)

    for step in steps:
        word, _, rest = step.partition(" ")
        if word == "see":
            wait(lambda: rest.encode() in shown[seen:])
            seen = shown.index(rest.encode(), seen) + len(rest.encode())
        elif word == "type":
            os.write(terminal, rest.encode())
        elif word == "size":
            size(terminal, *map(int, rest.split()))
        elif word == "signal":
            os.kill(process, int(rest))
        elif word == "run":
            subprocess.run(rest, shell=True, check=True)
        else:
            sys.exit(f"no step: {step}")
    status = []

    def has_ended():
        found, code = os.waitpid(process, os.WNOHANG)
        status.append(code)
        return found == process

    wait(has_ended)
    while select.select([terminal], [], [], 0)[0]:
        shown += os.read(terminal, 65536)
    code = os.waitstatus_to_exitcode(status[-1])
    sys.stdout.buffer.write(shown)
    print(code if code >= 0 else 128 - code, termios.tcgetattr(end) == before, file=sys.stderr)


main()
