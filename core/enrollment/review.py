"""The school's side of applications: class teacher, then school, by the scheme's chain (R-142); nobody is only refused.

A decision against a family carries a reason, the clause and another offer (R-134, R-146).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from core.base.errors import NotFound
from core.base.text import gettext as _
from core.db.house import House
from core.db.states import MoveRefused, ReasonOwed
from core.db.uow import UnitOfWork
from core.enrollment import seats
from core.enrollment.agreements import offer_agreement
from core.enrollment.application_rules import application_view, objections_to
from core.enrollment.applications import choose, restore_enrolled
from core.enrollment.basket import Choice, check_choice, chosen_days, enrolled_choices, items_of
from core.enrollment.claims import Wish, claims_of
from core.enrollment.draw.gate import refuse_drawn
from core.enrollment.errors import NotYourClass, Objected, OtherOfferOwed
from core.enrollment.models import Application, ApplicationItem
from core.enrollment.offering_rules import pack_of
from core.enrollment.offerings_service import offering
from core.enrollment.refusals import refusal_of
from core.enrollment.states import APPLICATION, ITEM
from core.people.models import SchoolClass, Student
from core.people.service import StudentView, class_ids_taught, my_child_to_choose, student
from core.policy import service as policy
from core.policy.types import Objection
from core.policy.vocab_people import FORMS, GROUPS

ONLINE = ("oral_request", "written_entrustment", "application_form", "registration", "class_application")
"""What an application in this system is by itself, in the packs' words: asked for in writing by the guardian, on a
form, registered, before the class teacher. The rest comes on paper, and a reviewer has seen it."""

SCHOOL_STEPS = frozenset({"school_approval", "principal_decision", "parents_committee"})


@dataclass(frozen=True, slots=True)
class Chain:
    """The scheme's steps of approval, and where they are written."""

    steps: tuple[str, ...]
    clause: str = ""

    @property
    def by_class(self) -> bool:
        return "class_review" in self.steps

    @property
    def by_school(self) -> bool:
        return not self.by_class or bool(SCHOOL_STEPS & set(self.steps))


def chain_of(uow: UnitOfWork) -> Chain:
    """Who must say yes here (application.chain)."""
    pack = pack_of(uow)
    if pack is None:
        return Chain(("class_review", "school_approval"))
    setting = pack.get("application.chain")
    return Chain(tuple(setting.value), setting.clause)


def need_must_be_confirmed(uow: UnitOfWork) -> bool:
    """Whether only families in need are served, so that the reviewer confirms it (R-143)."""
    pack = pack_of(uow)
    return pack is not None and not pack.ask("application.need_confirmed", need_confirmed=False).ok


def papers_owed(uow: UnitOfWork) -> list[str]:
    """What the scheme wants on paper beside the application (a stamp of the employer, a signature), in its words."""
    pack = pack_of(uow)
    wanted = (pack.get("application.forms").value if pack else None) or ()
    return [form for form in FORMS.labels if form in wanted and form not in ONLINE]


def aimed_at(uow: UnitOfWork) -> tuple[str, str]:
    """Whom the service is meant for above all, and where it is written; empty where the scheme is silent."""
    pack = pack_of(uow)
    setting = pack.get("application.aimed_at") if pack else None
    return (GROUPS.show(setting.value), setting.clause) if setting and setting.value else ("", "")


async def _refuse_without_papers(uow: UnitOfWork, row: Application, papers: Collection[str]) -> None:
    """Keep what was seen on paper. Raises Objected while something is missing (R-137, R-138)."""
    pack = pack_of(uow)
    row.papers = sorted({*row.papers, *(p for p in papers if p in FORMS.labels)})
    if pack is not None:
        verdict = pack.ask("application.forms", forms=[*ONLINE, *row.papers])
        if not await policy.decided(uow, "application.papers", "application", row.id, verdict.blocks):
            raise Objected(verdict.blocks)


