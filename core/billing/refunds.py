"""Giving money back: approved by a finance role, sent to the paying account by a job, never more than was paid."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import date
from fractions import Fraction
from math import ceil
from uuid import UUID

from sqlalchemy import func, select, text

from core.base import clock
from core.base.errors import FieldError
from core.base.ids import new_id, stable_id
from core.base.money import Fen, split
from core.base.text import lazy_gettext as _l
from core.billing import journals
from core.billing.alerts import raise_alert, settle_alert
from core.billing.errors import BankTooLow, LessonsOwed, NothingInSuspense, NotToPayer, SecondPerson, TooMuchBack
from core.billing.models import Bill, BillLine, BillReduction, PaymentAttempt, Refund
from core.billing.payments import provider_named
from core.billing.port import ProviderRefused, ProviderUnsure, RefundOutcome, RefundRequest
from core.billing.settle import owed_by_fund
from core.billing.states import ATTEMPT, BILL, REFUND
from core.billing.words import FUNDS
from core.db.delivery import Delivery, RetryLater
from core.db.uow import UnitOfWork
from core.ledger import service as ledger
from core.ledger.chart import SERVICE
from core.ledger.errors import OutOfBounds
from core.ledger.types import Journal
from core.policy import service as policy
from core.terms.models import Term
from core.web.i18n import money


async def approve(uow: UnitOfWork, attempt_id: UUID, amount_fen: int, reason: str) -> Refund:
    """Owe `amount_fen` of one payment back to the family and have it sent. Raises TooMuchBack, LessonsOwed."""
    uow.ctx.require("billing.refund")
    attempt = await uow.get(PaymentAttempt, attempt_id)
    bill = await uow.get(Bill, attempt.bill_id, lock=True)
    left = attempt.received_fen - await live_refunds(uow, attempt_id)
    if attempt.state != "succeeded" or not 0 < amount_fen <= left:
        wrong = FieldError("amount", _l("请填写不超过剩余可退金额的数"), "above_paid")
        raise TooMuchBack(fields=[wrong], left=money(max(0, left)))
    await _refuse_too_little(uow, bill, amount_fen, left)
    owed = journals.less(await owed_by_fund(uow, bill.id), await returned_by_fund(uow, bill.id))
    shares = journals.by_fund(amount_fen, owed)
    return await owe(uow, attempt, shares, reason, uow.ctx.actor.account_id, clock.today())


async def owe(
    uow: UnitOfWork,
    attempt: PaymentAttempt,
    shares: journals.Shares,
    reason: str,
    by: UUID | None,
    on: date,
    line_id: UUID | None = None,
) -> Refund:
    """Owe `shares` (fen by fund) of a payment back and have them sent. The caller holds bill and attempt and has made
    sure that so much is left; `by` is the account that approved it, `on` the day in the books,
    `line_id` the line that it is for (None: all of the bill)."""
    amount_fen = sum(shares.values())
    refund = Refund(
        id=new_id(),
        bill_id=attempt.bill_id,
        attempt_id=attempt.id,
        amount_fen=amount_fen,
        reason=reason.strip(),
        state="approved",
        shares=dict(shares),
        line_id=line_id,
        approved_by=by,
    )
    uow.session.add(refund)
    unearned = await _take_unearned(uow, attempt.bill_id, shares, line_id)
    await uow.audit("refund.approve", "refund", refund.id, bill=attempt.bill_id, amount_fen=amount_fen, reason=reason)
    await uow.enqueue("billing.refund", {"refund_id": refund.id}, key=f"{refund.id}/0")
    await uow.session.flush()
    await ledger.post(uow, journals.refund_owed(refund.id, on, unearned, journals.less(shares, unearned)))
    return refund


async def _refuse_too_little(uow: UnitOfWork, bill: Bill, amount_fen: int, left: int) -> None:
    """After the term no lesson can come any more: a refund covers all that was not held. Raises LessonsOwed."""
    if (await uow.get(Term, bill.term_id)).ends_on >= clock.today():
        return
    owed = min(left, await quote(uow, bill.id, funds=(SERVICE,)))
    verdict = policy.effective(uow).ask("refund.lessons_not_held", lessons_not_held_refunded=amount_fen >= owed)
    if verdict.blocks:
        wrong = FieldError("amount", _l("少于未开展课次应退的金额"), "below_owed")
        raise LessonsOwed(fields=[wrong], objections=[o.record() for o in verdict.blocks], owed=money(owed))


_OWED_BACK = text("""
with line as (
  select l.bill_id, sum(l.amount_fen - coalesce(p.fen, 0)) as charged,
         sum(l.earned_fen::numeric * (l.amount_fen - coalesce(p.fen, 0)) / greatest(l.amount_fen, 1)) as earned
  from bill_line l
  left join lateral (
    select sum(r.amount_fen) as fen from bill_reduction r
    where r.tenant_id = :tenant and r.bill_id = l.bill_id and r.reference = l.enrolment_id
  ) p on true
  where l.tenant_id = :tenant and l.fund = :fund group by l.bill_id
), charged as (
  select bill_id, sum(amount_fen) as fen from bill_line where tenant_id = :tenant and fund = :fund group by bill_id
), less as (
  select bill_id, sum(amount_fen) as fen from bill_reduction where tenant_id = :tenant and fund = :fund group by bill_id
), gone as (
  select bill_id, sum((shares ->> :fund)::bigint) as fen from refund
  where tenant_id = :tenant and not surplus group by bill_id
)
select b.id from bill b
join line l on l.bill_id = b.id
join charged c on c.bill_id = b.id
left join less on less.bill_id = b.id
left join gone on gone.bill_id = b.id
where b.tenant_id = :tenant and b.term_id = :term and b.due_fen > 0 and b.paid_fen = b.due_fen
  and l.charged > 0
  -- A division of numerics may be too large by its last digit: that is no fen.
  and ceil((c.fen - coalesce(less.fen, 0)) * (l.charged - l.earned) / l.charged - 0.000001) > coalesce(gone.fen, 0)
