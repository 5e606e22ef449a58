"""Organisations: provisioned whole, joined by members, plugins switched for them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from core.base.context import OrganisationKind, TenantContext
from core.base.errors import Conflict, FieldError, Invalid, NotFound
from core.base.ids import new_id
from core.base.text import lazy_gettext as _l
from core.db.global_tables import Account, Membership, Organisation
from core.db.house import House
from core.db.kernel_tables import PluginSwitch, Role, RoleMember
from core.db.resolve import worker_context
from core.db.uow import UnitOfWork
from core.host.contribution import Permission
from core.ledger import service as ledger
from tenants.roles import FACES, STANDARD_ROLES

_SLUG = re.compile(r"[a-z][a-z0-9-]{1,38}[a-z0-9]")

NAME = (2, 60)
"""The least and the most characters of an organisation's name."""

_ALL_FACES = "(select jsonb_agg(distinct f) from jsonb_array_elements(membership.faces || excluded.faces) f)"

_MORE_PERMISSIONS = """
update role set permissions = permissions || (
  select jsonb_agg(w) from jsonb_array_elements(cast(:wanted as jsonb) -> key) w where not permissions @> w
) where tenant_id = :t and not permissions @> (cast(:wanted as jsonb) -> key)"""
"""`wanted`: role key → permissions. A role that is not named compares with NULL and stays as it is."""


class SlugTaken(Conflict):
    code = "organisation_slug_taken"
    text = _l("这个网址名已被使用：%(slug)s")


class UnknownOrganisation(NotFound):
    """For those who run the installation and may know which organisations there are."""

    code = "organisation_unknown"
    text = _l("没有网址名是 %(slug)s 的单位，kehou tenants list 列出全部")


class PluginNeeded(Conflict):
    """Another plugin that is on needs this one, or this one needs one that is off."""

    code = "plugin_needed"
    text = _l("不能切换：需要先处理「%(plugins)s」")


class UnknownPlugin(NotFound):
    code = "plugin_unknown"


async def provision(
    house: House,
    *,
    kind: OrganisationKind,
    slug: str,
    name: str,
    parent: UUID | None = None,
    level: str | None = None,
    territory: str | None = None,
    pack: str | None = None,
    plugins: Collection[str] = (),
    facts: dict[str, Any] | None = None,
    fresh: bool = False,
) -> TenantContext:
    """Create an organisation with its standard roles, its ledger and the plugins named; repeating it changes nothing.

    With `fresh` an organisation that is there already is refused even when it looks the same: whoever asks may not
    reach into it. Returns a worker's context in it. Raises Invalid (bad slug or name), SlugTaken (another has it).
    """
    wrong = []
    if not _SLUG.fullmatch(slug):
        wrong.append(FieldError("slug", _l("请用 3–40 个小写字母、数字或连字符，字母开头"), "slug"))
    if not NAME[0] <= len(name.strip()) <= NAME[1]:
        wrong.append(
            FieldError("name", _l("名称应有 %(least)s–%(most)s 个字") % {"least": NAME[0], "most": NAME[1]}, "name")
        )
    if wrong:
        raise Invalid(fields=wrong)
    values = {
        "id": new_id(),
        "kind": kind,
        "slug": slug,
        "name": name,
        "parent_id": parent,
        "level": level,
        "territory": territory,
        "pack": pack,
        "facts": facts or {},
    }
    async with house.db.globally() as session:
        made = insert(Organisation).values(**values).on_conflict_do_nothing().returning(Organisation.id)
        id_ = (await session.execute(made)).scalar_one_or_none()
        if id_ is None:
            known = (await session.execute(select(Organisation).where(Organisation.slug == slug))).scalar_one()
            if fresh or (known.kind, known.name) != (kind, name):
                text = SlugTaken.text % {"slug": slug}
                raise SlugTaken(fields=[FieldError("slug", text, "taken")], slug=slug)
            id_ = known.id
    ctx = await worker_context(house, id_)
    async with house.unit(ctx) as uow:
        await lay_roles(uow)
        await ledger.open_standard(uow)
        for key in house.plugins.order:
            if key in plugins:
                await switch_plugin(uow, key, on=True)
        await uow.audit("organisation.provision", "organisation", id_, kind=kind, slug=slug)
    return await worker_context(house, id_)


