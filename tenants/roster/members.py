"""Roles and memberships for many people at once, each looked at first so that an import can be taken back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import text

from core.db.uow import UnitOfWork
from tenants import service as tenants
from tenants.roster.images import Images


async def give_roles(uow: UnitOfWork, images: Images, wanted: Mapping[UUID, set[str]]) -> None:
    """Make each account a member with its roles; roles and memberships that are there already are not touched."""
    had = await _roles_of(uow, list(wanted))
    members = await _members(uow, list(wanted))
    lacking = {
        account: roles for account, roles in wanted.items() if roles - had.keys_of(account) or account not in members
    }
    await images.changing("membership", [account for account in lacking if account in members])
    images.made("membership", [account for account in lacking if account not in members])
    groups: dict[tuple[str, ...], list[UUID]] = defaultdict(list)
    for account, roles in lacking.items():
        groups[tuple(sorted(roles))].append(account)
    for roles_together, accounts in groups.items():
        await tenants.join(uow, accounts, *roles_together)
    now = await _roles_of(uow, list(lacking))
    images.made("role_member", now.ids - had.ids)


class _Held:
    """Role rows by account."""

    def __init__(self, rows: list[tuple[UUID, UUID, str]]) -> None:
        self.ids = {id_ for id_, _, _ in rows}
        self._keys: dict[UUID, set[str]] = defaultdict(set)
        for _, account, key in rows:
            self._keys[account].add(key)

    def keys_of(self, account: UUID) -> set[str]:
        return self._keys.get(account, set())


async def _roles_of(uow: UnitOfWork, accounts: list[UUID]) -> _Held:
    rows = await uow.session.execute(
        text("select id, account_id, role_key from role_member where tenant_id = :t and account_id = any(:a)"),
        {"t": uow.ctx.tenant_id, "a": accounts},
    )
    return _Held([(row[0], row[1], row[2]) for row in rows.all()])


async def _members(uow: UnitOfWork, accounts: list[UUID]) -> set[UUID]:
    """Accounts with a membership row here, ended ones included."""
    rows = await uow.session.execute(
        text("select account_id from membership where organisation_id = :t and account_id = any(:a)"),
        {"t": uow.ctx.tenant_id, "a": accounts},
    )
    return set(rows.scalars().all())