order by b.id""")
"""`back` of each bill's service fund, for all bills of a term at once."""


async def owed_back(uow: UnitOfWork, term_id: UUID) -> list[UUID]:
    """Paid bills of a term of which something is owed back for lessons not held: after its last day, a duty (R-374)."""
    rows = await uow.session.execute(_OWED_BACK, {"tenant": uow.ctx.tenant_id, "term": term_id, "fund": SERVICE})
    return list(rows.scalars().all())


async def live_refunds(uow: UnitOfWork, attempt_id: UUID) -> int:
    """Fen of a payment that were given back or are owed: a failed refund is still owed."""
    query = select(func.coalesce(func.sum(Refund.amount_fen), 0)).where(Refund.attempt_id == attempt_id)
    return int((await uow.session.execute(query)).scalar_one())


async def returned_by_fund(uow: UnitOfWork, bill_id: UUID) -> dict[str, int]:
    query = select(Refund.shares).where(Refund.bill_id == bill_id, Refund.surplus.is_(False))
    return journals.summed(*(shares.items() for shares in (await uow.session.execute(query)).scalars().all()))


async def _take_unearned(
    uow: UnitOfWork, bill_id: UUID, shares: journals.Shares, line_id: UUID | None
) -> dict[str, int]:
    """Take a refund off what is not earned yet, line by line; returns how much of each fund could be taken there."""
    query = select(BillLine).where(BillLine.bill_id == bill_id).order_by(BillLine.id).with_for_update()
    if line_id is not None:
        query = query.where(BillLine.id == line_id)
    lines = (await uow.session.execute(query)).scalars().all()
    taken: dict[str, int] = {}
    for fund, amount in shares.items():
        mine = [line for line in lines if line.fund == fund]
        left = [line.amount_fen - line.earned_fen - line.returned_fen - line.unused_fen for line in mine]
        take = min(amount, sum(left))
        if take <= 0:
            continue
        for line, part in zip(mine, split(Fen(take), left), strict=True):
            line.returned_fen += int(part)
        taken[fund] = take
    return taken


async def quote(uow: UnitOfWork, bill_id: UUID, *, funds: Collection[str] = FUNDS) -> int:
    """What a bill would give back for lessons not held or not to come, in fen: worked example in docs/billing.md.

    Of each fund: what the family paid for it, in the proportion of what is not earned, rounded in the family's favour,
    less what was given back already. `funds` leaves others out: a premium, for one, is never earned by lessons.
    """
    bill = await uow.get(Bill, bill_id)
    if bill.paid_fen < bill.due_fen or bill.due_fen == 0:
        return 0
    owed, gone = await owed_by_fund(uow, bill_id), await returned_by_fund(uow, bill_id)
    query = select(BillLine).where(BillLine.bill_id == bill_id, BillLine.fund.in_(funds))
    lines = (await uow.session.execute(query)).scalars().all()
    shares = await taken_shares(uow, bill_id, lines)
    found = 0
    for fund in {line.fund for line in lines}:
        mine = [(line, shares[line.id]) for line in lines if line.fund == fund]
        charged = sum((line.amount_fen * share for line, share in mine), Fraction(0))
        earned = sum((line.earned_fen * share for line, share in mine), Fraction(0))
        found += back(owed[fund], charged, earned, gone.get(fund, 0))
    return found


