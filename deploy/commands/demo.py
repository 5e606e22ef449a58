"""`kehou demo`: a county on this machine, with nothing to install and nothing to configure."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

if TYPE_CHECKING:
    from deploy.demo.steps import Demo
    from deploy.supervisor import Supervisor


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".kehou/demo"),
    show_default=True,
    help="Folder for everything that it makes.",
)
@click.option("--port", default=8765, show_default=True, type=click.IntRange(1, 65535), help="Port of the web server.")
@click.option("--reset", is_flag=True, help="Throw away what is in the folder and start over.")
def demo(data: Path, port: int, reset: bool) -> None:
    """Try it: one bureau, three schools under different schemes, two vendors, about 3,000 pupils."""
    from deploy.demo.steps import run_demo

    began = time.monotonic()

    def say(line: str) -> None:
        print(line, flush=True)

    def until(supervisor: Supervisor, running: Demo) -> None:
        say("")
        say(f"  课后已就绪，用了 {time.monotonic() - began:.0f} 秒 / Kehou is ready:  {running.url}")
        say(f"  日志 / logs:  {running.root / 'logs' / 'all.log'}")
        say("  按 Ctrl-C 停止 / Ctrl-C stops it")
        supervisor.wait()
        say("\n正在停止 … / stopping")

    try:
        run_demo(data, port, reset=reset, say=say, until=until)
    except KeyboardInterrupt:
        say("\n已停止 / stopped")
        return
    say("已停止 / stopped")
