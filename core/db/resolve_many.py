"""The same question as core.db.resolve, for a crowd: who are the people who came in this moment, and what may they do?

In a rush hundreds ask at once. Those who wait are looked up together, so that each costs a fraction of a transaction.
Nothing is remembered: every request is answered from the database as it is.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from core.base.context import Actor, TenantContext
from core.db.giving_way import others_of
from core.db.resolve import SignedIn, granted

if TYPE_CHECKING:
    from core.db.house import House

BATCH: Final = 256

_PEOPLE: Final = """
select s.token_hash, s.id as session_id, a.id as account_id, a.name as person, a.locale,
       o.id, o.slug, o.kind, o.name, o.pack, m.faces::text as faces,
       (select max(number) from published_pack) as newest
from sign_in_session s
join account a on a.id = s.account_id
left join organisation o on o.slug = $2 and o.state = 'active'
left join membership m on m.organisation_id = o.id and m.account_id = a.id and m.ended_at is null
where s.token_hash = any($1) and s.expires_at > now()"""

_RIGHTS: Final = """
select m.account_id, array_agg(distinct p.value) as permissions
from role_member m
join role r on r.tenant_id = m.tenant_id and r.key = m.role_key
cross join jsonb_array_elements_text(r.permissions) p(value)
where m.tenant_id = $1 and m.account_id = any($2)
group by m.account_id"""

_PLUGINS: Final = "select plugin from plugin_switch where tenant_id = $1 and enabled"


@dataclass(frozen=True, slots=True)
class Known:
    """Whom a token belongs to. `place` None: not a member of the organisation, or there is none of that name."""

    person: SignedIn
    place: tuple[TenantContext, Sequence[str]] | None


@dataclass(slots=True)
class _Queue:
    waiting: list[tuple[str, asyncio.Future[Known | None]]] = field(default_factory=list)
    running: bool = False


class Crowd:
    """The look-ups of one process. Ask `crowd_of(house)` for it."""

    def __init__(self, house: House) -> None:
        self._house = house
        self._others = others_of(house)
        self._queues: dict[str, _Queue] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def who(self, slug: str, token_hash: str) -> Known | None:
        """Who holds this session token, and the person's context in the organisation `slug`; None: nobody."""
        queue = self._queues.setdefault(slug, _Queue())
        answer: asyncio.Future[Known | None] = asyncio.get_running_loop().create_future()
        queue.waiting.append((token_hash, answer))
        if not queue.running:
            queue.running = True
            task = asyncio.create_task(self._drain(slug, queue))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await answer

    async def _drain(self, slug: str, queue: _Queue) -> None:
        try:
            while queue.waiting:
                batch, queue.waiting = queue.waiting[:BATCH], queue.waiting[BATCH:]
                try:
                    known = await self._look_up(slug, sorted({token for token, _ in batch}))
                except Exception as error:
                    for _, answer in batch:
                        if not answer.done():
                            answer.set_exception(error)
                    continue
                for token, answer in batch:
                    if not answer.done():
                        answer.set_result(known.get(token))
                    await self._others.give_way(len(batch))
        finally:
            queue.running = False
            if not queue.waiting:
                self._queues.pop(slug, None)

    async def _look_up(self, slug: str, tokens: list[str]) -> dict[str, Known]:
        async with self._house.db.engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            async with driver.transaction():
                people = await driver.fetch(_PEOPLE, tokens, slug)
                members = [row for row in people if row["faces"] is not None]
                rights: dict[UUID, list[str]] = {}
                plugins: list[str] = []
                if members:
                    tenant = members[0]["id"]
                    await driver.execute("select set_config('app.tenant_id', $1, true)", str(tenant))
                    found = await driver.fetch(_RIGHTS, tenant, [row["account_id"] for row in members])
                    rights = {row["account_id"]: row["permissions"] for row in found}
                    plugins = [row["plugin"] for row in await driver.fetch(_PLUGINS, tenant)]
        if members:
            await self._house.keep_up(members[0]["newest"])
        on = frozenset(plugins) & frozenset(self._house.plugins.order)
        return {row["token_hash"]: self._known(row, rights.get(row["account_id"], []), on) for row in people}

    def _known(self, row: Any, permissions: Sequence[str], plugins: frozenset[str]) -> Known:
        person = SignedIn(
            session_id=row["session_id"], account_id=row["account_id"], name=row["person"], locale=row["locale"]
        )
        if row["faces"] is None:
            return Known(person, None)
        actor = Actor(kind="person", account_id=person.account_id, name=person.name)
        ctx = TenantContext(
            tenant_id=row["id"],
            slug=row["slug"],
            kind=row["kind"],
            name=row["name"],
            actor=actor,
            permissions=granted(self._house, permissions, plugins),
            plugins=plugins,
            pack=row["pack"],
        )
        return Known(person, (ctx, json.loads(row["faces"])))


def crowd_of(house: House) -> Crowd:
    """This process's crowd; made when first asked for."""
    crowd = house.services.get(Crowd)
    if not isinstance(crowd, Crowd):
        crowd = house.services[Crowd] = Crowd(house)
    return crowd
