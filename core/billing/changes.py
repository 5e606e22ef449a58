"""What joining later and exchanging an item do to a term that is billed already (R-149, R-214, R-374).

The run that a finance role starts settles them, with what it shows beforehand. An exchanged item whose bill is not
paid yet: the bill is voided and made anew in the same run. One that is paid: the family's part of the lessons that it
gave up is owed back, once. What the child took up later goes on a further bill of the term.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from math import ceil
from uuid import UUID

from sqlalchemy import func, select

from core.base import clock
from core.base.text import gettext as _
from core.billing import refunds
from core.billing.alerts import settle_swaps
from core.billing.drafts import Earlier
from core.billing.models import Bill, BillLine, BillReduction, PaymentAttempt, Refund
from core.billing.service import void
from core.billing.views import BilledStudent
from core.db.uow import UnitOfWork
from core.enrollment import service as enrollment


@dataclass(frozen=True, slots=True)
class GivenUp:
    """A line of a live bill whose item was exchanged. `unused` of its `lessons` are not taken; `at`: when."""

    bill: Bill
    line: BillLine
    unused: int
    lessons: int
    at: datetime

    @property
    def paid(self) -> bool:
        return self.bill.state in ("paid", "part_refunded", "refunded")


async def given_up(uow: UnitOfWork, term_id: UUID, students: Sequence[BilledStudent]) -> list[GivenUp]:
    """Lines of exchanged items of these children that no run has settled yet, by bill."""
    query = (
        select(Bill, BillLine)
        .join(BillLine, (BillLine.tenant_id == Bill.tenant_id) & (BillLine.bill_id == Bill.id))
        .where(
            Bill.term_id == term_id,
            Bill.student_id.in_([s.student_id for s in students]),
            Bill.state != "void",
            BillLine.enrolment_id.is_not(None),
            BillLine.swap_back_fen.is_(None),
        )
        .order_by(Bill.id, BillLine.id)
    )
    lines = [(row[0], row[1]) for row in (await uow.session.execute(query)).all()]
    moments = await enrollment.swapped_at(uow, {line.enrolment_id for _bill, line in lines if line.enrolment_id})
    covered = {id_: n for student in students for id_, n in student.lessons.items()}
    found = []
    for bill, line in lines:
        lessons = line.lessons if line.lessons is not None else line.quantity if line.unit == "lesson" else 0
        used = covered.get(line.enrolment_id, 0) if line.enrolment_id else lessons
        if line.enrolment_id in moments and used < lessons:
            found.append(GivenUp(bill, line, lessons - used, lessons, moments[line.enrolment_id]))
    return found


async def backs(uow: UnitOfWork, found: Sequence[GivenUp]) -> list[int]:
    """Fen that the family gets back of each: what it paid for the line, in the proportion of the lessons given up,
    rounded in its favour. What a finance role gave back of the bill by hand since the exchange is counted, once: such
    a refund names a fund and no line, so that any of it may be for this one. If it was for another, the rest is found
    by refunds.owed_back at the term's end."""
    by_hand: dict[tuple[UUID, str], int] = {}
    result = []
    for one in found:
        if not one.paid:
            result.append(0)
            continue
        owed = ceil(Fraction(await _paid_for(uow, one.line) * one.unused, one.lessons))
        purse = (one.bill.id, one.line.fund)
        if purse not in by_hand:
            since = select(Refund.shares).where(
                Refund.bill_id == one.bill.id,
                Refund.surplus.is_(False),
                Refund.line_id.is_(None),
                Refund.created_at >= one.at,
            )
            by_hand[purse] = sum(int(s.get(purse[1], 0)) for s in (await uow.session.execute(since)).scalars())
        counted = min(owed, by_hand[purse])
        by_hand[purse] -= counted
        result.append(owed - counted)
    return result


async def _paid_for(uow: UnitOfWork, line: BillLine) -> Fraction:
    """What of a bill's amount is this line's: less its own reductions, and its part of those of the whole bill."""
    lines = (await uow.session.execute(select(BillLine).where(BillLine.bill_id == line.bill_id))).scalars().all()
    query = select(BillReduction).where(BillReduction.bill_id == line.bill_id)
    left = {one.id: Fraction(one.amount_fen) for one in lines}
    for less in sorted((await uow.session.execute(query)).scalars(), key=lambda r: r.service is None):
        on = [
            one
            for one in lines
            if (one.fund == "service" if less.service is None else one.service == less.service) and left[one.id]
        ]
        own = [one for one in on if one.enrolment_id == less.reference] or on
        total = sum((left[one.id] for one in own), Fraction(0))
        for one in own:
            left[one.id] -= min(left[one.id], less.amount_fen * left[one.id] / total)
    return left[line.id]


