"""The bureau's side of filing: plans received as documents, checked by the bureau itself, passed or returned.

A school's word is taken for nothing but what it wants: who sent it says the outbox, whose school it is says the
directory, what the rules say to it is asked here again (R-036, R-037).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from datetime import date
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from core.base import clock
from core.base.errors import Invalid
from core.base.ids import new_id
from core.base.text import lazy_gettext as _l
from core.db.correspondence import UNREADABLE, from_child, organisation, refuse
from core.db.delivery import Delivery
from core.db.global_tables import Organisation
from core.db.uow import UnitOfWork
from core.enrollment.plan_check import Finding, School, findings, stages_of, without_reason
from core.enrollment.plan_filing import DECISION, Decision, Filing
from core.enrollment.plan_schemas import PlanContent, read_content
from core.ledger.numbers import next_number, show_number
from core.policy import service as policy
from core.policy.ask import EffectivePack
from tenants.oversight.models import ReceivedPlan
from tenants.oversight.states import FILING, StillObjected


async def receive_filing(delivery: Delivery) -> None:
    """A plan arrives. Refused for good unless a school right under this bureau sent it and it can be read; the same
    round a second time changes nothing. Where the scheme asks for filing only, receipt is the filing (R-037)."""
    school = await from_child(delivery)
    try:
        sent = Filing.model_validate(dict(delivery.payload))
        starts_on = date.fromisoformat(sent.starts_on)
        content = read_content(sent.content)
        pdf = base64.b64decode(sent.paper, validate=True)
    except (ValidationError, Invalid, ValueError, binascii.Error):
        await refuse(delivery, UNREADABLE)
    if not pdf.startswith(b"%PDF-"):
        await refuse(delivery, _l("附件不是 PDF"))
    uow = delivery.uow
    await uow.hold(f"filing/{sent.plan_id}")
    if await _open_round(uow, school.id, sent.plan_id, before=sent.round):
        await refuse(delivery, _l("上一次报送还在审核，不能再报"))
    pack = pack_for(uow, school, starts_on)
    found = check(pack, content, school, starts_on)
    made = await uow.session.execute(
        insert(ReceivedPlan)
        .values(
            tenant_id=uow.ctx.tenant_id,
            id=new_id(),
            school_id=school.id,
            school_name=school.name,
            plan_id=sent.plan_id,
            round=sent.round,
            version=sent.version,
            term_code=sent.term_code,
            starts_on=starts_on,
            mode=str(pack.get("plan.filing").value),
            content=content.data(),
            findings=[f.record() for f in found],
            reasons=sent.reasons,
            pack=pack.key,
            revision=pack.revision,
            paper=pdf,
            paper_sha256=hashlib.sha256(pdf).hexdigest(),
            sent_by=sent.sent_by,
        )
        .on_conflict_do_nothing()
        .returning(ReceivedPlan.id)
    )
    id_ = made.scalar_one_or_none()
    if id_ is None:
        return
    await uow.audit("filing.receive", "oversight_filing", id_, school=school.id, round=sent.round)
    row = await uow.get(ReceivedPlan, id_, lock=True)
    if row.mode in ("none", "file"):
        await _decide(uow, row, "file", "filed")


async def _open_round(uow: UnitOfWork, school_id: UUID, plan_id: UUID, *, before: int) -> bool:
    query = select(ReceivedPlan.id).where(
        ReceivedPlan.school_id == school_id,
        ReceivedPlan.plan_id == plan_id,
        ReceivedPlan.round < before,
        ReceivedPlan.state == "received",
    )
    return (await uow.session.execute(query.limit(1))).first() is not None


def pack_for(uow: UnitOfWork, school: Organisation, starts_on: date) -> EffectivePack:
    """The rules that bind a school's plan: those of the term's first day, or of today once it has begun."""
    return policy.for_pack(uow.house, school.pack, max(clock.today(), starts_on))


def check(pack: EffectivePack, content: PlanContent, school: Organisation, starts_on: date) -> list[Finding]:
    """What the rules say, asked by the bureau."""
    return findings(pack, content, School(stages_of(school.level), starts_on))


async def findings_now(uow: UnitOfWork, row: ReceivedPlan) -> list[Finding]:
    """The objections of today's rules to a plan received."""
    school = await organisation(uow, row.school_id)
    pack = pack_for(uow, school, row.starts_on)
    return check(pack, PlanContent.model_validate(row.content), school, row.starts_on)


async def pass_plan(uow: UnitOfWork, filing_id: UUID) -> ReceivedPlan:
    """Pass a plan: it gets its filing number, and the answer goes to the school.

    Raises StillObjected while a rule blocks it or a warning has no reason, MoveRefused, Forbidden, NotFound.
    """
    row = await uow.get(ReceivedPlan, filing_id, lock=True)
    if row.state == "received":
        found = await findings_now(uow, row)
        standing = [f for f in found if f.blocks] + without_reason(found, row.reasons)
        objections = [f.objection for f in standing]
        pack = pack_for(uow, await organisation(uow, row.school_id), row.starts_on)
        if not await policy.decided(uow, "plan_filing.pass", "plan_filing", row.id, objections, pack=pack):
            raise StillObjected(count=len(standing), objections=[f.objection for f in standing])
    await _decide(uow, row, "pass", "passed")
    return row


