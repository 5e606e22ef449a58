"""Who belongs to an organisation besides its families, and with which roles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text, update

from core.base.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from core.base.text import lazy_gettext as _l
from core.db.global_tables import Membership
from core.db.kernel_tables import Role
from core.db.uow import UnitOfWork
from tenants import service
from tenants.roles import FACES, TEACHING

FAMILY = "guardian"
"""This role comes with a child in the roster and goes with it; it is not given by hand."""


KEEPER = "roles.assign"
ANY = "roles.assign_any"
"""May give every role. Whoever may only assign roles gives and takes those that teach, none with power over others."""


class LastKeeper(Conflict):
    code = "last_role_keeper"
    text = _l("至少要留一位能分配全部角色的负责人，否则谁也改不了角色")


class OwnRoles(Conflict):
    """Whoever could raise themselves would need no second person for anything."""

    code = "own_roles"
    text = _l("不能修改自己的角色，请另一位负责人来改")


class RoleAbove(Forbidden):
    """A role with power over money or people is given by the head alone."""

    code = "role_above"
    text = _l("「%(role)s」只能由负责人分配或收回")


@dataclass(frozen=True, slots=True)
class Member:
    """An account with its roles here."""

    account_id: UUID
    name: str
    phone: str
    roles: tuple[str, ...]


_MEMBERS = """
select a.id, a.name, a.phone, array_agg(m.role_key order by m.role_key) as roles
from role_member m join account a on a.id = m.account_id
where m.tenant_id = :t and (cast(:words as text) = '' or a.name like '%' || :words || '%' or a.phone like '%' || :words)
group by a.id, a.name, a.phone
having bool_or(m.role_key <> :family) and (cast(:only as uuid) is null or a.id = :only)
"""


async def members(uow: UnitOfWork, *, words: str = "", offset: int = 0, limit: int = 50) -> tuple[list[Member], int]:
    """A page of the members who hold more than the family's role, and how many there are."""
    facts = {"t": uow.ctx.tenant_id, "words": _literal(words.strip()), "family": FAMILY, "only": None}
    count = await uow.session.execute(text(f"select count(*) from ({_MEMBERS}) found"), facts)  # noqa: S608
    page = text(f"{_MEMBERS} order by a.name, a.id offset :offset limit :limit")
    rows = await uow.session.execute(page, {**facts, "offset": offset, "limit": limit})
    return [Member(r[0], r[1], r[2], tuple(r[3])) for r in rows.all()], count.scalar_one()


async def member(uow: UnitOfWork, account_id: UUID) -> Member:
    """One member. Raises NotFound, also for somebody who is only a guardian."""
    facts = {"t": uow.ctx.tenant_id, "words": "", "family": FAMILY, "only": account_id}
    row = (await uow.session.execute(text(_MEMBERS), facts)).first()
    if row is None:
        raise NotFound()
    return Member(row[0], row[1], row[2], tuple(row[3]))


async def roles(uow: UnitOfWork) -> list[Role]:
    """The roles that may be given by hand, in the order of the standard ones."""
    order = list(FACES)
    rows = (await uow.session.execute(select(Role).where(Role.key != FAMILY))).scalars().all()
    return sorted(rows, key=lambda role: (order.index(role.key) if role.key in order else len(order), role.key))


async def add(uow: UnitOfWork, phone: str, name: str, keys: Sequence[str]) -> UUID:
    """Make somebody a member with roles. Raises Invalid (no role, or one that cannot be given), RoleAbove, OwnRoles."""
    await _known(uow, keys)
    account = await service.account_for(uow.house, phone, name)
    await _may_give(uow, account, set(keys))
    await service.join(uow, [account], *keys)
    await uow.audit("role.give", "account", account, roles=sorted(keys), name=name)
    return account


async def set_roles(uow: UnitOfWork, account_id: UUID, keys: Sequence[str]) -> None:
    """Give exactly these roles (a guardian stays one); with none left the membership ends.

    Raises NotFound, Invalid, LastKeeper, RoleAbove, OwnRoles.
    """
    await uow.hold("roles")
    before = await member(uow, account_id)
    await _known(uow, keys, some=False)
    await _may_give(uow, account_id, set(keys) ^ (set(before.roles) - {FAMILY}))
    kept = [*keys, *([FAMILY] if FAMILY in before.roles else [])]
    facts: dict[str, Any] = {"t": uow.ctx.tenant_id, "a": account_id, "keys": kept}
    await uow.session.execute(
        text("delete from role_member where tenant_id = :t and account_id = :a and not role_key = any(:keys)"), facts
    )
    if kept:
        await service.join(uow, [account_id], *kept)
    if await _keepers(uow) == 0:
        raise LastKeeper()
    faces = list(dict.fromkeys(FACES[key] for key in FACES if key in kept))
    ended: dict[str, Any] = {"ended_at": None if kept else func.now()}
    await uow.session.execute(
        update(Membership)
        .where(Membership.account_id == account_id, Membership.organisation_id == uow.ctx.tenant_id)
        .values(faces=faces, **ended)
    )
    await uow.audit("role.set", "account", account_id, before=list(before.roles), roles=sorted(kept), name=before.name)


async def _known(uow: UnitOfWork, keys: Sequence[str], *, some: bool = True) -> None:
    possible = {role.key for role in await roles(uow)}
    if (some and not keys) or set(keys) - possible:
        raise Invalid(fields=[FieldError("roles", _l("请选择角色"), "choice")])


async def _may_give(uow: UnitOfWork, account_id: UUID, changed: set[str]) -> None:
    """Whether the actor may give or take these roles of this account. Workers and the operator's commands may."""
    if uow.ctx.actor.kind != "person" or not changed:
        return
    if account_id == uow.ctx.actor.account_id:
        raise OwnRoles()
    if uow.ctx.may(ANY):
        return
    for role in await roles(uow):
        if role.key in changed - TEACHING:
            raise RoleAbove(role=role.name)


async def _keepers(uow: UnitOfWork) -> int:
    """How many members may give every role."""
    query = text(
        "select count(distinct m.account_id) from role_member m "
        "join role r on r.tenant_id = m.tenant_id and r.key = m.role_key "
        "where m.tenant_id = :t and r.permissions @> to_jsonb(cast(:keeper as text))"
    )
    return int((await uow.session.execute(query, {"t": uow.ctx.tenant_id, "keeper": ANY})).scalar_one())


def _literal(words: str) -> str:
    """For LIKE: what was typed means itself."""
    return words.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
