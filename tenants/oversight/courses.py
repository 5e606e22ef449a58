"""The bureau's side of the review of offerings: received as documents, passed with a number or returned (R-096)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from core.base import clock
from core.base.ids import new_id
from core.base.text import lazy_gettext as _l
from core.db.correspondence import UNREADABLE, from_child, refuse
from core.db.delivery import Delivery
from core.db.uow import UnitOfWork
from core.enrollment.vetting.documents import DECISION, OfferingDecision, OfferingSent
from core.ledger.numbers import next_number, show_number
from tenants.oversight.models import ReceivedOffering
from tenants.oversight.states import COURSE


async def receive(delivery: Delivery) -> None:
    """An offering arrives. Refused for good unless a school right under this bureau sent it, it can be read, and the
    round before it is decided; the same round a second time changes nothing."""
    school = await from_child(delivery)
    try:
        sent = OfferingSent.model_validate(dict(delivery.payload))
    except ValidationError:
        await refuse(delivery, UNREADABLE)
    uow = delivery.uow
    await uow.hold(f"course/{school.id}/{sent.offering_id}")
    before = select(ReceivedOffering.id).where(
        ReceivedOffering.school_id == school.id,
        ReceivedOffering.offering_id == sent.offering_id,
        ReceivedOffering.round < sent.round,
        ReceivedOffering.state == "received",
    )
    if (await uow.session.execute(before.limit(1))).first() is not None:
        await refuse(delivery, _l("上一次报送还在审核，不能再报"))
    made = await uow.session.execute(
        insert(ReceivedOffering)
        .values(
            tenant_id=uow.ctx.tenant_id,
            id=new_id(),
            school_id=school.id,
            school_name=school.name,
            offering_id=sent.offering_id,
            round=sent.round,
            term_code=sent.term_code,
            title=sent.content.title,
            content=sent.content.model_dump(mode="json"),
            sent_by=sent.sent_by,
        )
        .on_conflict_do_nothing()
        .returning(ReceivedOffering.id)
    )
    id_ = made.scalar_one_or_none()
    if id_ is not None:
        await uow.audit("course.receive", "oversight_offering", id_, school=school.id, round=sent.round)


async def decide(uow: UnitOfWork, id_: UUID, *, passed: bool, reason: str = "") -> ReceivedOffering:
    """Pass it, which gives it a number, or return it with a reason; the answer goes to the school.

    Raises ReasonOwed, MoveRefused, Forbidden, NotFound.
    """
    row = await uow.get(ReceivedOffering, id_, lock=True)
    said = reason.strip()[:4000]
    await COURSE.transition(uow, row, "pass" if passed else "return", reason=said)
    row.decided_at, row.decided_by, row.reason = clock.now(), uow.ctx.actor.name, said
    if passed:
        scope = str(clock.today().year)
        row.number = show_number("KC", scope, await next_number(uow, "course_review", scope), width=4)
    answer = OfferingDecision(
        offering_id=row.offering_id,
        round=row.round,
        decision=row.state,
        reason=said,
        number=row.number,
        decided_by=f"{uow.ctx.name} {row.decided_by}".strip(),
    )
    await uow.send_document(row.school_id, DECISION, answer.model_dump(mode="json"), key=f"{DECISION}/{row.id}")
    await uow.session.flush()
    return row


async def waiting(uow: UnitOfWork) -> int:
    """How many offerings wait for a decision: the badge."""
    query = select(func.count()).select_from(ReceivedOffering).where(ReceivedOffering.state == "received")
    return (await uow.session.execute(query)).scalar_one()


async def listed(
    uow: UnitOfWork, *, state: str = "", offset: int = 0, size: int = 20
) -> tuple[int, Sequence[ReceivedOffering]]:
    """Offerings received: those that wait first, oldest first; then the newest decisions."""
    query = select(ReceivedOffering)
    if state:
        query = query.where(ReceivedOffering.state == state)
    total = (await uow.session.execute(select(func.count()).select_from(query.subquery()))).scalar_one()
    order: tuple[Any, ...] = (
        (ReceivedOffering.state == "received").desc(),
        ReceivedOffering.decided_at.desc().nulls_first(),
        ReceivedOffering.created_at,
        ReceivedOffering.id,
    )
    return total, (await uow.session.execute(query.order_by(*order).offset(offset).limit(size))).scalars().all()


async def rounds_of(uow: UnitOfWork, row: ReceivedOffering) -> Sequence[ReceivedOffering]:
    """All rounds of the same offering, the newest first."""
    query = select(ReceivedOffering).where(
        ReceivedOffering.school_id == row.school_id, ReceivedOffering.offering_id == row.offering_id
    )
    return (await uow.session.execute(query.order_by(ReceivedOffering.round.desc()))).scalars().all()
