"""`kehou ledger`: the books, for programs that are not ours."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import rich_click as click

from deploy.commands import common

if TYPE_CHECKING:
    from core.db.house import House


@contextmanager
def _target(out: Path | None) -> Iterator[TextIO]:
    """Standard output, or `out`, which is written whole or not at all: a refusal leaves an earlier file as it was."""
    if out is None:
        yield sys.stdout
        return
    new = out.with_name(f".{out.name}.new")
    try:
        with new.open("w", encoding="utf-8") as target:
            yield target
        new.replace(out)
    finally:
        new.unlink(missing_ok=True)


@click.group()
def ledger() -> None:
    """Take a school's books out."""


@ledger.command()
@click.option("--school", required=True, help="Address name (slug) of the organisation.")
@click.option("--fund", default="service", show_default=True, help="Fund to export (one file a fund).")
@click.option("--format", "form", type=click.Choice(["beancount", "chain"]), default="beancount", show_default=True)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write, not standard output.")
@common.data_option
def export(school: str, fund: str, form: str, out: Path | None, data: Path | None) -> None:
    """Export one fund for `bean-check`, or the chain of all journals to compare with a published hash."""

    async def work(house: House) -> None:
        from core.db.resolve import worker_context
        from core.ledger.export import export as pieces
        from tenants.service import find_organisation

        ctx = await worker_context(house, (await find_organisation(house, school)).id)
        async with house.unit(ctx) as uow:
            with _target(out) as target:
                async for piece in pieces(uow, fund, form):  # type: ignore[arg-type]
                    target.write(piece)

    common.with_house(common.settings(data), work)