async def return_plan(uow: UnitOfWork, filing_id: UUID, reason: str) -> ReceivedPlan:
    """Send a plan back; the school sees the reason. Raises ReasonOwed, MoveRefused, Forbidden, NotFound."""
    row = await uow.get(ReceivedPlan, filing_id, lock=True)
    await _decide(uow, row, "return", "returned", reason=reason.strip()[:4000])
    return row


async def _decide(uow: UnitOfWork, row: ReceivedPlan, event: str, decision: str, reason: str = "") -> None:
    await FILING.transition(uow, row, event, reason=reason, payload={"school": row.school_id, "round": row.round})
    row.decided_at, row.decided_by, row.reason = clock.now(), uow.ctx.actor.name, reason
    if uow.ctx.actor.kind == "worker":
        row.decided_by = uow.ctx.name
    if decision != "returned":
        scope = str(clock.today().year)
        row.number = show_number("BA", scope, await next_number(uow, "plan_filing", scope), width=4)
    said = Decision(
        plan_id=row.plan_id,
        round=row.round,
        decision=decision,
        reason=reason,
        number=row.number,
        decided_by=f"{uow.ctx.name} {row.decided_by}" if row.decided_by != uow.ctx.name else uow.ctx.name,
    )
    await uow.send_document(row.school_id, DECISION, said.model_dump(mode="json"), key=f"{DECISION}/{row.id}")
    await uow.session.flush()


# ---- reading ------------------------------------------------------------------------------------------------


async def waiting(uow: UnitOfWork) -> int:
    """How many plans wait for a decision: the badge."""
    query = select(func.count()).select_from(ReceivedPlan).where(ReceivedPlan.state == "received")
    return (await uow.session.execute(query)).scalar_one()


async def listed(
    uow: UnitOfWork, *, state: str = "", q: str = "", school_id: UUID | None = None, offset: int = 0, size: int = 20
) -> tuple[int, list[Any]]:
    """Plans received: those that wait first, oldest first; then the newest decisions. No paper is read."""
    query = select(
        ReceivedPlan.id,
        ReceivedPlan.school_name,
        ReceivedPlan.term_code,
        ReceivedPlan.version,
        ReceivedPlan.round,
        ReceivedPlan.state,
        ReceivedPlan.number,
        ReceivedPlan.created_at,
        ReceivedPlan.decided_at,
        ReceivedPlan.decided_by,
        ReceivedPlan.findings,
    )
    if state:
        query = query.where(ReceivedPlan.state == state)
    if school_id is not None:
        query = query.where(ReceivedPlan.school_id == school_id)
    if q.strip():
        query = query.where(ReceivedPlan.school_name.contains(q.strip(), autoescape=True))
    total = (await uow.session.execute(select(func.count()).select_from(query.subquery()))).scalar_one()
    waits = ReceivedPlan.state == "received"
    order = (waits.desc(), ReceivedPlan.decided_at.desc().nulls_first(), ReceivedPlan.created_at, ReceivedPlan.id)
    rows = (await uow.session.execute(query.order_by(*order).offset(offset).limit(size))).all()
    return total, list(rows)


async def rounds_of(uow: UnitOfWork, row: ReceivedPlan) -> list[Any]:
    """All rounds of the same plan, the newest first, without papers."""
    query = (
        select(
            ReceivedPlan.id,
            ReceivedPlan.round,
            ReceivedPlan.version,
            ReceivedPlan.state,
            ReceivedPlan.created_at,
            ReceivedPlan.decided_at,
            ReceivedPlan.decided_by,
            ReceivedPlan.reason,
            ReceivedPlan.number,
        )
        .where(ReceivedPlan.school_id == row.school_id, ReceivedPlan.plan_id == row.plan_id)
        .order_by(ReceivedPlan.round.desc())
    )
    return list((await uow.session.execute(query)).all())


async def previous(uow: UnitOfWork, row: ReceivedPlan) -> ReceivedPlan | None:
    """The round before this one: what the officer compares with."""
    query = (
        select(ReceivedPlan)
        .where(
            ReceivedPlan.school_id == row.school_id,
            ReceivedPlan.plan_id == row.plan_id,
            ReceivedPlan.round < row.round,
        )
        .order_by(ReceivedPlan.round.desc())
        .limit(1)
    )
    return (await uow.session.execute(query)).scalar_one_or_none()


def changed_sections(new: ReceivedPlan, old: ReceivedPlan | None) -> set[str]:
    """The sections that differ from the round before."""
    if old is None:
        return set()
    return {key for key in new.content if new.content[key] != old.content.get(key)}
