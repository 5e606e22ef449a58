"""Relief for families in hardship (R-345 … R-347): asked for in private, decided by a second person, seen by nobody
else (idea 8). What is written about the family is sealed; history and audit hold neither child nor reason."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from core.api import (
    BillDraft,
    BillingRequest,
    ChargeProposal,
    EnrolmentView,
    FieldError,
    Invalid,
    NotFound,
    Objection,
    PricedCharge,
    ReductionProposal,
    UnitOfWork,
    new_id,
    now,
    seal,
    today,
    unseal,
)
from core.api import gettext as _
from core.api import lazy_gettext as _l
from core.api.people import StudentView, my_child, student
from core.api.policy import effective, record
from core.api.terms import current_term
from plugins.fees import rules
from plugins.fees.errors import OtherPerson, ReliefLive
from plugins.fees.models import FeeRelief
from plugins.fees.schemas import GROUNDS, ReliefAsk, ReliefDecision, ReliefEntry
from plugins.fees.service import prices, settings
from plugins.fees.states import RELIEF

GROUND = "hardship"


@dataclass(frozen=True, slots=True)
class Told:
    """What a family told, opened for somebody who may read it."""

    ground: str
    words: str
    evidence: str
    answer: str


async def ask(uow: UnitOfWork, form: ReliefAsk) -> FeeRelief:
    """A guardian asks for their own child. Raises NotFound for another's child, ReliefLive."""
    child = await my_child(uow, form.student_id)
    term = await current_term(uow)
    percent = _percent(uow, (await settings(uow)).relief_percent)
    return await _write(uow, child.id, form, "guardian", percent, max(today(), term.starts_on), term.ends_on)


async def enter(uow: UnitOfWork, form: ReliefEntry) -> FeeRelief:
    """A finance role enters what a family or a list says; another person decides. Raises NotFound, ReliefLive."""
    uow.ctx.require("fees.relief")
    child = await student(uow, form.student_id)
    if form.until_on < today():
        raise Invalid(fields=[FieldError("until_on", _l("有效期不能早于今天"), "past")])
    return await _write(uow, child.id, form, "finance", _percent(uow, form.percent), today(), form.until_on)


async def _write(
    uow: UnitOfWork, student_id: UUID, form: ReliefAsk, source: str, percent: int, from_on: date, until_on: date
) -> FeeRelief:
    id_ = new_id()
    told = json.dumps({"ground": form.ground, "words": form.words.strip()}, ensure_ascii=False)
    values: dict[str, Any] = {
        "tenant_id": uow.ctx.tenant_id,
        "id": id_,
        "student_id": student_id,
        "state": "requested",
        "source": source,
        "percent": percent,
        "from_on": from_on,
        "until_on": until_on,
        "ground_sealed": await seal(uow, told, purpose=f"fees_relief.ground/{id_}"),
        "evidence_sealed": await _sealed(uow, form.evidence, f"fees_relief.evidence/{id_}"),
        "asked_by": uow.ctx.actor.account_id,
    }
    made = insert(FeeRelief).values(**values).on_conflict_do_nothing().returning(FeeRelief.id)
    if (await uow.session.execute(made)).scalar_one_or_none() is None:
        raise ReliefLive()
    await uow.audit("fees.relief_asked", "fees_relief", id_)
    return await uow.get(FeeRelief, id_)


def _percent(uow: UnitOfWork, wished: int, on: date | None = None) -> int:
    return rules.relief_percent(effective(uow, on), wished)


