"""What a feature's or plugin's `demo` gets to play on: the county's organisations, its people, and the workers' part.

The same handles as tests.support.world gives to tests, so that one piece of code can be written for both.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import select

from core.base.context import TenantContext
from core.db.delivery import deliver
from core.db.house import House
from core.db.kernel_tables import Outbox
from core.db.resolve import SignedIn, member_context, worker_context


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who can sign in."""

    account_id: UUID
    name: str
    phone: str


@dataclass(frozen=True, slots=True)
class Family:
    """A guardian with the children of theirs who are at this school, eldest grade last."""

    guardian: Person
    guardian_id: UUID
    student_ids: tuple[UUID, ...]

    @property
    def student_id(self) -> UUID:
        return self.student_ids[0]


@dataclass(slots=True)
class Org:
    """An organisation of the county. `ctx` is a worker's context in it, `people` one person for each role.

    For schools: `families` are a few to play with (the first is the guardian whom visitors enter as), `others` some
    more of all classes, `class_ids` every class by (grade, number), `rooms` by name; `class_id`, `room_id`,
    `teacher_id`, `student` belong to them.
    """

    ctx: TenantContext
    people: dict[str, Person] = field(default_factory=dict)
    families: list[Family] = field(default_factory=list)
    others: list[Family] = field(default_factory=list)
    class_ids: dict[tuple[int, int], UUID] = field(default_factory=dict)
    rooms: dict[str, UUID] = field(default_factory=dict)
    staff_ids: dict[str, UUID] = field(default_factory=dict)
    """Of the people in `people`, by role."""
    class_id: UUID | None = None
    room_id: UUID | None = None
    teacher_id: UUID | None = None
    term_id: UUID | None = None

    @property
    def slug(self) -> str:
        return self.ctx.slug


@dataclass(slots=True)
class Stage:
    """The county while it is being seeded.

    `schools` are, in this order: under the city's ten bans; the second experimental primary's own scheme; the free
    service. `say` prints a line for whoever waits.
    """

    house: House
    today: date
    bureau: Org
    schools: list[Org]
    vendors: list[Org]
    say: Callable[[str], None]

    @property
    def school(self) -> Org:
        """The school that most of the story plays in."""
        return self.schools[0]

    async def as_(self, org: Org, who: str | Person) -> TenantContext:
        """The context that a request of this person (or of the one with this role) would have."""
        person = org.people[who] if isinstance(who, str) else who
        signed = SignedIn(person.account_id, person.name, None, person.account_id)
        ctx, _ = await member_context(self.house, org.slug, signed, locale="zh_CN", request_id="demo")
        return ctx

    async def drain(self, *orgs: Org, rounds: int = 20, name: str = "") -> list[str]:
        """Deliver all that waits in the outboxes of `orgs` (none named: of all), and what that causes; with `name`
        only the messages whose name begins so."""
        chosen = orgs or (self.bureau, *self.schools, *self.vendors)
        outcomes: list[str] = []
        for _ in range(rounds):
            waiting: list[tuple[UUID, UUID]] = []
            for org in chosen:
                async with self.house.unit(org.ctx) as uow:
                    query = select(Outbox.id).where(
                        Outbox.done_at.is_(None), Outbox.dead_at.is_(None), Outbox.attempts == 0
                    )
                    if name:
                        query = query.where(Outbox.name.startswith(name, autoescape=True))
                    ids = (await uow.session.execute(query.order_by(Outbox.id))).scalars().all()
                    waiting += [(org.ctx.tenant_id, id_) for id_ in ids]
            if not waiting:
                break
            for tenant_id, message_id in waiting:
                outcomes.append(await deliver(self.house, tenant_id, message_id))
                await asyncio.sleep(0)
        return outcomes

    async def refresh(self) -> None:
        """Take in what changed about the organisations, such as plugins switched on."""
        for org in (self.bureau, *self.schools, *self.vendors):
            org.ctx = await worker_context(self.house, org.ctx.tenant_id)