async def settle(uow: UnitOfWork, term_id: UUID, students: Sequence[BilledStudent], by: UUID | None) -> None:
    """Void unpaid bills of exchanged items and owe back what was paid, each once. The caller holds the term's lock of
    billing; `by` is the account that started the run and so approved it."""
    seen = await given_up(uow, term_id, students)
    touched = sorted({one.bill.id for one in seen})
    for bill_id in touched:  # locked first: it may just be paid
        bill = await uow.get(Bill, bill_id, lock=True)
        if bill.state == "issued":
            await void(uow, bill_id, _("中途换项，账单重新计算"))
    found = [one for one in await given_up(uow, term_id, students) if one.bill.id in touched]
    for one, fen in zip(found, await backs(uow, found), strict=True):
        await _give_back(uow, one, fen, by)
    await settle_swaps(uow, term_id, [s.student_id for s in students], _("生成账单时已按规定结算"))


async def _give_back(uow: UnitOfWork, one: GivenUp, fen: int, by: UUID | None) -> None:
    query = select(PaymentAttempt).where(PaymentAttempt.bill_id == one.bill.id, PaymentAttempt.state == "succeeded")
    attempts = (await uow.session.execute(query.order_by(PaymentAttempt.id).with_for_update())).scalars().all()
    sent = 0
    for attempt in attempts:
        part = min(fen - sent, attempt.received_fen - await refunds.live_refunds(uow, attempt.id))
        if part > 0:
            reason = _("中途换项：%(title)s 未上的 %(n)s 次", title=one.line.title, n=one.unused)
            shares = {one.line.fund: part}
            await refunds.owe(uow, attempt, shares, reason, by, clock.today(), line_id=one.line.id)
            sent += part
    one.line.swap_back_fen = sent
    await uow.session.flush()


async def earlier(
    uow: UnitOfWork, term_id: UUID, student_ids: Collection[UUID], *, without: Collection[UUID] = ()
) -> dict[UUID, Earlier]:
    """What these children were billed before in this term, by child; those without a live bill are left out, and so are
    the bills `without`."""
    live = (
        Bill.term_id == term_id,
        Bill.student_id.in_(list(student_ids)),
        Bill.state != "void",
        Bill.id.not_in(list(without)),
    )
    of_bill = (BillLine.tenant_id == Bill.tenant_id) & (BillLine.bill_id == Bill.id)
    parts = select(Bill.student_id, func.max(Bill.part)).where(*live).group_by(Bill.student_id)
    last = {row[0]: int(row[1]) for row in (await uow.session.execute(parts)).all()}
    lines = select(Bill.student_id, BillLine).join(BillLine, of_bill)
    fen = dict.fromkeys(last, 0)
    on: dict[UUID, set[UUID]] = {id_: set() for id_ in last}
    by_time: dict[UUID, set[tuple[UUID, str]]] = {id_: set() for id_ in last}
    for student_id, line in (await uow.session.execute(lines.where(*live))).all():
        fen[student_id] += line.amount_fen if line.fund == "service" else 0
        if line.enrolment_id is not None:
            on[student_id].add(line.enrolment_id)
            if line.unit in ("term", "month"):
                by_time[student_id].add((line.enrolment_id, line.service))
    less = select(Bill.student_id, func.sum(BillReduction.amount_fen)).join(
        BillReduction, (BillReduction.tenant_id == Bill.tenant_id) & (BillReduction.bill_id == Bill.id)
    )
    less = less.where(*live, BillReduction.fund == "service").group_by(Bill.student_id)
    gone = select(Bill.student_id, Refund.shares).join(
        Refund, (Refund.tenant_id == Bill.tenant_id) & (Refund.bill_id == Bill.id)
    )
    for student_id, amount in (await uow.session.execute(less)).all():
        fen[student_id] -= int(amount)
    for student_id, shares in (await uow.session.execute(gone.where(*live, Refund.surplus.is_(False)))).all():
        fen[student_id] -= int(shares.get("service", 0))
    return {
        id_: Earlier(part, max(0, fen[id_]), frozenset(on[id_]), frozenset(by_time[id_])) for id_, part in last.items()
    }


def still_to_bill(students: Sequence[BilledStudent], before: Mapping[UUID, Earlier]) -> tuple[BilledStudent, ...]:
    """The children with what of theirs stands on no bill yet. A service of the school's own that is paid by the term or
    month is paid once for the same time, whatever items of it the child takes; an item without hours, such as an
    insurance, once for the term."""
    found = []
    for student in students:
        known = before.get(student.student_id, Earlier(0, 0, frozenset()))
        of = {e.id: e for e in student.enrolments}
        paid = [(of[id_], service) for id_, service in known.by_time if id_ in of]
        fresh = tuple(
            e
            for e in student.enrolments
            if e.id not in known.enrolments
            and not (not e.offering.periods and any(e.offering.id == other.offering.id for other, _service in paid))
            and not (
                e.offering.plugin is None
                and any(service == e.offering.service and e.at_once(other) for other, service in paid)
            )
        )
        if fresh:
            found.append(replace(student, enrolments=fresh))
    return tuple(found)