async def taken_shares(uow: UnitOfWork, bill_id: UUID, lines: Iterable[BillLine]) -> dict[UUID, Fraction]:
    """By line, how much of its charge was left when what the child did not take of an exchanged item was taken off.

    Other reductions bear on the bill as a whole; these make one line cheaper than another, lesson for lesson.
    """
    of = {line.enrolment_id: line for line in lines if line.enrolment_id and line.amount_fen}
    query = select(BillReduction.reference, BillReduction.amount_fen).where(
        BillReduction.bill_id == bill_id, BillReduction.reference.in_(list(of))
    )
    off = {of[row[0]].id: int(row[1]) for row in (await uow.session.execute(query)).all()}
    return {line.id: 1 - Fraction(off.get(line.id, 0), max(1, line.amount_fen)) for line in lines}


def back(owed: int, charged: Fraction | int, earned: Fraction | int, gone: int) -> int:
    """What of `owed` (what the family paid for a fund) goes back, when `earned` of `charged` was earned and `gone` was
    given back before. All fen. Given back, nothing is left to give: `back(…, gone + back(…, gone)) == 0`."""
    return max(0, min(ceil(Fraction(owed * (charged - earned)) / charged), owed) - gone) if charged else 0


async def return_suspense(uow: UnitOfWork, attempt_id: UUID, reason: str) -> Refund:
    """Send back a payment whose amount was not what was asked for. Raises NothingInSuspense, ReasonOwed."""
    uow.ctx.require("billing.refund")
    attempt = await uow.get(PaymentAttempt, attempt_id)
    bill = await uow.get(Bill, attempt.bill_id, lock=True)
    attempt = await uow.get(PaymentAttempt, attempt_id, lock=True)
    if attempt.state != "mismatched" or attempt.received_fen <= 0:
        raise NothingInSuspense()
    await ATTEMPT.transition(uow, attempt, "return", reason=reason)
    shares = {SERVICE: attempt.received_fen}
    refund = Refund(
        id=new_id(),
        bill_id=bill.id,
        attempt_id=attempt.id,
        amount_fen=attempt.received_fen,
        reason=reason.strip(),
        state="approved",
        surplus=True,
        shares=shares,
        approved_by=uow.ctx.actor.account_id,
    )
    uow.session.add(refund)
    await settle_alert(uow, f"mismatch:{attempt.id}", reason)
    await uow.enqueue("billing.refund", {"refund_id": refund.id}, key=f"{refund.id}/0")
    await uow.session.flush()
    await ledger.post(uow, journals.suspense_owed(refund.id, clock.today(), shares))
    return refund


def key_of(refund: Refund) -> UUID:
    """The key at the provider: the row's id, and another for each round after a failure."""
    return refund.id if refund.round == 0 else stable_id("refund", refund.id, str(refund.round))


async def send(job: Delivery) -> None:
    """The long job "billing.refund" {refund_id}: asks the provider outside any transaction, then writes it down."""
    refund_id = UUID(job.payload["refund_id"])
    async with job.unit() as uow:
        refund = await uow.get(Refund, refund_id, lock=True)
        attempt = await uow.get(PaymentAttempt, refund.attempt_id)
        bill = await uow.get(Bill, refund.bill_id)
        if refund.state == "approved":
            await REFUND.transition(uow, refund, "send")
            refund.sent_at = clock.now()
        elif refund.state != "sent" or refund.provider_ref is not None:
            return
        request = RefundRequest(
            key=key_of(refund),
            refund_id=refund.id,
            reference=attempt.provider_ref or "",
            amount=Fen(refund.amount_fen),
            tenant_id=uow.ctx.tenant_id,
            first_asked_at=refund.sent_at or clock.now(),
        )
        number = bill.number
    try:
        outcome = await provider_named(job.house, attempt.provider).refund(request)
    except ProviderUnsure as exc:
        async with job.unit() as uow:
            await raise_alert(
                uow, f"refund-silent:{refund_id}", "refund_silent",
                bill_id=refund.bill_id, amount_fen=refund.amount_fen, number=number, why=exc,
            )  # fmt: skip
        raise RetryLater(30, str(exc)) from exc
    except ProviderRefused as exc:
        outcome = RefundOutcome("failed", None, str(exc), key=request.key)
    async with job.unit() as uow:
        await record(uow, refund_id, outcome, source="worker")


