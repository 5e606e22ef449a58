"""`kehou tenants`: the organisations of an installation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import rich_click as click

from deploy.commands import common

if TYPE_CHECKING:
    from core.db.house import House


@click.group()
def tenants() -> None:
    """Schools, bureaus and vendors."""


@tenants.command("list")
@click.option("--kind", type=click.Choice(["school", "bureau", "vendor"]))
@common.json_option
@common.data_option
def list_(kind: str | None, as_json: bool, data: Path | None) -> None:
    """Every organisation with its scheme and state."""

    async def work(house: House) -> list[dict[str, object]]:
        from tenants.service import organisations

        rows = await organisations(house, kind=kind)  # type: ignore[arg-type]
        slugs = {row.id: row.slug for row in rows}
        return [
            {
                "slug": row.slug,
                "kind": row.kind,
                "name": row.name,
                "parent": slugs.get(row.parent_id) if row.parent_id else None,
                "pack": row.pack,
                "state": row.state,
            }
            for row in rows
        ]

    rows = common.with_house(common.settings(data), work)
    if as_json:
        common.show(rows)
    elif rows:
        common.table([tuple(value or "-" for value in row.values()) for row in rows])
    else:
        print("还没有组织 / there are none yet")


@tenants.command()
@click.argument("kind", type=click.Choice(["school", "bureau", "vendor"]))
@click.argument("slug")
@click.argument("name")
@click.option("--parent", help="Address name (slug) of the bureau above it.")
@click.option("--pack", help="Policy pack that binds it; see `kehou packs list`.")
@click.option(
    "--level",
    type=click.Choice(["primary", "junior", "nine_year", "city", "county"]),
    help="Of a school the first three, of a bureau the others.",
)
@click.option("--plugin", "plugins", multiple=True, help="Plugin to switch on; may be repeated.")
@click.option("--all-plugins", is_flag=True, help="Switch on every plugin that such an organisation may have.")
@click.option("--head", "head", metavar="PHONE:NAME", help="First person who may sign in, with every right of office.")
@common.data_option
def create(
    kind: str,
    slug: str,
    name: str,
    parent: str | None,
    pack: str | None,
    level: str | None,
    plugins: tuple[str, ...],
    all_plugins: bool,
    head: str | None,
    data: Path | None,
) -> None:
    """Set up an organisation: roles, ledger, plugins. Doing it again changes nothing.

    Example: kehou tenants create school shiyan 实验小学 --parent qinghe --pack anhui-ten-bans --all-plugins
    """

    async def work(house: House) -> str:
        from core.policy.library import PackLibrary
        from deploy.process import DeployError
        from tenants import service

        if house.load_packs is not None:
            await house.load_packs(house)
        if pack is not None and pack not in house.get(PackLibrary):
            known = "、".join(sorted(house.get(PackLibrary).keys()))
            raise DeployError(f"没有叫 {pack} 的政策包，有：{known}。", f"No policy pack is called {pack}: {known}.")
        wanted = plugins
        if all_plugins:
            loaded = [r for r in house.plugins.loaded if r.plugin and kind in r.plugin.manifest.kinds]
            wanted = tuple(report.key for report in loaded)
        above = await service.find_organisation(house, parent) if parent else None
        ctx = await service.provision(
            house,
            kind=kind,  # type: ignore[arg-type]
            slug=slug,
            name=name,
            parent=above.id if above else None,
            level=level,
            pack=pack,
            plugins=wanted,
        )
        if head:
            phone, _, person = head.partition(":")
            account = await service.account_for(house, phone, person or phone)
            roles = {
                "school": ("principal", "office", "finance"),
                "bureau": ("bureau_head", "bureau_officer"),
                "vendor": ("vendor_manager",),
            }
            async with house.unit(ctx) as uow:
                await service.join(uow, [account], *roles[kind])
        return f"/t/{ctx.slug}  {'、'.join(sorted(ctx.plugins))}"

    print(common.with_house(common.settings(data), work))