async def lay_roles(uow: UnitOfWork) -> None:
    """Write the standard roles of this kind of organisation with the permissions that features registered for them."""
    grants = uow.house.registry.role_grants()
    rows = [
        {
            "tenant_id": uow.ctx.tenant_id,
            "id": new_id(),
            "key": key,
            "name": str(title),
            "permissions": sorted(grants.get(key, ())),
            "standard": True,
        }
        for key, title in STANDARD_ROLES[uow.ctx.kind].items()
    ]
    insertion = insert(Role).values(rows)
    await uow.session.execute(
        insertion.on_conflict_do_update(
            index_elements=["tenant_id", "key"], set_={"permissions": insertion.excluded.permissions}
        )
    )


async def _lay_permissions(uow: UnitOfWork, permissions: Iterable[Permission]) -> None:
    """Give the standard roles what a plugin registered for them, for one installed after this organisation was made."""
    wanted: dict[str, list[str]] = {}
    for permission in permissions:
        for role in permission.roles:
            wanted.setdefault(role, []).append(permission.key)
    if wanted:
        await uow.session.execute(text(_MORE_PERMISSIONS), {"t": uow.ctx.tenant_id, "wanted": json.dumps(wanted)})


async def relay_roles(house: House) -> int:
    """Lay the standard roles anew everywhere, after an upgrade that registered new permissions; how many places."""
    places = await organisations(house)
    for organisation in places:
        async with house.unit(await worker_context(house, organisation.id)) as uow:
            await lay_roles(uow)
    return len(places)


async def find_organisation(house: House, slug: str) -> Organisation:
    """The organisation called `slug`. Raises UnknownOrganisation."""
    async with house.db.globally() as session:
        row = (await session.execute(select(Organisation).where(Organisation.slug == slug))).scalar_one_or_none()
    if row is None:
        raise UnknownOrganisation(slug=slug)
    return row


async def organisations(
    house: House, *, kind: OrganisationKind | None = None, parent: UUID | None = None
) -> list[Organisation]:
    """Organisations by name, optionally of one kind or directly under one overseer."""
    query = select(Organisation).order_by(Organisation.kind, Organisation.slug)
    if kind:
        query = query.where(Organisation.kind == kind)
    if parent:
        query = query.where(Organisation.parent_id == parent)
    async with house.db.globally() as session:
        return list((await session.execute(query)).scalars().all())


async def account_for(house: House, phone: str, name: str) -> UUID:
    """The account with this phone, made if there is none; an existing one keeps its name."""
    return (await accounts_for(house, [(phone, name)]))[phone]


async def accounts_for(house: House, people: Iterable[tuple[str, str]]) -> dict[str, UUID]:
    """Accounts by phone for many (phone, name) pairs; missing ones are made."""
    wanted = dict(people)
    if not wanted:
        return {}
    async with house.db.globally() as session:
        phones = {"phones": list(wanted)}
        query = text("select phone, id from account where phone = any(:phones)")
        known = {row[0]: row[1] for row in (await session.execute(query, phones)).all()}
        # Sorted, so that two imports that name the same new people wait for one another instead of dying together.
        missing = sorted(wanted.keys() - known.keys())
        if missing:
            rows = [{"id": new_id(), "phone": phone, "name": wanted[phone]} for phone in missing]
            await session.execute(insert(Account).on_conflict_do_nothing(index_elements=["phone"]), rows)
            known = {row[0]: row[1] for row in (await session.execute(query, phones)).all()}
        return known


