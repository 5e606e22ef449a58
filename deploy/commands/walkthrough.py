"""`kehou walkthrough`: the whole story, over HTTP, checked."""

from __future__ import annotations

import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import rich_click as click

from deploy.commands import common
from deploy.process import DeployError

if TYPE_CHECKING:
    from core.base.settings import Settings
    from deploy.walkthrough.play import Result


@click.command()
@click.option("--url", help="A running installation, such as http://127.0.0.1:8765.")
@click.option("--fresh", is_flag=True, help="Start an instance of its own on a free port, and stop it afterwards.")
@click.option("--keep-going", is_flag=True, help="Play on after a step that failed.")
@common.json_option
@common.data_option
def walkthrough(url: str | None, fresh: bool, keep_going: bool, as_json: bool, data: Path | None) -> None:
    """Play the whole story of a term as its people would, and check at every step what the next of them sees.

    It makes organisations of its own, suspended when it ends, so that it can be played again and harms nobody. Exit
    code 1 at the first thing that is not as it should be. For --url the installation must be on this machine: the
    operator's part is played with its settings (those of `kehou demo` are found by themselves; else --data, or
    KEHOU_… in the environment).
    """
    if fresh == (url is not None):
        raise click.UsageError("either --url or --fresh")
    logging.disable(logging.WARNING)  # one line a step is the report
    with _instance(url, data, quiet=as_json) as (address, settings):
        results = _play(address, settings, quiet=as_json, keep_going=keep_going, leave=url is not None)
    if as_json:
        common.show([result.as_dict() for result in results])
    else:
        good = sum(result.ok for result in results)
        stopped = "" if _well(results) else "；有一步不对 / one was not"
        print(f"\n{good} 步正常 / {good} steps as they should be{stopped}")
    sys.exit(0 if _well(results) else 1)


def _well(results: list[Result]) -> bool:
    from deploy.walkthrough.story import STORY

    return len(results) == len(STORY) and all(result.ok for result in results)


def _play(url: str, settings: Settings, *, quiet: bool, keep_going: bool, leave: bool) -> list[Result]:
    """Play the story; with `leave`, in an installation that goes on, what was made is suspended at the end."""
    from deploy.walkthrough.play import Play, run
    from deploy.walkthrough.story import STORY

    def tell(result: Result) -> None:
        if not quiet:
            sign = "✓" if result.ok else "✗"
            print(f"{sign} {result.step}  ({result.seconds:.1f} s)  {result.detail}", flush=True)

    play = Play(url.rstrip("/"), settings)
    try:
        return run(play, STORY, tell, keep_going=keep_going)
    finally:
        play.close()
        if leave and "made" in play.known:
            from deploy.walkthrough import operator

            common.with_house(settings, lambda house: operator.leave(house, play["made"]))


@contextmanager
def _instance(url: str | None, data: Path | None, *, quiet: bool) -> Iterator[tuple[str, Settings]]:
    if url is not None:
        from deploy.walkthrough.pointer import find_pointer

        port = urlsplit(url).port or 80
        folder = data or find_pointer(port)
        if folder is None and "KEHOU_DATABASE_URL" not in os.environ:
            raise DeployError(
                f"找不到 {url} 的设置：请加上 --data，指向它的文件夹。",
                f"The settings of {url} were not found: name its folder with --data.",
            )
        yield url, common.settings(folder)
        return
    with tempfile.TemporaryDirectory(prefix="kehou-walkthrough-") as made:
        yield from _fresh(data or Path(made) / "home", quiet=quiet)


def _fresh(folder: Path, *, quiet: bool) -> Iterator[tuple[str, Settings]]:
    """An empty instance under a supervisor of ours; what it prints goes to standard error."""
    from deploy.demo.steps import Demo
    from deploy.embedded import Home
    from deploy.embedded.folders import free_port
    from deploy.supervisor import Supervisor

    def say(line: str) -> None:
        if not quiet:
            print(line, file=sys.stderr, flush=True)

    home = Home(folder)
    home.open()
    demo = Demo(home.root, free_port(), say=say, bare=True)
    try:
        with Supervisor(home.logs, report=say) as supervisor:
            demo.run(supervisor, home)
            yield demo.url, common.settings(home.root)
    finally:
        demo.close()
        home.close()
