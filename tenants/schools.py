"""A bureau's part in provisioning, which is the installation's act, and the list of what stands under it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from core.base.context import TenantContext
from core.base.errors import NotFound
from core.db.global_tables import Organisation
from core.db.house import House
from core.db.uow import UnitOfWork
from tenants import service


@dataclass(frozen=True, slots=True)
class FirstPerson:
    """Who begins in a new school: the role lets them invite all others."""

    name: str
    phone: str
    role: str


async def provision_school(
    uow: UnitOfWork,
    *,
    slug: str,
    name: str,
    level: str,
    pack: str | None,
    plugins: Collection[str],
    people: Collection[FirstPerson],
) -> TenantContext:
    """Create a school under the acting bureau, with the people who begin there.

    Nothing of the new school is visible to the bureau afterwards but its name: everything else comes as documents.
    Raises Invalid, SlugTaken (also when the same school exists already), NotFound outside a bureau.
    """
    if uow.ctx.kind != "bureau":
        raise NotFound()
    house = uow.house
    ctx = await service.provision(
        house,
        kind="school",
        slug=slug,
        name=name,
        parent=uow.ctx.tenant_id,
        level=level,
        pack=pack,
        plugins=[key for key in plugins if key in switchable(house, "school")],
        fresh=True,
    )
    accounts = await service.accounts_for(house, [(person.phone, person.name) for person in people])
    async with house.unit(ctx) as inside:
        for person in people:
            await service.join(inside, [accounts[person.phone]], person.role)
    await uow.audit("school.provision", "organisation", ctx.tenant_id, slug=slug, name=name, pack=pack)
    return ctx


async def schools_under(uow: UnitOfWork) -> list[Organisation]:
    """The schools under the acting bureau: names and public facts only."""
    return await service.organisations(uow.house, kind="school", parent=uow.ctx.tenant_id)


def switchable(house: House, kind: str) -> list[str]:
    """Keys of the loaded plugins that this kind of organisation may switch on."""
    return [r.key for r in house.plugins.loaded if r.plugin is not None and kind in r.plugin.manifest.kinds]
