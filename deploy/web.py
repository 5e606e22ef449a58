"""The web process: what uvicorn loads, and under which conditions it may run at all."""

from __future__ import annotations

import gc
import ipaddress

from litestar import Litestar

from core.base.settings import Settings
from deploy.process import DeployError

GARBAGE_EVERY = 10_000
"""Objects made between two looks at the young ones; Python's 700 is for programs that are short of memory."""

DEMO_MARK = "demo"
"""Row of installation_mark that only the demonstration's seed writes."""


def application() -> Litestar:
    """The application with the settings of the environment; uvicorn calls it in each of its processes."""
    from deploy.commands.common import start_logging, starting

    settings = Settings.from_environment()
    start_logging(settings.log_level)
    # What the start has built stays for good. Left to the collector, it would walk a million objects again and again
    # among the requests of a rush.
    with starting():
        from deploy.app import create_app

        app = create_app(settings)
        gc.collect()
    gc.set_threshold(GARBAGE_EVERY)
    return app


def refuse_false_demo(settings: Settings, host: str) -> None:
    """Demo mode (anybody enters as anybody) only on this machine, and only on a database that the demo itself made.

    Raises DeployError. With KEHOU_DEMO not set there is nothing to check.
    """
    if settings.demo is None:
        return
    if not is_loopback(host):
        raise DeployError(
            f"演示模式只能在本机使用，不能监听 {host}：请去掉 KEHOU_DEMO，或监听 127.0.0.1。",
            f"Demo mode is for this machine alone and may not listen on {host}: unset KEHOU_DEMO, or use 127.0.0.1.",
        )
    if demo_marker(settings) != settings.demo:
        raise DeployError(
            "KEHOU_DEMO 与数据库不符：这个数据库不是演示程序建立的。请去掉 KEHOU_DEMO。",
            "KEHOU_DEMO does not match the database, which the demonstration did not make: unset KEHOU_DEMO.",
        )


def demo_marker(settings: Settings) -> str | None:
    """The marker that the demonstration's seed left in this database, if it did."""
    import psycopg

    with psycopg.connect(settings.database_url.get_secret_value(), connect_timeout=10) as db:
        row = db.execute("select value from installation_mark where key = %s", (DEMO_MARK,)).fetchone()
    return None if row is None else str(row[0])


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
