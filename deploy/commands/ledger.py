"""`kehou ledger`: the books, for programs that are not ours."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from deploy.commands import common

if TYPE_CHECKING:
    from core.db.house import House


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
        target = out.open("w", encoding="utf-8") if out else sys.stdout
        try:
            async with house.unit(ctx) as uow:
                async for piece in pieces(uow, fund, form):  # type: ignore[arg-type]
                    target.write(piece)
        finally:
            if out:
                target.close()

    common.with_house(common.settings(data), work)
