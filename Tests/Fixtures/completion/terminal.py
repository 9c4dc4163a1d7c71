"""Types a text into a shell on a pseudo-terminal: terminal.py SHELL [ARGUMENT ...] < TEXT

What the shell shows, up to the first line that is DONE, goes to standard output. TEXT is typed when the shell has
answered a first command, so that it is read by the shell's own editor.
"""

import os
import pty
import select
import sys
import time

LIMIT = 60


def main():
    text = sys.stdin.buffer.read()
    process, terminal = pty.fork()
    if process == 0:
        os.execvp(sys.argv[1], sys.argv[1:])
    shown = b""

    def wait(mark):
        nonlocal shown
        end = time.monotonic() + LIMIT
        while mark not in shown:
            left = end - time.monotonic()
            if left < 0 or not select.select([terminal], [], [], left)[0]:
                sys.exit(f"no {mark} within {LIMIT} s: {shown!r}")
            shown += os.read(terminal, 65536)

    os.write(terminal, b"echo REA''DY\n")
    wait(b"READY")
    os.write(terminal, text)
    wait(b"DONE")
    sys.stdout.buffer.write(shown)
    os.kill(process, 9)


main()