async def decide(uow: UnitOfWork, relief_id: UUID, form: ReliefDecision) -> FeeRelief:
    """Grant or decline. Raises OtherPerson for whoever entered it, MoveRefused, Invalid without an answer."""
    row = await uow.get(FeeRelief, relief_id, lock=True)
    if row.asked_by == uow.ctx.actor.account_id:
        raise OtherPerson()
    answer = form.answer.strip()
    if form.verdict == "decline" and not answer:
        raise Invalid(fields=[FieldError("answer", _l("不同意时，请写明理由和依据"), "missing")])
    await RELIEF.transition(uow, row, form.verdict)
    row.decided_by, row.decided_at = uow.ctx.actor.account_id, now()
    row.clause = effective(uow).get("fee.hardship").clause
    if form.verdict == "grant":
        row.percent = _percent(uow, form.percent or row.percent)
    row.answer_sealed = await _sealed(uow, answer, f"fees_relief.answer/{row.id}")
    await record(
        uow,
        f"fees.relief.{form.verdict}",
        "fees_relief",
        row.id,
        outcome="applied" if form.verdict == "grant" else "refused",
        rule="fee.hardship",
        facts={"percent": row.percent},
        permission="fees.relief",
    )
    return row


async def end(uow: UnitOfWork, relief_id: UUID) -> FeeRelief:
    """A granted relief holds no longer; bills made stay as they are."""
    row = await uow.get(FeeRelief, relief_id, lock=True)
    await RELIEF.transition(uow, row, "end")
    row.until_on = max(today(), row.from_on)
    return row


async def withdraw(uow: UnitOfWork, relief_id: UUID) -> FeeRelief:
    """The guardian takes a request back. Raises NotFound for another's."""
    row = await mine(uow, relief_id)
    await RELIEF.transition(uow, row, "withdraw")
    return row


async def mine(uow: UnitOfWork, relief_id: UUID) -> FeeRelief:
    """A request about one of the acting guardian's children. Raises NotFound."""
    row = await uow.get(FeeRelief, relief_id)
    await my_child(uow, row.student_id)
    return row


async def of_children(uow: UnitOfWork, children: list[StudentView]) -> list[FeeRelief]:
    """Requests about these children, newest first."""
    query = select(FeeRelief).where(FeeRelief.student_id.in_([c.id for c in children]))
    return list((await uow.session.execute(query.order_by(FeeRelief.id.desc()))).scalars().all())


async def opened(uow: UnitOfWork, row: FeeRelief) -> Told:
    """What the family told, in words. Leaves a line in the audit about the request, not about the child."""
    parts = {
        "ground": (row.ground_sealed, "fees_relief.ground"),
        "evidence": (row.evidence_sealed, "fees_relief.evidence"),
        "answer": (row.answer_sealed, "fees_relief.answer"),
    }
    words = {
        name: await unseal(uow, sealed, purpose=f"{purpose}/{row.id}", subject_kind="fees_relief", subject_id=row.id)
        if sealed
        else ""
        for name, (sealed, purpose) in parts.items()
    }
    told = json.loads(words["ground"])
    return Told(str(GROUNDS.get(told["ground"], told["ground"])), told["words"], words["evidence"], words["answer"])


async def _sealed(uow: UnitOfWork, words: str, purpose: str) -> bytes | None:
    return await seal(uow, words.strip(), purpose=purpose) if words.strip() else None


async def waiting(uow: UnitOfWork) -> int:
    """How many requests wait for the acting person: nobody decides what they entered themselves."""
    query = (
        select(func.count())
        .select_from(FeeRelief)
        .where(FeeRelief.state == "requested", FeeRelief.asked_by.is_distinct_from(uow.ctx.actor.account_id))
    )
    return int((await uow.session.execute(query)).scalar_one())


# -- billing ---------------------------------------------------------------------------------------------------------


