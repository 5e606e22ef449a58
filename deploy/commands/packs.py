"""`kehou packs`: the rules of a place, each with the document it comes from."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path

import rich_click as click

from deploy.commands import common

PACKS = Path(__file__).resolve().parents[2] / "tenants" / "packs"


@click.group()
def packs() -> None:
    """Policy packs: which rules hold where, and why."""


@packs.command("list")
@common.json_option
def list_(as_json: bool) -> None:
    """The packs that come with this installation."""
    from core.policy.load import load_packs

    found = [
        {"key": pack.key, "level": pack.level, "parent": pack.parent, "title": str(pack.title)}
        for pack in load_packs(PACKS)
    ]
    if as_json:
        common.show(found)
    else:
        common.table([tuple(value or "-" for value in row.values()) for row in found])


@packs.command()
@click.argument("key")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="On which day; today if not given.")
@click.option("--rule", help="Only rules whose key begins with this, such as fee.")
@click.option(
    "--defaults/--no-defaults", default=False, help="With what the platform assumes where documents are silent."
)
@common.json_option
def explain(key: str, day: datetime | None, rule: str | None, defaults: bool, as_json: bool) -> None:
    """Every rule that holds under pack KEY: its value, its force, its clause."""
    from core.base import clock
    from core.policy.explain import explain as lines_of
    from core.policy.load import load_packs

    on: date = day.date() if day else clock.today()
    library = load_packs(PACKS)
    lines = lines_of(library.effective(key, on), defaults=defaults)
    lines = tuple(line for line in lines if line.key.startswith(rule or ""))
    if as_json:
        common.show(
            [
                {
                    "key": line.key,
                    "title": str(line.title),
                    "value": str(line.shown),
                    "force": line.force,
                    "clause": str(line.clause),
                    "pack": line.pack_key,
                    "default": line.is_default,
                }
                for line in lines
            ]
        )
    else:
        common.table([(line.key, line.force, str(line.shown), str(line.clause)) for line in lines])
