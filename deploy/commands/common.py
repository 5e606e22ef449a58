"""What the subcommands share: settings from the environment or from an installation's folder, logging, a house."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import rich_click as click

from deploy.process import DeployError

if TYPE_CHECKING:
    from core.base.settings import Settings
    from core.db.house import House

T = TypeVar("T")

ENVIRONMENT = "environment"
"""In an installation's folder: its settings as KEHOU_NAME=value lines, readable by its owner alone."""

data_option = click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of an installation made by `kehou demo`; its settings are used instead of the environment's.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")


def settings(data: Path | None = None) -> Settings:
    """The settings of this process. With `data`, those that its installation saved take the environment's place."""
    from core.base.settings import Settings

    if data is not None:
        for name in [name for name in os.environ if name.startswith("KEHOU_")]:
            del os.environ[name]
        os.environ.update(read_environment(data))
    return Settings.from_environment()


def read_environment(data: Path) -> dict[str, str]:
    """The saved settings of an installation. Raises DeployError when there are none."""
    path = data / ENVIRONMENT
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as exc:
        raise DeployError(
            f"{data} 里没有课后的安装：请先运行 kehou demo --data {data}。",
            f"There is no Kehou in {data}: run `kehou demo --data {data}` first.",
        ) from exc
    return dict(line.split("=", 1) for line in lines if "=" in line)


def write_environment(data: Path, values: dict[str, str]) -> None:
    """Save an installation's settings, whole or not at all, for its owner alone."""
    new = data / f".{ENVIRONMENT}.new"
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as out:
        out.writelines(f"{name}={value}\n" for name, value in sorted(values.items()))
    new.replace(data / ENVIRONMENT)


def start_logging(level: str) -> None:
    """Lines on standard error; whoever supervises us adds the time of day if it wants."""
    logging.basicConfig(
        level=level.upper(), stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s: %(message)s", force=True
    )
    for noisy in ("dramatiq", "httpx", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


@contextmanager
def starting() -> Iterator[None]:
    """Around imports and assembly: nearly all that they make stays for good, and a collector that walks it again and
    again takes a quarter of the start. Afterwards it collects as always, but leaves alone what was made here."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def house(given: Settings) -> House:
    """The assembled house. Built inside the event loop that will use its pool."""
    with starting():
        from deploy.app import build_house

        return build_house(given)


def with_house(given: Settings, work: Callable[[House], Awaitable[T]]) -> T:
    """Run `work` with a house of its own, in a fresh event loop."""

    async def run() -> T:
        built = house(given)
        try:
            return await work(built)
        finally:
            await built.db.close()

    return asyncio.run(run())


def owner_url(given: Settings) -> str:
    """The owner's address, which only migrations and provisioning need. Raises DeployError when it is not set."""
    if given.owner_url is None:
        raise DeployError(
            "缺少 KEHOU_OWNER_URL：迁移数据库要以 kehou_owner 的身份连接。",
            "KEHOU_OWNER_URL is missing: the database is migrated as kehou_owner.",
        )
    return given.owner_url.get_secret_value()


def in_every_language(say: Callable[[], str]) -> list[str]:
    """What `say` says in each language of the product, Chinese first; once where there is no other text for it."""
    from core.base.text import SUPPORTED, in_locale

    told = []
    for locale in SUPPORTED:
        with in_locale(locale):
            told.append(say())
    return list(dict.fromkeys(told))


def show(value: Any) -> None:
    """A value as JSON on standard output."""
    import json

    print(json.dumps(value, ensure_ascii=False, indent=1, default=str))


def table(rows: list[tuple[Any, ...]], *, dim: bool = False) -> None:
    """Rows in aligned columns; a Chinese character is two places wide."""
    from unicodedata import east_asian_width

    def width(text: str) -> int:
        return sum(2 if east_asian_width(c) in "WF" else 1 for c in text)

    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        padded = (cell + " " * (w - width(cell)) for cell, w in zip(row, widths, strict=True))
        print("  ".join(padded).rstrip())