async def charges(uow: UnitOfWork, request: BillingRequest) -> list[ChargeProposal]:
    """The core's own offerings that have a price: each by its lessons; one by the term or month is charged once for the
    same time: of items that were exchanged for one another each is charged."""
    pack = effective(uow, request.on)
    paid = [
        (child, enrolment)
        for child in request.students
        for enrolment in child.enrolments
        if enrolment.offering.plugin is None and enrolment.offering.service and child.lessons.get(enrolment.id)
        and not pack.ask("fee.payer", amount_fen=1, grades=(child.grade,)).blocks
    ]  # fmt: skip
    found = await prices(uow, sorted({e.offering.service or "" for _child, e in paid}), request.on)
    once = {p.service for p in found if p.unit in ("term", "month")}
    taken: dict[tuple[UUID, str], list[EnrolmentView]] = {}
    proposals = []
    for child, enrolment in sorted(paid, key=lambda pair: -pair[0].lessons[pair[1].id]):
        service = enrolment.offering.service or ""
        before = taken.setdefault((child.student_id, service), [])
        if service in once and any(enrolment.at_once(other) for other in before):
            continue
        before.append(enrolment)
        proposals.append(
            ChargeProposal(
                student_id=child.student_id,
                service=service,
                title=enrolment.offering.title,
                quantity=child.lessons[enrolment.id],
                enrolment_id=enrolment.id,
                offering_id=enrolment.offering.id,
            )
        )
    return proposals


async def reductions(
    uow: UnitOfWork, request: BillingRequest, priced: tuple[PricedCharge, ...]
) -> list[ReductionProposal]:
    """What granted relief takes off the service charges, rounded in the family's favour."""
    query = select(FeeRelief).where(
        FeeRelief.state == "granted",
        FeeRelief.student_id.in_([s.student_id for s in request.students]),
        FeeRelief.from_on <= request.on,
        FeeRelief.until_on >= request.on,
    )
    sums: dict[UUID, int] = {}
    for charge in priced:
        if charge.proposal.fund == "service":
            id_ = charge.proposal.student_id
            sums[id_] = sums.get(id_, 0) + int(charge.amount)
    return [
        ReductionProposal(
            student_id=row.student_id,
            service=None,
            fen=rules.relief_of(sums[row.student_id], _percent(uow, row.percent, request.on)),
            ground=GROUND,
            reference=row.id,
            clause=row.clause,
        )
        for row in (await uow.session.execute(query)).scalars().all()
        if sums.get(row.student_id)
    ]


async def objections(uow: UnitOfWork, drafts: tuple[BillDraft, ...]) -> list[Objection]:
    """What holds a bill back: an open request about it, and a granted relief that did not reach it as it must."""
    return [*await _waiting(uow, drafts), *_unrelieved(uow, drafts)]


def _unrelieved(uow: UnitOfWork, drafts: tuple[BillDraft, ...]) -> list[Objection]:
    """The pack's word on what a child in hardship still pays for the service (R-345, R-346)."""
    pack = effective(uow)
    found: list[Objection] = []
    for bill in drafts:
        if not any(r.ground == GROUND for r in bill.reductions):
            continue
        full = sum(int(c.amount) for c in bill.charges if c.proposal.fund == "service")
        services = {c.proposal.service for c in bill.charges if c.proposal.fund == "service"}
        full -= sum(int(r.fen) for r in bill.reductions if r.service in services)  # not taken: nothing to relieve
        left = full - sum(int(r.fen) for r in bill.reductions if r.service is None)
        verdict = pack.ask_all(rules.of_relieved(full, left))
        found += [replace(o, subject_id=bill.student_id) for o in verdict.blocks]
    return found


async def _waiting(uow: UnitOfWork, drafts: tuple[BillDraft, ...]) -> list[Objection]:
    """A bill waits while a request about it is open: relief is settled before the fee is taken (R-347)."""
    query = select(FeeRelief.student_id).where(
        FeeRelief.state == "requested", FeeRelief.student_id.in_([d.student_id for d in drafts])
    )
    clause = effective(uow).get("fee.hardship").clause
    message = _("有一项事项还在办理，办完后再次生成账单即可")
    return [
        Objection("fees.in_progress", message, "block", clause, subject_id=id_)
        for id_ in (await uow.session.execute(query)).scalars().all()
    ]


async def child_of(uow: UnitOfWork, row: FeeRelief) -> StudentView | None:
    """The child of a request, None when it has left."""
    try:
        return await student(uow, row.student_id)
    except NotFound:
        return None
