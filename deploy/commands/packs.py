"""`kehou packs`: the rules of a place, each with the document it comes from."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import rich_click as click

from deploy.commands import common

if TYPE_CHECKING:
    from core.db.house import House
    from core.policy.ask import EffectivePack
    from core.policy.types import Explained

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
@click.argument("key", required=False)
@click.option("--school", metavar="SLUG", help="The pack that binds this organisation, published versions included.")
@click.option("--on", "day", type=click.DateTime(["%Y-%m-%d"]), help="On which day; today if not given.")
@click.option("--rule", help="Only rules whose key begins with this, such as fee.")
@click.option(
    "--defaults/--no-defaults", default=False, help="With what the platform assumes where documents are silent."
)
@common.data_option
@common.json_option
def explain(
    key: str | None,
    school: str | None,
    day: datetime | None,
    rule: str | None,
    defaults: bool,
    data: Path | None,
    as_json: bool,
) -> None:
    """Every rule that holds under pack KEY, or for a school: value, force, clause, pack, and what it overrode.

    Example: kehou packs explain --school shiyan --on 2027-02-01
    """
    from core.base import clock
    from core.base.errors import KehouError
    from core.policy.explain import explain as lines_of
    from core.policy.load import load_packs

    if (key is None) == (school is None):
        raise click.UsageError("name either a pack or --school")
    on: date = day.date() if day else clock.today()
    try:
        if school is None:
            pack = load_packs(PACKS).effective(str(key), on)
        else:
            pack = common.with_house(common.settings(data), lambda house: _of_school(house, school, on))
    except KehouError as refused:
        raise click.ClickException(str(refused)) from refused
    lines = [line for line in lines_of(pack, defaults=defaults) if line.key.startswith(rule or "")]
    if as_json:
        common.show([_told(pack, line) for line in lines])
    else:
        rows = [
            (line.key, str(line.when_shown) or "-", line.force, str(line.shown), _origin(line), _overrode(pack, line))
            for line in lines
        ]
        common.table([*rows, ("revision", pack.revision, *[""] * 4)])


async def _of_school(house: House, slug: str, on: date) -> EffectivePack:
    """What binds an organisation on a day, by the files and by what bureaus have published."""
    from core.db.resolve import worker_context
    from core.policy.service import for_pack
    from tenants.service import find_organisation

    ctx = await worker_context(house, (await find_organisation(house, slug)).id)
    return for_pack(house, ctx.pack, on)


def _origin(line: Explained) -> str:
    return f"{line.pack_key} {line.clause}".strip()


def _overrode(pack: EffectivePack, line: Explained) -> str:
    shown = [
        f"{entry.pack_key} {entry.clause}: {pack.catalogue[entry.key].kind.show(entry.value)}"
        for entry in line.overrode
    ]
    return "← " + "; ".join(shown) if shown else ""


def _told(pack: EffectivePack, line: Explained) -> dict[str, Any]:
    return {
        "key": line.key,
        "title": str(line.title),
        "value": str(line.shown),
        "when": str(line.when_shown),
        "force": line.force,
        "clause": str(line.clause),
        "quote": line.quote,
        "source": str(line.source),
        "pack": line.pack_key,
        "default": line.is_default,
        "overrode": [
            {
                "pack": entry.pack_key,
                "clause": entry.clause,
                "force": entry.force,
                "value": str(pack.catalogue[entry.key].kind.show(entry.value)),
            }
            for entry in line.overrode
        ],
        "revision": pack.revision,
    }


@packs.command()
def schema() -> None:
    """The JSON Schema of pack files, made from the types that read them: for editors and checks."""
    from core.base.text import in_locale
    from core.policy.load import json_schema

    with in_locale("zh_CN"):
        common.show(json_schema())
