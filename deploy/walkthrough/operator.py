"""What the operator of an installation does on its command line before anybody can sign in."""

from __future__ import annotations

from dataclasses import dataclass

from core.db.house import House
from core.policy.library import PackLibrary
from tenants import service as tenants

PACKS = ("anhui-ten-bans", "second-experimental-primary")


@dataclass(frozen=True, slots=True)
class Made:
    """The organisations of one run by their address names; the school is set up by the bureau."""

    bureau: str
    school: str
    vendor: str
    packs: tuple[str, ...]


async def provision(house: House, tag: str, phones: dict[str, str]) -> Made:
    """A bureau and a vendor, each with the first people who may sign in (`phones` by role)."""
    packs = tuple(key for key in PACKS if key in house.get(PackLibrary))
    bureau = await tenants.provision(
        house, kind="bureau", slug=f"wt{tag}-bureau", name=f"演练县教育局 {tag}", level="county", pack=PACKS[0],
        plugins=_for(house, "bureau"),
    )  # fmt: skip
    vendor = await tenants.provision(
        house, kind="vendor", slug=f"wt{tag}-vendor", name=f"演练艺体中心 {tag}", plugins=_for(house, "vendor")
    )
    for ctx, roles in (
        (bureau, {"bureau_officer": "方经办", "bureau_head": "严局长"}),
        (vendor, {"vendor_manager": "沈经理", "coach": "何教练"}),
    ):
        accounts = await tenants.accounts_for(house, [(phones[role], name) for role, name in roles.items()])
        async with house.unit(ctx) as uow:
            for role in roles:
                await tenants.join(uow, [accounts[phones[role]]], role)
    return Made(bureau.slug, f"wt{tag}-school", vendor.slug, packs)


async def leave(house: House, made: Made) -> None:
    """Close what a run has made: its bureau must not stay in the lists of real vendors and schools."""
    for slug in (made.bureau, made.school, made.vendor):
        await tenants.suspend(house, slug)


def _for(house: House, kind: str) -> list[str]:
    loaded = {report.key: report.plugin for report in house.plugins.loaded}
    return [key for key, plugin in loaded.items() if plugin is not None and kind in plugin.manifest.kinds]