async def class_review(
    uow: UnitOfWork, application_id: UUID, *, need_confirmed: bool = False, papers: Collection[str] = ()
) -> None:
    """The class teacher passes an application of an own class on, having seen `papers`. Raises NotYourClass,
    Objected."""
    row = await uow.get(Application, application_id, lock=True)
    child = await _of_my_class(uow, row)
    pack = pack_of(uow)
    if pack is not None:
        refused = pack.ask("application.need_confirmed", need_confirmed=need_confirmed)
        if not await policy.decided(uow, "application.class_review", "application", row.id, refused.blocks):
            raise Objected(refused.blocks)
    await _refuse_without_papers(uow, row, papers)
    await APPLICATION.transition(uow, row, "class_review", payload=_said(row))
    if not chain_of(uow).by_school:
        await _check(uow, row, child)
        await APPLICATION.transition(uow, row, "settle", payload=_said(row))
        await offer_agreement(uow, row, child)


async def approve(uow: UnitOfWork, application_id: UUID, *, reason: str = "", papers: Collection[str] = ()) -> None:
    """The school approves, and the agreement is offered at once. Raises Objected (warnings pass with a reason)."""
    row = await uow.get(Application, application_id, lock=True)
    chain = chain_of(uow)
    if chain.by_class and row.state == "submitted":
        raise MoveRefused(state=APPLICATION.title(row.state), event=_("核准"))
    if "principal_decision" in chain.steps:
        uow.ctx.require("application.decide")
    child = await student(uow, row.student_id)
    await _refuse_without_papers(uow, row, papers)
    await _check(uow, row, child, reason)
    await APPLICATION.transition(uow, row, "approve", reason=reason, payload=_said(row))
    await offer_agreement(uow, row, child)


async def approve_many(
    uow: UnitOfWork, ids: Sequence[UUID], *, reason: str = ""
) -> tuple[int, list[tuple[UUID, Exception]]]:
    """Approve a page of applications; those that something speaks against stay, and come back with it."""
    done = 0
    left: list[tuple[UUID, Exception]] = []
    for id_ in ids:
        try:
            async with uow.session.begin_nested():
                await approve(uow, id_, reason=reason)
            done += 1
        except (Objected, MoveRefused, NotFound) as refusal:
            left.append((id_, refusal))
    return done, left


async def _check(uow: UnitOfWork, row: Application, child: StudentView, reason: str = "") -> None:
    here = (await uow.get(Student, child.id)).left_at is None
    own = {"application.own_pupils": {"own_pupil": here}}
    found = await objections_to(uow, await application_view(uow, row, child), **own)
    if not await policy.decided(uow, "application.approve", "application", row.id, found, reason):
        raise Objected(found)


async def steer(
    uow: UnitOfWork, application_id: UUID, item_id: UUID, other_offering_id: UUID, reason: str, clause: str = ""
) -> None:
    """Propose another suitable item in place of one that cannot be met (R-146); the family decides. The place in the
    first stays the child's until it does. Raises ReasonOwed, OtherOfferOwed, NotOnMenu, NotForGrade,
    ByDraw."""
    row = await uow.get(Application, application_id, lock=True)
    child = (
        await _of_my_class(uow, row) if not uow.ctx.may("application.approve") else await student(uow, row.student_id)
    )
    if not reason.strip():
        raise ReasonOwed()
    item = await _item(uow, row, item_id)
    if item.offering_id in await enrolled_choices(uow, row.student_id, row.term_id):
        # The family alone leaves what the child takes part in; other days of it are refused, not steered.
        raise MoveRefused(state=_("已参加"), event=str(ITEM.moves["chosen", "steer"].title))
    if other_offering_id == item.offering_id:
        raise OtherOfferOwed()
    other = await offering(uow, other_offering_id)
    check_choice(uow, other, row.term_id, child.grade, other.weekdays)
    await refuse_drawn(uow, child.id, {other.id: other.title})
    await ITEM.transition(uow, item, "steer", reason=reason, clause=clause)
    item.reason, item.clause, item.other_offering_id = reason.strip(), clause, other.id
    await APPLICATION.transition(
        uow, row, "steer", reason=reason, clause=clause, payload={**_said(row), "item": item.offering_id}
    )


