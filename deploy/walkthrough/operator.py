"""What the operator of an installation does on its command line before anybody can sign in."""

from __future__ import annotations

from dataclasses import dataclass

from core.base import clock
from core.db.house import House
from core.policy.library import PackLibrary
from deploy.demo.county import term_of
from tenants import service as tenants

PACKS = ("anhui-ten-bans", "second-experimental-primary")
PLUGINS = ("fees", "clubs", "vendors", "meals", "insurance", "payments_stripe")


@dataclass(frozen=True, slots=True)
class Made:
    """The organisations of one run, and which plugins the school has on."""

    bureau: str
    school: str
    vendor: str
    packs: tuple[str, ...]
    plugins: tuple[str, ...]
    term: str


async def provision(house: House, tag: str, phones: dict[str, str]) -> Made:
    """A bureau, a school under it and a vendor, each with the first person who may sign in (`phones` by role)."""
    packs = tuple(key for key in PACKS if key in house.get(PackLibrary))
    bureau = await tenants.provision(
        house, kind="bureau", slug=f"wt{tag}-bureau", name=f"演练县教育局 {tag}", level="county", pack=PACKS[0],
        plugins=_for(house, "bureau"),
    )  # fmt: skip
    school = await tenants.provision(
        house, kind="school", slug=f"wt{tag}-school", name=f"演练小学 {tag}", parent=bureau.tenant_id,
        level="primary", pack=PACKS[0], plugins=_for(house, "school"),
        facts={"phone": "0550-1230000", "address": "演练县学府路 1 号"},
    )  # fmt: skip
    vendor = await tenants.provision(
        house, kind="vendor", slug=f"wt{tag}-vendor", name=f"演练艺体中心 {tag}", plugins=_for(house, "vendor")
    )
    for ctx, roles in (
        (bureau, {"bureau_officer": "方经办", "bureau_head": "严局长"}),
        (school, {"office": "安主任"}),
        (vendor, {"vendor_manager": "沈经理", "coach": "何教练"}),
    ):
        accounts = await tenants.accounts_for(house, [(phones[role], name) for role, name in roles.items()])
        async with house.unit(ctx) as uow:
            for role in roles:
                # The office's first person may give roles: the roster brings principal and finance.
                extra = ("principal",) if role == "office" else ()
                await tenants.join(uow, [accounts[phones[role]]], role, *extra)
    term = term_of(clock.today())
    return Made(bureau.slug, school.slug, vendor.slug, packs, tuple(sorted(school.plugins)), term.code)


def _for(house: House, kind: str) -> list[str]:
    loaded = {report.key: report.plugin for report in house.plugins.loaded}
    return [key for key in PLUGINS if (plugin := loaded.get(key)) and kind in plugin.manifest.kinds]