async def record(uow: UnitOfWork, refund_id: UUID, outcome: RefundOutcome, *, source: str) -> str:
    """Write down what the provider says of a refund, once; returns its state. A failure stays owed and is shown.

    Takes words twice, late and out of order; one about an earlier round says nothing any more.
    """
    refund = await uow.get(Refund, refund_id)
    bill = await uow.get(Bill, refund.bill_id, lock=True)
    refund = await uow.get(Refund, refund_id, lock=True)
    if outcome.key not in (None, key_of(refund)) or refund.state == "paid_offline":
        return refund.state
    await settle_alert(uow, f"refund-silent:{refund_id}")
    before = refund.state
    steps = _steps(refund, outcome)
    refund.provider_ref = outcome.reference or refund.provider_ref
    if "done" in steps:
        await REFUND.transition(uow, refund, "finish")
        await _count(uow, bill, refund, +1)
        await settle_alert(uow, f"refund:{refund.id}")
        await uow.emit("refund.done", {"refund_id": refund.id, "bill_id": bill.id, "amount_fen": refund.amount_fen})
    elif outcome.status == "failed" and before in ("approved", "sent", "done"):
        refund.problem = outcome.problem[:500]
        await REFUND.transition(uow, refund, "fail")
        if before == "done":
            await _count(uow, bill, refund, -1)
        await raise_alert(
            uow, f"refund:{refund.id}", "refund_failed",
            bill_id=bill.id, amount_fen=refund.amount_fen, number=bill.number, why=outcome.problem,
        )  # fmt: skip
    if steps or refund.state != before:
        refund.settled_at = clock.now() if refund.state in ("done", "failed") else None
    await uow.session.flush()
    await ledger.post(uow, *_journals(refund, steps, source))
    return refund.state


def _steps(refund: Refund, outcome: RefundOutcome) -> list[str]:
    """Which journals a word from the provider calls for, given what was written before."""
    under_way = refund.state in ("approved", "sent")
    steps: list[str] = []
    if under_way and outcome.status in ("pending", "done") and not refund.in_transit:
        steps.append("out")
        refund.in_transit = True
    if under_way and outcome.status == "done":
        steps.append("done")
        refund.in_transit = False
    if outcome.status == "failed" and refund.in_transit:
        steps.append("back")
        refund.in_transit = False
    if outcome.status == "failed" and refund.state == "done":
        steps.append("undone")
    return steps


def _journals(refund: Refund, steps: list[str], source: str) -> list[Journal]:
    on = clock.today()
    return [journals.refund_step(s, refund.id, refund.round, on, refund.shares, source=source) for s in steps]


async def _count(uow: UnitOfWork, bill: Bill, refund: Refund, sign: int) -> None:
    """Add a refund to its bill, or take it off again; money beyond the bill does not touch it."""
    if refund.surplus:
        return
    bill.refunded_fen += sign * refund.amount_fen
    whole = "refund_all" if bill.refunded_fen == bill.paid_fen else "refund_part"
    await BILL.transition(uow, bill, whole if bill.refunded_fen else "refund_none")


async def retry(uow: UnitOfWork, refund_id: UUID) -> None:
    """Send a failed refund again, under a new key. Raises MoveRefused."""
    uow.ctx.require("billing.refund")
    refund = await uow.get(Refund, refund_id, lock=True)
    await REFUND.transition(uow, refund, "retry")
    refund.round += 1
    refund.provider_ref, refund.problem, refund.settled_at = None, None, None
    await uow.enqueue("billing.refund", {"refund_id": refund.id}, key=f"{refund.id}/{refund.round}")


async def pay_offline(uow: UnitOfWork, refund_id: UUID, slip: str, *, to_payer: bool) -> None:
    """The provider cannot give it back any more (too old): a second person paid it from the bank account.

    `slip` names the bank's slip; `to_payer` says that it went to the account that had paid. Raises NotToPayer,
    SecondPerson, BankTooLow, MoveRefused, ReasonOwed.
    """
    uow.ctx.require("billing.refund")
    verdict = policy.effective(uow).ask("refund.to_paying_account", to_paying_account=to_payer)
    if verdict.blocks:
        raise NotToPayer(objections=[o.record() for o in verdict.blocks])
    refund = await uow.get(Refund, refund_id)
    bill = await uow.get(Bill, refund.bill_id, lock=True)
    refund = await uow.get(Refund, refund_id, lock=True)
    if refund.approved_by is not None and refund.approved_by == uow.ctx.actor.account_id:
        raise SecondPerson()
    await REFUND.transition(uow, refund, "pay_offline", reason=slip)
    await _count(uow, bill, refund, +1)
    refund.settled_at = clock.now()
    await settle_alert(uow, f"refund:{refund.id}", slip)
    await uow.session.flush()
    try:
        await ledger.post(uow, *_journals(refund, ["offline"], "desk"))
    except OutOfBounds as exc:
        raise BankTooLow() from exc
