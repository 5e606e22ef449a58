"""Closing a term: a list of what must be done first, then a job that settles every fen, ends what runs, and freezes.

After it, the deferred income of the term is nought: each line of each bill is income, owed back to the family, or a
reduction taken back because the lesson that it was for was never held (nobody had paid that part). A reduction lies in
the fund of its charge, so money of one fund stays in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from core.base import clock
from core.base.errors import Conflict
from core.base.money import Fen, split
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.billing import journals, refunds
from core.billing.models import Bill, BillingHold, BillingRun, BillLine, PaymentAttempt, Refund
from core.billing.settle import owed_by_fund
from core.billing.statements import of_term, published, seal_and_post
from core.billing.states import LIVE
from core.billing.words import FUNDS
from core.db.delivery import Delivery
from core.db.kernel_tables import JobRun, Outbox
from core.db.uow import UnitOfWork
from core.enrollment import service as enrollment
from core.ledger import service as ledger
from core.lessons import service as lessons
from core.policy import service as policy
from core.terms.models import Term
from core.terms.states import CLOSE, TERM

JOB = "billing.close_term"
CHUNK = 200
RULE = "refund.lessons_not_held"


class TermNotReady(Conflict):
    code = "term_not_ready"
    text = _l("还不能结账：%(what)s")


@dataclass(frozen=True, slots=True)
class Point:
    """One line of the list before a term is closed: how many stand open, and whether that stops the closing."""

    key: str
    title: Any
    count: int
    stops: bool
    path: str = ""
    """Where on the desk it can be settled."""

    @property
    def open(self) -> bool:
        return self.count > 0


async def points(uow: UnitOfWork, term: Term) -> list[Point]:
    """The list for a term, in the order in which people settle it."""
    mine = Bill.term_id == term.id
    of_bill = (Bill.tenant_id == PaymentAttempt.tenant_id) & (Bill.id == PaymentAttempt.bill_id)
    attempts = select(func.count()).select_from(PaymentAttempt).join(Bill, of_bill)
    sent = select(func.count()).select_from(Refund).join(Bill, Bill.id == Refund.bill_id)
    held = (
        select(func.count(BillingHold.student_id.distinct()))
        .join(BillingRun, BillingRun.id == BillingHold.run_id)
        .where(
            BillingRun.term_id == term.id,
            ~select(Bill.id).where(mine, Bill.state != "void", Bill.student_id == BillingHold.student_id).exists(),
        )
    )
    runs = select(func.count()).select_from(BillingRun)
    runs = runs.where(BillingRun.term_id == term.id, BillingRun.finished_at.is_(None))
    # Income that is still to be told by a lesson that was held must not go back to the family.
    telling = ("billing.earn", "billing.earn_before", "lessons.recount")
    untold = select(func.count()).select_from(Outbox).where(Outbox.name.in_(telling), Outbox.done_at.is_(None))
    unpaid = select(func.count()).select_from(Bill).where(mine, Bill.state == "issued")
    posted = {row.fund for row, of in await published(uow) if of.id == term.id}
    return [
        Point("running", _l("学期还没有结束"), int(clock.today() <= term.ends_on), True, "terms"),
        Point("lessons", _l("还没有核实的课次"), await lessons.open_in_term(uow, term.id), True, "review"),
        Point("untold", _l("还没有入账的课次"), await _count(uow, untold), True, "review"),
        Point("runs", _l("没有做完的账单生成"), await _count(uow, runs), True, "billing"),
        Point("unpaid", _l("还没有缴清或作废的账单"), await _count(uow, unpaid), True, "billing/bills"),
        Point(
            "payments",
            _l("结果不明的付款"),
            await _count(uow, attempts.where(mine, PaymentAttempt.state.in_((*LIVE, "mismatched")))),
            True,
            "alerts",
        ),
        Point(
            "refunds",
            _l("没有退成的退费"),
            await _count(uow, sent.where(mine, Refund.state == "failed")),
            True,
            "alerts",
        ),
        Point("held", _l("没有账单的学生（暂不能生成的）"), await _count(uow, held), False, "billing"),
        Point(
            "undecided",
            _l("没有办完的申请，结账时取消"),
            await enrollment.undecided(uow, term.id),
            False,
            "applications",
        ),
        Point(
            "statements",
            _l("还没有公示收支的资金，结账时公示"),
            len([fund for fund in await _moved(uow, term) if fund not in posted]),
            False,
            "statement",
        ),
    ]


async def start(uow: UnitOfWork, term_id: UUID) -> Term:
    """Begin to close a term, or return the one that is closing or closed: pressing twice is pressing once.

    A job that its worker gave up is set going again. Raises TermNotReady, Forbidden.
    """
    uow.ctx.require(CLOSE)
    term = await uow.get(Term, term_id, lock=True)
    if term.state == "closed":
        return term
    if term.state == "closing":
        bar = await uow.find(JobRun, term.closing_job) if term.closing_job else None
        if bar is None or bar.state != "failed":
            return term
    else:
        standing = [point for point in await points(uow, term) if point.stops and point.open]
        if standing:
            said = "、".join(f"{point.title}（{point.count}）" for point in standing)
            raise TermNotReady(what=said)
        term.closed_by = uow.ctx.actor.name
        await TERM.transition(uow, term, "close")
    term.closings += 1
    payload = {"term_id": term.id, "by": uow.ctx.actor.account_id}
    term.closing_job = await uow.enqueue(JOB, payload, key=f"{term.id}/{term.closings}")
    await uow.session.flush()
    return term


async def close_term(job: Delivery) -> None:
    """The long job {term_id, by}: settles bills in chunks, ends what runs, posts the statements, freezes the term.

    Each chunk is a transaction that leaves less to do, so a killed job goes on where it was.
    """
    term_id = UUID(job.payload["term_id"])
    by = UUID(job.payload["by"]) if job.payload.get("by") else None
    async with job.unit() as uow:
        term = await uow.get(Term, term_id)
        if term.state != "closing":
            return
        total, done = await _unsettled(uow, term_id) + 1, 0
    while True:
        await job.progress(min(done, total), total, _("正在结清预收款"))
        async with job.unit() as uow:
            count = await settle_chunk(uow, await uow.get(Term, term_id), by)
        done += count
        if not count:
            break
    while True:
        await job.progress(total, total, _("正在结束报名和协议"))
        async with job.unit() as uow:
            if not await enrollment.end_chunk(uow, await uow.get(Term, term_id)):
                break
    async with job.unit() as uow:
        summary = await _freeze(uow, term_id)
    await job.progress(total, total, _("学期已结账"), **summary)


async def settle_chunk(uow: UnitOfWork, term: Term, by: UUID | None) -> int:
    """Settle the next bills of a term in which something is neither income nor returned; how many there were."""
    query = select(Bill).where(Bill.id.in_(_left(term.id))).order_by(Bill.id).limit(CHUNK)
    bills = (await uow.session.execute(query.with_for_update())).scalars().all()
    pack = policy.effective(uow, term.ends_on)
    gives_back = not pack.ask(RULE, lessons_not_held_refunded=False).ok
    facts = {bill.id: await settle_bill(uow, bill, term, by, gives_back=gives_back) for bill in bills}
    if facts:
        await policy.record_each(uow, "billing.close", "bill", RULE, facts, pack=pack)
    return len(bills)


async def settle_bill(
    uow: UnitOfWork, bill: Bill, term: Term, by: UUID | None, *, gives_back: bool
) -> dict[str, dict[str, int]]:
    """Take a locked bill's deferred income to nought; says in fen by fund what was `refunded`, `earned`, `unused`.

    1. What is not given lesson by lesson (an insurance) was given: it is income.
    2. The family gets back what it paid for lessons not held, to the fen, less what went back before; where no rule
       gives it back, it is income.
    3. The rest is the reduction of those lessons, which nobody paid.
    """
    query = select(BillLine).where(BillLine.bill_id == bill.id).order_by(BillLine.id).with_for_update()
    lines = (await uow.session.execute(query)).scalars().all()
    known = await enrollment.offerings_by_id(uow, {line.offering_id for line in lines if line.offering_id})
    income: dict[str, int] = {}
    for line in lines:
        by_lesson = line.offering_id in known and bool(known[line.offering_id].periods)
        if not by_lesson and (left := _left_of(line)):
            line.earned_fen += left
            income[line.fund] = income.get(line.fund, 0) + left
    owed, gone = await owed_by_fund(uow, bill.id), await refunds.returned_by_fund(uow, bill.id)
    shares = await refunds.taken_shares(uow, bill.id, lines)
    back: dict[str, int] = {}
    for fund in sorted({line.fund for line in lines}):
        mine = [line for line in lines if line.fund == fund]
        charged, left = sum(x.amount_fen * shares[x.id] for x in mine), sum(map(_left_of, mine))
        earned = sum(x.earned_fen * shares[x.id] for x in mine)
        paid = bill.paid_fen == bill.due_fen > 0
        part = min(left, refunds.back(owed[fund], charged, earned, gone.get(fund, 0))) if paid else 0
        if part and gives_back:
            back[fund] = part
        elif part:
            for line, share in _shared(mine, part):
                line.earned_fen += share
            income[fund] = income.get(fund, 0) + part
    await uow.session.flush()
    if back:
        await refunds.owe(uow, await _payment(uow, bill, back), back, _("学期结束，未开展的课次退费"), by, term.ends_on)
    unused: dict[str, int] = {}
    for line in lines:
        if left := _left_of(line):
            line.unused_fen += left
            unused[line.fund] = unused.get(line.fund, 0) + left
    await uow.session.flush()
    await ledger.post(uow, *journals.closed_unheld(bill.id, term.ends_on, unused, income))
    return {"refunded": back, "earned": income, "unused": unused}


def _left_of(line: BillLine) -> int:
    return line.amount_fen - line.earned_fen - line.returned_fen - line.unused_fen


def _shared(lines: Sequence[BillLine], amount: int) -> list[tuple[BillLine, int]]:
    parts = split(Fen(amount), [_left_of(line) for line in lines])
    return [(line, int(part)) for line, part in zip(lines, parts, strict=True)]


async def _payment(uow: UnitOfWork, bill: Bill, back: journals.Shares) -> PaymentAttempt:
    """The payment of the bill that so much can go back to. A paid bill has one, and it was paid whole."""
    query = select(PaymentAttempt).where(PaymentAttempt.bill_id == bill.id, PaymentAttempt.state == "succeeded")
    for attempt in (await uow.session.execute(query.with_for_update())).scalars().all():
        if attempt.received_fen - await refunds.live_refunds(uow, attempt.id) >= sum(back.values()):
            return attempt
    raise LookupError(f"bill {bill.id} is paid, but no payment is left that {sum(back.values())} fen can go back to")


async def _freeze(uow: UnitOfWork, term_id: UUID) -> dict[str, int]:
    """Post the last statements and close the term for good; what its bills came to, in fen."""
    term = await uow.get(Term, term_id, lock=True)
    funds = await _moved(uow, term)
    for fund in funds:
        await seal_and_post(uow, term_id, fund, by=term.closed_by)
    lines = (
        func.coalesce(func.sum(BillLine.earned_fen), 0),
        func.coalesce(func.sum(BillLine.returned_fen), 0),
        func.coalesce(func.sum(BillLine.unused_fen), 0),
    )
    query = select(*lines).join(Bill, Bill.id == BillLine.bill_id).where(Bill.term_id == term_id, Bill.state != "void")
    earned, returned, unused = (await uow.session.execute(query)).one()
    term.closed_at = clock.now()
    await TERM.transition(uow, term, "finish")
    return {"earned_fen": int(earned), "returned_fen": int(returned), "unused_fen": int(unused), "funds": len(funds)}


def _left(term_id: UUID) -> Any:
    """Ids of the term's bills with a line that is not settled."""
    return (
        select(BillLine.bill_id)
        .join(Bill, Bill.id == BillLine.bill_id)
        .where(
            Bill.term_id == term_id,
            Bill.state != "void",
            BillLine.amount_fen > BillLine.earned_fen + BillLine.returned_fen + BillLine.unused_fen,
        )
    )


async def _unsettled(uow: UnitOfWork, term_id: UUID) -> int:
    query = select(func.count()).select_from(_left(term_id).distinct().subquery())
    return await _count(uow, query)


async def _moved(uow: UnitOfWork, term: Term) -> list[str]:
    """Funds with money or movement by the end of the term."""
    return [fund for fund in FUNDS if any(x.closing or x.journals for x in (await of_term(uow, term, fund)).lines)]


async def _count(uow: UnitOfWork, query: Any) -> int:
    return int((await uow.session.execute(query)).scalar_one())