async def answer_steer(
    house: House, ctx: Any, student_id: UUID, application_id: UUID, *, accept: bool, key: str
) -> None:
    """The family's answer: take the proposed items, or keep the choice. Raises Full when the other has gone."""
    async with house.unit(ctx) as uow:
        child = await my_child_to_choose(uow, student_id)
        row = await _of_child(uow, application_id, child)
        if row.state != "steered":
            return
        swaps = [i for i in await items_of(uow, row.id) if i.state == "steered" and i.other_offering_id]
        wanted = [(i.offering_id, await offering(uow, i.other_offering_id)) for i in swaps if i.other_offering_id]
    if accept:
        for old, other in wanted:
            wish = Wish(
                child.id,
                f"{key}:{other.id}"[:200],
                ctx.actor.account_id,
                ctx.actor.name,
                other.weekdays,
                (old,),
                ctx.request_id,
            )
            decision = await claims_of(house).claim(ctx.tenant_id, other.id, wish)
            if not decision.claimed:
                raise refusal_of(decision, other.title)
    async with house.unit(ctx) as uow:
        await seats.hold_child(uow, student_id)
        row = await uow.get(Application, application_id, lock=True)
        if row.state != "steered":
            return
        items = {i.offering_id: i for i in await items_of(uow, row.id)}
        for old, seen in wanted:
            if not accept:
                await ITEM.transition(uow, items[old], "keep")
                items[old].reason, items[old].clause, items[old].other_offering_id = "", "", None
                continue
            other = await offering(uow, seen.id)
            await ITEM.transition(uow, items[old], "drop")
            await choose(uow, row, items.get(other.id), other.id, chosen_days(other, other.weekdays))
        await APPLICATION.transition(uow, row, "accept_other" if accept else "keep_choice", payload=_said(row))
        await uow.session.flush()
        if accept:
            await seats.release(uow, student_id, [old for old, _other in wanted], "steered")
            await seats.keep(uow, student_id, [other.id for _old, other in wanted])


async def refuse(
    uow: UnitOfWork,
    application_id: UUID,
    *,
    reason: str,
    other_offering_id: UUID | None,
    item_id: UUID | None = None,
    clause: str = "",
) -> None:
    """Refuse one item, or all that is not yet in force; with a reason and another offer (R-134). The places come free.
    A child that takes part already goes on with what it has.

    Raises ReasonOwed, OtherOfferOwed, Objected.
    """
    uow.ctx.require("application.approve")
    # The child first, as everybody does: two who wait for one another would wait in a ring.
    await seats.hold_child(uow, (await uow.get(Application, application_id)).student_id)
    row = await uow.get(Application, application_id, lock=True)
    await _refuse_bare(uow, row.id, reason, other_offering_id)
    if other_offering_id is not None:
        child = await student(uow, row.student_id)
        other = await offering(uow, other_offering_id)
        check_choice(uow, other, row.term_id, child.grade, other.weekdays)
    enrolled = await enrolled_choices(uow, row.student_id, row.term_id)
    items = await items_of(uow, row.id)
    open_items = [
        i
        for i in items
        if i.state in ("chosen", "steered") and enrolled.get(i.offering_id) != Choice(i.offering_id, tuple(i.weekdays))
    ]
    against = [i for i in open_items if item_id in (None, i.id)]
    if not against:
        raise NotFound()
    if any(i.offering_id == other_offering_id for i in against):
        raise OtherOfferOwed()
    # Other days of what the child takes part in: it goes on with those it has.
    await restore_enrolled(uow, row.student_id, against, enrolled)
    new = [i for i in against if i.offering_id not in enrolled]
    for item in against:
        if item in new:
            await ITEM.transition(uow, item, "refuse", reason=reason, clause=clause)
        item.reason, item.clause, item.other_offering_id = reason.strip(), clause, other_offering_id
    payload = {**_said(row), "offerings": [i.offering_id for i in against], "other": other_offering_id}
    if len(against) == len(open_items):
        event = "refuse_change" if enrolled else "refuse"
        await APPLICATION.transition(uow, row, event, reason=reason, clause=clause, payload=payload)
    else:
        await uow.audit("application.refuse_item", "application", row.id, reason=reason, clause=clause, **payload)
        await uow.emit("application.item_refused", payload)
    await policy.record(
        uow,
        "application.refuse",
        "application",
        row.id,
        outcome="refused",
        reason=reason,
        rule="application.refusal_needs",
        clause=clause,
        facts={"offerings": [i.offering_id for i in against], "other_offer": other_offering_id},
    )
    await uow.session.flush()
    await seats.release(uow, row.student_id, [i.offering_id for i in new], "refused")


