"""The school's side of "what would change?": everything under the rules is asked twice, under the rules as they are
and under the version that is tried out. Nothing is written; counts and titles go back, never a child."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from core.base import clock
from core.base.context import TenantContext
from core.base.text import gettext as _
from core.base.text import in_locale
from core.billing.drafts import make_drafts
from core.billing.models import Bill
from core.billing.run import CHUNK, next_students
from core.billing.views import BillingRequest
from core.db.house import House
from core.db.uow import UnitOfWork
from core.enrollment import offerings_service
from core.enrollment.offering_rules import LIVE, objections_to
from core.enrollment.plan_models import ServicePlan
from core.enrollment.plan_service import check
from core.policy.library import PackLibrary
from core.policy.published import as_if
from core.policy.types import Objection, Pack, Standing
from core.terms import service as terms
from core.terms.models import Term
from core.terms.service import term_title
from tenants.editor.service import line_of

log = logging.getLogger("kehou.editor")

MOST: Final = 60
"""So many titles of one kind travel; the counts are of all."""
OPEN_BILL: Final = "issued"


class Hit(BaseModel):
    """One thing that the new version would refuse, or let pass only with a written reason."""

    model_config = ConfigDict(extra="forbid")
    title: str = Field(max_length=200)
    force: str = Field(pattern="^(block|warn)$")
    why: list[str] = Field(max_length=6)


class Kind(BaseModel):
    """One kind of thing: how many were asked about, how many are newly refused, warned about, or freed; the first."""

    model_config = ConfigDict(extra="forbid")
    asked: int = Field(default=0, ge=0)
    refused: int = Field(default=0, ge=0)
    warned: int = Field(default=0, ge=0)
    freed: int = Field(default=0, ge=0)
    hits: list[Hit] = Field(default_factory=list, max_length=MOST)


class Bills(BaseModel):
    """Children's bills of the running term, drawn up under both: counts and sums in fen."""

    model_config = ConfigDict(extra="forbid")
    children: int = Field(default=0, ge=0)
    changed: int = Field(default=0, ge=0)
    open_changed: int = Field(default=0, ge=0)
    refused: int = Field(default=0, ge=0)
    before_fen: int = Field(default=0, ge=0)
    after_fen: int = Field(default=0, ge=0)


class Result(BaseModel):
    """What a school answers. `failed` names the parts that could not be worked out there."""

    model_config = ConfigDict(extra="forbid")
    plans: Kind = Kind()
    offerings: Kind = Kind()
    standards: Kind = Kind()
    bills: Bills = Bills()
    failed: list[str] = Field(default_factory=list, max_length=8)


@dataclass(frozen=True, slots=True)
class Worlds:
    """The school as it is, and the school as it would be: the same tenant, other rules."""

    house: House
    other: House
    ctx: TenantContext
    other_ctx: TenantContext


def worlds(house: House, ctx: TenantContext, candidate: Pack) -> Worlds:
    """`candidate` holds on every day in the other world, and the school follows it there if it follows none of its line
    yet (a new pack that nobody is bound to)."""
    library = house.get(PackLibrary)
    services = {**house.services, PackLibrary: as_if(library, candidate)}
    other = replace(house, services=services, load_packs=None)
    bound = ctx.pack in line_of(library, candidate.key)
    return Worlds(house, other, ctx, ctx if bound else replace(ctx, pack=candidate.key))


async def try_out(both: Worlds, told: Callable[[int, int], Awaitable[None]]) -> Result:
    """All parts, one after another; one that fails is named and does not hide the others."""
    result = Result()
    parts: Sequence[tuple[str, Callable[[Worlds], Awaitable[Any]]]] = (
        ("plans", _plans), ("offerings", _offerings), ("standards", _standards), ("bills", _bills),
    )  # fmt: skip
    for done, (name, work) in enumerate(parts):
        await told(done, len(parts))
        try:
            with in_locale("zh_CN"):
                setattr(result, name, await work(both))
        except Exception:
            log.exception("%s: %s could not be tried out", both.ctx.slug, name)
            result.failed.append(name)
    return result


