"""Turns an organisation, and a person's session token, into the frozen context of a request or a job."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import text

from core.base.context import WORKER, Actor, TenantContext
from core.base.errors import NotFound

if TYPE_CHECKING:
    from core.db.house import House


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The account behind a session token."""

    account_id: UUID
    name: str
    locale: str | None
    session_id: UUID


_SESSION = text("""
select s.id, a.id, a.name, a.locale from sign_in_session s join account a on a.id = s.account_id
where s.token_hash = :token and s.expires_at > now()""")

_BY_SLUG = text("""
select o.id, o.slug, o.kind, o.name, o.pack, m.faces, (select max(number) from published_pack) as newest
from organisation o
left join membership m on m.organisation_id = o.id and m.account_id = :account and m.ended_at is null
where o.slug = :slug and o.state = 'active'""")

_BY_ID = text("""
select id, slug, kind, name, pack, (select max(number) from published_pack) as newest
from organisation where id = :id and state <> 'closed'""")

_RIGHTS = text("""
select
  (select coalesce(array_agg(distinct p.value), '{}')
     from role_member m join role r on r.tenant_id = m.tenant_id and r.key = m.role_key
     cross join jsonb_array_elements_text(r.permissions) p(value)
    where m.tenant_id = :tenant and m.account_id = :account) as permissions,
  (select coalesce(array_agg(s.plugin), '{}') from plugin_switch s where s.tenant_id = :tenant and s.enabled) as plugins
""")

_PLUGINS = text("select plugin from plugin_switch where tenant_id = :tenant and enabled")


async def signed_in(house: House, token_hash: str) -> SignedIn | None:
    """Who holds this session token (its SHA-256 in hex), or None."""
    async with house.db.globally() as session:
        row = (await session.execute(_SESSION, {"token": token_hash})).first()
    return SignedIn(session_id=row[0], account_id=row[1], name=row[2], locale=row[3]) if row else None


async def member_context(
    house: House, slug: str, person: SignedIn, *, locale: str, request_id: str
) -> tuple[TenantContext, Sequence[str]]:
    """The context of a member in the organisation called `slug`, and the faces this person uses there.

    Raises NotFound for an unknown organisation and for a stranger alike.
    """
    async with house.db.globally() as session:
        row = (await session.execute(_BY_SLUG, {"slug": slug, "account": person.account_id})).first()
        if row is None or row.faces is None:
            raise NotFound()
        await _bind(session, row.id)
        rights = (await session.execute(_RIGHTS, {"tenant": row.id, "account": person.account_id})).one()
    await house.keep_up(row.newest)
    plugins = frozenset(rights.plugins) & frozenset(house.plugins.order)
    actor = Actor(kind="person", account_id=person.account_id, name=person.name)
    allowed = granted(house, rights.permissions, plugins)
    ctx = _context(row, actor, plugins, permissions=allowed, locale=locale, request_id=request_id)
    return ctx, list(row.faces)


def granted(house: House, permissions: Iterable[str], plugins: frozenset[str]) -> frozenset[str]:
    """Those of a role's permissions that exist here: registered, and their plugin is on."""
    return frozenset(
        key
        for key in permissions
        if (owned := house.registry.permissions.get(key)) and (owned.plugin is None or owned.plugin in plugins)
    )


async def worker_context(house: House, tenant_id: UUID) -> TenantContext:
    """The context of a worker in an organisation. Raises NotFound for an unknown or closed one."""
    async with house.db.globally() as session:
        row = (await session.execute(_BY_ID, {"id": tenant_id})).first()
        if row is None:
            raise NotFound()
        await _bind(session, tenant_id)
        plugins = (await session.execute(_PLUGINS, {"tenant": tenant_id})).scalars().all()
    await house.keep_up(row.newest)
    return _context(row, WORKER, frozenset(plugins) & frozenset(house.plugins.order))


async def public_context(house: House, slug: str, *, locale: str, request_id: str) -> TenantContext:
    """The context of nobody in particular, for an organisation's public pages. Raises NotFound."""
    async with house.db.globally() as session:
        row = (await session.execute(_BY_SLUG, {"slug": slug, "account": None})).first()
        if row is None:
            raise NotFound()
        await _bind(session, row.id)
        plugins = (await session.execute(_PLUGINS, {"tenant": row.id})).scalars().all()
    await house.keep_up(row.newest)
    visitor = Actor(kind="person", account_id=None, name="")
    plugins_on = frozenset(plugins) & frozenset(house.plugins.order)
    return _context(row, visitor, plugins_on, locale=locale, request_id=request_id)


async def _bind(session: Any, tenant_id: UUID) -> None:
    await session.execute(text("select set_config('app.tenant_id', :tenant, true)"), {"tenant": str(tenant_id)})


def _context(row: Any, actor: Actor, plugins: frozenset[str], **more: Any) -> TenantContext:
    return TenantContext(
        tenant_id=row.id,
        slug=row.slug,
        kind=row.kind,
        name=row.name,
        actor=actor,
        plugins=plugins,
        pack=row.pack,
        **more,
    )
