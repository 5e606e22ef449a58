"""Runs the stand-in until it is told to stop."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from pathlib import Path

from deploy.standins.stripe.server import Standin


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.standins.stripe", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="loopback port; 0 takes a free one")
    parser.add_argument("--webhook", help="where events are sent; without it they wait")
    parser.add_argument("--secret", default="whsec_standin", help="what events are signed with")
    parser.add_argument("--data", type=Path, help="file that keeps everything; without it a stop forgets it")
    parser.add_argument("--settle-after", type=float, default=2.0, help="seconds until a refund has arrived")
    given = parser.parse_args(argv)
    try:
        standin = Standin(
            port=given.port,
            webhook=given.webhook,
            secret=given.secret,
            data=given.data,
            settle_after=given.settle_after,
        )
    except OSError as error:
        print(f"127.0.0.1:{given.port}: {error.strerror}", file=sys.stderr)
        return 1
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    with standin:
        print(standin.base, flush=True)
        ended.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