async def _refuse_bare(uow: UnitOfWork, application_id: UUID, reason: str, other: UUID | None) -> None:
    if not reason.strip():
        raise ReasonOwed()
    pack = pack_of(uow)
    given = ["reason", *(["other_offer"] if other else [])]
    if pack is None:
        if other is None:
            raise OtherOfferOwed()
        return
    verdict = pack.ask("application.refusal_needs", given=given)
    if not await policy.decided(uow, "application.refuse", "application", application_id, verdict.blocks):
        raise Objected(verdict.blocks)


def refusal_rules(uow: UnitOfWork) -> list[Objection]:
    """The clauses that bind a refusal here, to be shown before one is made."""
    pack = pack_of(uow)
    if pack is None:
        return []
    return [
        *pack.ask("application.refuses_need", left_without_service=True).objections,
        *pack.ask("application.refusal_needs", given=[]).objections,
    ]


async def _of_my_class(uow: UnitOfWork, row: Application) -> StudentView:
    uow.ctx.require("application.review")
    child = await student(uow, row.student_id)
    if child.class_id not in await class_ids_taught(uow):
        raise NotYourClass()
    return child


async def _of_child(uow: UnitOfWork, application_id: UUID, child: StudentView) -> Application:
    row = await uow.get(Application, application_id)
    if row.student_id != child.id:
        raise NotFound()
    return row


async def _item(uow: UnitOfWork, row: Application, item_id: UUID) -> ApplicationItem:
    item = await uow.get(ApplicationItem, item_id)
    if item.application_id != row.id or item.state not in ("chosen", "steered"):
        raise NotFound()
    return item


def _said(row: Application) -> dict[str, Any]:
    return {"application": row.id, "student": row.student_id, "term": row.term_id}


# ---- queues -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waiting:
    """One application in a queue."""

    application: Application
    student: StudentView


async def queue(
    uow: UnitOfWork,
    term_id: UUID,
    states: Sequence[str],
    *,
    class_ids: Sequence[UUID] | None = None,
    limit: int = 50,
    offset: int = 0,
) -> tuple[list[Waiting], int]:
    """Applications in some states, first come first; `class_ids` limits them to classes. Returns them and how many."""
    query = (
        select(Application, Student, SchoolClass)
        .join(Student, (Student.tenant_id == Application.tenant_id) & (Student.id == Application.student_id))
        .join(SchoolClass, (SchoolClass.tenant_id == Student.tenant_id) & (SchoolClass.id == Student.class_id))
        .where(Application.term_id == term_id, Application.state.in_(list(states)))
    )
    if class_ids is not None:
        query = query.where(Student.class_id.in_(list(class_ids)))
    total = (await uow.session.execute(select(func.count()).select_from(query.subquery()))).scalar_one()
    rows = (
        await uow.session.execute(query.order_by(Application.submitted_at, Application.id).limit(limit).offset(offset))
    ).all()
    return [
        Waiting(a, StudentView(s.id, s.name, s.class_id, c.grade, c.number, s.roll_number)) for a, s, c in rows
    ], total


async def waiting_for_me(uow: UnitOfWork, term_id: UUID) -> int:
    """How many applications of the acting class teacher's classes wait for review."""
    classes = await class_ids_taught(uow)
    if not classes:
        return 0
    return (await queue(uow, term_id, ("submitted",), class_ids=classes, limit=1))[1]