async def join(uow: UnitOfWork, account_ids: Sequence[UUID], *roles: str) -> None:
    """Make accounts members of the organisation with these roles. Raises NotFound for a role it does not have."""
    if not account_ids:
        return
    known = set((await uow.session.execute(select(Role.key))).scalars().all())
    if missing := [role for role in roles if role not in known]:
        raise NotFound(role=missing[0])
    faces = sorted({FACES[role] for role in roles}, key=list(dict.fromkeys(FACES.values())).index)
    rows = [
        {"tenant_id": uow.ctx.tenant_id, "id": new_id(), "account_id": account, "role_key": role}
        for account in account_ids
        for role in roles
    ]
    await uow.session.execute(insert(RoleMember).on_conflict_do_nothing(), rows)
    memberships = [
        {"account_id": account, "organisation_id": uow.ctx.tenant_id, "faces": faces} for account in account_ids
    ]
    insertion = insert(Membership)
    # A member by several roles wears the faces of all of them.
    await uow.session.execute(
        insertion.on_conflict_do_update(
            index_elements=["account_id", "organisation_id"],
            set_={"faces": text(_ALL_FACES), "ended_at": None},
        ),
        memberships,
    )


async def switch_plugin(uow: UnitOfWork, key: str, *, on: bool, settings: dict[str, Any] | None = None) -> None:
    """Switch a loaded plugin on or off for this organisation; its data stays. Raises UnknownPlugin, PluginNeeded."""
    report = uow.house.plugins.report(key)
    if report is None or report.status != "loaded" or report.plugin is None:
        raise UnknownPlugin()
    manifest = report.plugin.manifest
    if uow.ctx.kind not in manifest.kinds:
        raise UnknownPlugin()
    enabled = await enabled_plugins(uow)
    if on and (lacking := set(manifest.requires) - enabled):
        raise PluginNeeded(plugins="、".join(sorted(lacking)))
    if not on and (needing := [k for k in enabled if k != key and key in _requires(uow, k)]):
        raise PluginNeeded(plugins="、".join(sorted(needing)))
    values: dict[str, Any] = {"enabled": on, "changed_at": func.now(), "changed_by": uow.ctx.actor.name}
    if settings is not None:
        checked = manifest.settings.model_validate(settings).model_dump(mode="json") if manifest.settings else {}
        values["settings"] = checked
    row = {"tenant_id": uow.ctx.tenant_id, "id": new_id(), "plugin": key, **values}
    await uow.session.execute(
        insert(PluginSwitch).values(**row).on_conflict_do_update(index_elements=["tenant_id", "plugin"], set_=values)
    )
    if on and report.contribution and report.contribution.accounts:
        await ledger.open_accounts(uow, report.contribution.accounts)
    if on and report.contribution and report.contribution.permissions:
        await _lay_permissions(uow, report.contribution.permissions)
    await uow.audit("plugin.on" if on else "plugin.off", "plugin", None, plugin=key)


async def save_settings(uow: UnitOfWork, key: str, settings: dict[str, Any]) -> None:
    """Keep a plugin's settings without touching its switch. Raises UnknownPlugin, pydantic's ValidationError."""
    report = uow.house.plugins.report(key)
    if report is None or report.plugin is None or report.plugin.manifest.settings is None:
        raise UnknownPlugin()
    checked = report.plugin.manifest.settings.model_validate(settings).model_dump(mode="json")
    changed: dict[str, Any] = {"settings": checked, "changed_at": func.now(), "changed_by": uow.ctx.actor.name}
    row = {"tenant_id": uow.ctx.tenant_id, "id": new_id(), "plugin": key, "enabled": False, **changed}
    await uow.session.execute(
        insert(PluginSwitch).values(**row).on_conflict_do_update(index_elements=["tenant_id", "plugin"], set_=changed)
    )
    await uow.audit("plugin.settings", "plugin", None, plugin=key)


async def enabled_plugins(uow: UnitOfWork) -> set[str]:
    """Keys of the plugins switched on here, read now."""
    query = select(PluginSwitch.plugin).where(PluginSwitch.enabled)
    return set((await uow.session.execute(query)).scalars().all())


def _requires(uow: UnitOfWork, key: str) -> tuple[str, ...]:
    report = uow.house.plugins.report(key)
    return report.plugin.manifest.requires if report and report.plugin else ()


async def suspend(house: House, slug: str, *, state: str = "suspended") -> None:
    """Close an organisation's doors (suspended) or open them again (active); nothing is deleted."""
    async with house.db.globally() as session:
        await session.execute(update(Organisation).where(Organisation.slug == slug).values(state=state))