def compare(before: Sequence[Standing], after: Sequence[Standing]) -> Kind:
    """What is newly refused, newly warned about, or no longer objected to."""
    known = {one.id: one for one in before}
    found = Kind(asked=len(after))
    for one in after:
        was = known.get(one.id)
        old = was.objections if was else ()
        blocks = _new(one.objections, old, "block")
        warns = _new(one.objections, old, "warn")
        if blocks:
            found.refused += 1
        elif warns:
            found.warned += 1
        elif old and not one.objections:
            found.freed += 1
        fresh = blocks or warns
        if fresh and len(found.hits) < MOST:
            why = list(dict.fromkeys(_why(o) for o in fresh))[:6]
            found.hits.append(Hit(title=one.title[:200], force="block" if blocks else "warn", why=why))
    return found


def _new(now: Sequence[Objection], before: Sequence[Objection], force: str) -> list[Objection]:
    """Objections of a force whose rule did not object before, or objected more softly."""
    softer = {o.code for o in before if force == "warn" or o.blocks}
    return [o for o in now if o.force == force and o.code not in softer]


def _why(objection: Objection) -> str:
    return f"{objection.message}（{objection.clause}）" if objection.clause else str(objection.message)


async def _both(both: Worlds, ask: Callable[[UnitOfWork], Awaitable[list[Standing]]]) -> Kind:
    async with both.house.unit(both.ctx) as uow:
        before = await ask(uow)
    async with both.other.unit(both.other_ctx) as uow:
        after = await ask(uow)
    return compare(before, after)


async def _open_terms(uow: UnitOfWork) -> list[Term]:
    today = clock.today()
    return [term for term in await terms.terms(uow) if term.ends_on >= today]


async def _plans(both: Worlds) -> Kind:
    return await _both(both, _plans_now)


async def _plans_now(uow: UnitOfWork) -> list[Standing]:
    found: list[Standing] = []
    for term in await _open_terms(uow):
        query = select(ServicePlan).where(ServicePlan.term_id == term.id, ServicePlan.state != "closed")
        for plan in (await uow.session.execute(query)).scalars():
            checked = await check(uow, plan)
            title = _("%(term)s服务方案（第 %(n)s 版）", term=term_title(term.code), n=plan.version)
            found.append(Standing("plan", plan.id, title, tuple(f.objection for f in checked.findings)))
    return found


async def _offerings(both: Worlds) -> Kind:
    return await _both(both, _offerings_now)


async def _offerings_now(uow: UnitOfWork) -> list[Standing]:
    found: list[Standing] = []
    for term in await _open_terms(uow):
        for view in await offerings_service.offerings(uow, term.id, states=LIVE):
            objections = await objections_to(uow, view, "try")
            found.append(Standing("offering", view.id, view.title, tuple(objections)))
    return found


async def _standards(both: Worlds) -> Kind:
    return await _both(both, _standards_now)


async def _standards_now(uow: UnitOfWork) -> list[Standing]:
    found: list[Standing] = await uow.hooks.compute("under_rules", uow.ctx, Standing, uow=uow)
    return found


async def _bills(both: Worlds) -> Bills:
    """Each running or coming term is drawn up child by child under both; open bills are those not paid yet."""
    found = Bills()
    async with both.house.unit(both.ctx) as uow:
        running = [(term.id, term.code) for term in await _open_terms(uow)]
    for term_id, code in running:
        after: UUID | None = None
        while True:
            async with both.house.unit(both.ctx) as uow:
                _term, students, last = await next_students(uow, term_id, after)
                request = BillingRequest(term_id, code, clock.today(), students)
                due, held = await _drawn_up(uow, request)
                query = select(Bill.student_id).where(Bill.term_id == term_id, Bill.state == OPEN_BILL)
                open_now = set((await uow.session.execute(query)).scalars())
            async with both.other.unit(both.other_ctx) as uow:
                due_then, held_then = await _drawn_up(uow, request)
            found.children += len(students)
            found.refused += len(held_then - held)
            found.before_fen += sum(due.values())
            found.after_fen += sum(due_then.values())
            for child in due.keys() | due_then.keys():
                if child not in held_then and due.get(child, 0) != due_then.get(child, 0):
                    found.changed += 1
                    found.open_changed += child in open_now
            if last is None or len(students) < CHUNK:
                break
            after = last
    return found


async def _drawn_up(uow: UnitOfWork, request: BillingRequest) -> tuple[dict[UUID, int], set[UUID]]:
    if not request.students:
        return {}, set()
    drafts, holds = await make_drafts(uow, request, request.term_id)
    return {draft.student_id: int(draft.due) for draft in drafts}, {hold.student_id for hold in holds}
