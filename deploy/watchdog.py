"""Ends process groups when the process that started them is gone. Run by deploy.process, never by hand.

Reads lines from standard input: `+ PID SIGNAL` (watch this group), `- PID` (it has ended). End of input means
that the parent is dead or done. Standard library alone: it runs with -I -S to be there in 15 ms.
"""

import contextlib
import os
import signal
import sys
import time

GRACE = 10.0  # seconds between asking and killing


def born(pid: int) -> str:
    """When the process started, so that a number used again is not mistaken for it ('' without /proc)."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as stat:  # noqa: PTH123
            return stat.read().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""


def send(pgid: int, sig: int) -> bool:
    """False when nothing of the group is left."""
    try:
        os.killpg(pgid, sig)
    except ProcessLookupError:
        return False
    except PermissionError:  # not ours: the number was used again
        return False
    return True


def main() -> None:
    """Listen until the end of input, then end what is left, the newest first."""
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    groups: dict[int, tuple[int, str]] = {}
    for line in sys.stdin:
        with contextlib.suppress(ValueError, IndexError):
            words = line.split()
            if words[0] == "+":
                groups[int(words[1])] = (int(words[2]), born(int(words[1])))
            else:
                groups.pop(int(words[1]), None)
    left = [pid for pid, (_, when) in groups.items() if born(pid) in (when, "")]
    for pid in reversed(left):
        send(pid, groups[pid][0])
        send(pid, signal.SIGCONT)  # a stopped one would not see it
    deadline = time.monotonic() + GRACE
    while left and time.monotonic() < deadline:
        left = [pid for pid in left if send(pid, 0)]
        time.sleep(0.05)
    for pid in left:
        send(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
