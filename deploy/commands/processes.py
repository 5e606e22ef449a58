"""`kehou serve`, `worker`, `relay`, `scheduler`: the four processes of an installation, each stateless."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import rich_click as click

from deploy.commands import common
from deploy.process import DeployError


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8765, show_default=True, type=click.IntRange(1, 65535))
@click.option("--workers", default=1, show_default=True, type=click.IntRange(1, 64), help="Web processes.")
@click.option("--behind-proxy", is_flag=True, help="Believe X-Forwarded-For and -Proto of a proxy on this machine.")
@common.data_option
def serve(host: str, port: int, workers: int, behind_proxy: bool, data: Path | None) -> None:
    """Run the web server."""
    settings = common.settings(data)
    from deploy.embedded.folders import port_free
    from deploy.embedded.sentences import port_taken
    from deploy.web import is_loopback, refuse_false_demo

    refuse_false_demo(settings, host)
    if is_loopback(host) and not port_free(port, "127.0.0.1" if host == "localhost" else host):
        raise port_taken(port)
    common.start_logging(settings.log_level)
    import uvicorn

    uvicorn.run(
        "deploy.web:application",
        factory=True,
        host=host,
        port=port,
        workers=workers,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=behind_proxy,
        timeout_graceful_shutdown=8,
        backlog=4096,
    )


@click.command()
@click.option("--threads", default=8, show_default=True, type=click.IntRange(1, 64), help="Jobs at once in a process.")
@click.option("--processes", default=1, show_default=True, type=click.IntRange(1, 64))
@common.data_option
def worker(threads: int, processes: int, data: Path | None) -> None:
    """Run a job worker. With KEHOU_REDIS_URL=memory:// it also does the relay's work."""
    settings = common.settings(data)
    common.start_logging(settings.log_level)
    from workers.several import run_several, stop_on_signals

    stop = stop_on_signals()
    if processes > 1:
        sys.exit(run_several(["-m", "deploy.cli", "worker", "--threads", str(threads)], processes, stop))
    from workers.processes import run_worker

    run_worker(settings, lambda: common.house(settings), threads=threads, stop=stop)


@click.command()
@common.data_option
def relay(data: Path | None) -> None:
    """Run the outbox relay: it carries committed messages to the queue."""
    settings = common.settings(data)
    common.start_logging(settings.log_level)
    from workers import relay as relays
    from workers.broker import MEMORY, make_broker
    from workers.several import stop_on_signals

    if settings.relay_url is None:
        raise DeployError(
            "缺少 KEHOU_RELAY_URL：转发进程要以 kehou_relay 的身份连接。",
            "KEHOU_RELAY_URL is missing: the relay connects as kehou_relay.",
        )
    if settings.redis_url.startswith(MEMORY):
        raise DeployError(
            "KEHOU_REDIS_URL=memory:// 时，转发在 kehou worker 里进行，不需要单独的转发进程。",
            "With KEHOU_REDIS_URL=memory:// `kehou worker` relays by itself; a relay of its own is not needed.",
        )
    relays.run(settings.relay_url.get_secret_value(), make_broker(settings.redis_url), stop_on_signals())


@click.command()
@common.data_option
def scheduler(data: Path | None) -> None:
    """Run the scheduler; of several, one at a time does the work."""
    settings = common.settings(data)
    common.start_logging(settings.log_level)
    from workers.scheduler import run

    async def go() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for sig in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sig, stop.set)
        await run(common.house(settings), stop)

    asyncio.run(go())
