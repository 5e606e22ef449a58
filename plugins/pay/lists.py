"""A list's way: submitted by one, approved by another, posted, paid outside, written down as paid."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import delete, func, select

from core.api import Objection, UnitOfWork, now, today
from core.api.ledger import Journal, Line, PeriodClosed, credit, debit, post
from core.api.policy import effective
from plugins.pay.checks import LIST_KEY, PAID_KEY, Sums, objections, sums
from plugins.pay.errors import ListChanged, NothingToPay, NotYet, SamePerson
from plugins.pay.making import DONE
from plugins.pay.models import PayItem, PayLine, PayList, PaySeal
from plugins.pay.rates import refuse
from plugins.pay.schemas import PaidForm, SubmitForm
from plugins.pay.states import LIST


async def submit(uow: UnitOfWork, list_id: UUID, form: SubmitForm) -> PayList:
    """Ask for approval. Raises NothingToPay, GuidelineMissing, and Objected where the rules speak against it."""
    row = await uow.get(PayList, list_id, lock=True)
    if not (await sums(uow, list_id)).lines:
        raise NothingToPay()
    found = await objections(uow, row, form.attested)
    await refuse(uow, "submit", row.id, found, form.reason)
    await LIST.transition(uow, row, "submit", reason=form.reason)
    row.attested, row.reason = list(form.attested), form.reason.strip()
    row.submitted_by, row.submitted_name = uow.ctx.actor.account_id, uow.ctx.actor.name
    row.decided_by, row.decided_name = None, ""
    _remember(uow, row, found)
    return row


def _remember(uow: UnitOfWork, row: PayList, found: Sequence[Objection]) -> None:
    row.objections = [o.record() for o in found]
    row.pack_revision = effective(uow).revision


async def send_back(uow: UnitOfWork, list_id: UUID, reason: str) -> PayList:
    """Not approved: back to whoever made it, with a reason."""
    row = await uow.get(PayList, list_id, lock=True)
    await LIST.transition(uow, row, "return", reason=reason)
    return row


async def discard(uow: UnitOfWork, list_id: UUID) -> PayList:
    """Give a draft up: its lines go with their items, so its lessons are free for the next list."""
    row = await uow.get(PayList, list_id, lock=True)
    await LIST.transition(uow, row, "discard")
    await uow.session.execute(delete(PayLine).where(PayLine.list_id == list_id))
    return row


async def approve(uow: UnitOfWork, list_id: UUID) -> PayList:
    """The second person's yes: the rules are asked again, and the expense is posted.

    Raises SamePerson, Objected, GuidelineMissing, ListChanged, or what the ledger refuses.
    """
    await uow.hold("pay-approve", seconds=10)  # sums of the fund and of the year are of one approval at a time
    row = await uow.get(PayList, list_id, lock=True)
    if row.submitted_by == uow.ctx.actor.account_id:
        raise SamePerson()
    found = await objections(uow, row, row.attested)
    await refuse(uow, "approve", row.id, found, row.reason)
    total = await sums(uow, list_id)
    lines = select(func.coalesce(func.sum(PayLine.amount_fen), 0)).where(PayLine.list_id == list_id)
    if int((await uow.session.execute(lines)).scalar_one()) != total.amount_fen:
        raise ListChanged()
    _remember(uow, row, found)
    row.decided_by, row.decided_name, row.approved_at = uow.ctx.actor.account_id, uow.ctx.actor.name, now()
    await LIST.transition(
        uow,
        row,
        "approve",
        clause=found[0].clause if found else "",
        payload={"month": f"{row.month:%Y-%m}", "fen": total.amount_fen, "people": total.lines},
    )
    uow.session.add_all(PaySeal(line_id=line.id) for line in await lines_of(uow, list_id))
    await uow.session.flush()
    await _book(uow, row, total)
    return row


async def _book(uow: UnitOfWork, row: PayList, total: Sums) -> None:
    """The expense belongs to the month it was worked in; where that is closed already, to the day of approval."""
    lines = expense(total)
    if not lines:
        return
    key, memo = f"{LIST_KEY}{row.id}", f"{row.month:%Y-%m}/{row.number}"
    try:
        async with uow.session.begin_nested():
            await post(uow, Journal("pay", key, min(row.until_on, today()), lines, "desk", memo))
    except PeriodClosed:
        await post(uow, Journal("pay", key, today(), lines, "desk", memo))


def expense(total: Sums) -> tuple[Line, ...]:
    """The lines of an approved list: expense against what is owed to staff, within each fund."""
    found: list[Line] = []
    for fund, fen in total.by_fund.items():
        if fen:  # never below nought: corrections are set off within their fund
            found += [debit("staff_expense", fund, fen), credit("staff_payable", fund, fen)]
    return tuple(found)


async def mark_paid(uow: UnitOfWork, list_id: UUID, form: PaidForm) -> PayList:
    """The finance office paid it outside: what was owed leaves the bank. Raises NotYet, OutOfBounds where a fund has
    not got the money. Performance pay comes by the payroll, so its money comes in and goes out in one journal."""
    if form.paid_on > today():
        raise NotYet()
    row = await uow.get(PayList, list_id, lock=True)
    total = await sums(uow, list_id)
    row.paid_on, row.paid_reference = form.paid_on, form.reference.strip()
    await LIST.transition(uow, row, "pay", payload={"month": f"{row.month:%Y-%m}", "fen": total.amount_fen})
    await uow.session.flush()
    lines: list[Line] = []
    for fund, fen in total.by_fund.items():
        if fen:
            source = "pay_payroll" if fund == "school" else "bank"
            lines += [debit("staff_payable", fund, fen), credit(source, fund, fen)]
    if lines:
        await post(uow, Journal("pay_out", f"{PAID_KEY}{row.id}", form.paid_on, tuple(lines), "desk"))
    return row


@dataclass(frozen=True, slots=True)
class ListLine:
    """One list for an overview."""

    row: PayList
    people: int
    lessons: int
    amount_fen: int


async def lists(uow: UnitOfWork, offset: int = 0, limit: int = 30) -> tuple[list[ListLine], int]:
    """Lists, newest first, and how many there are."""
    total = (await uow.session.execute(select(func.count()).select_from(PayList))).scalar_one()
    query = (
        select(
            PayList,
            func.count(PayLine.id),
            func.coalesce(func.sum(PayLine.lessons), 0),
            func.coalesce(func.sum(PayLine.amount_fen), 0),
        )
        .outerjoin(PayLine, (PayLine.tenant_id == PayList.tenant_id) & (PayLine.list_id == PayList.id))
        .group_by(PayList.tenant_id, PayList.id)
        .order_by(PayList.month.desc(), PayList.number.desc())
        .offset(offset)
        .limit(limit)
    )
    rows = (await uow.session.execute(query)).all()
    return [ListLine(row[0], int(row[1]), int(row[2]), int(row[3])) for row in rows], int(total)


async def lines_of(uow: UnitOfWork, list_id: UUID, offset: int = 0, limit: int | None = None) -> list[PayLine]:
    """The people of a list, by name."""
    query = select(PayLine).where(PayLine.list_id == list_id).order_by(PayLine.name, PayLine.id).offset(offset)
    return list((await uow.session.execute(query.limit(limit) if limit is not None else query)).scalars())


async def line(uow: UnitOfWork, line_id: UUID) -> tuple[PayLine, PayList, list[PayItem]]:
    """One person's line with the lessons behind it, in order of time. Raises NotFound."""
    found = await uow.get(PayLine, line_id)
    items = select(PayItem).where(PayItem.line_id == line_id).order_by(PayItem.on, PayItem.id)
    return found, await uow.get(PayList, found.list_id), list((await uow.session.execute(items)).scalars())


async def lines_for(uow: UnitOfWork, staff_id: UUID, limit: int = 24) -> list[tuple[PayLine, PayList]]:
    """A person's lines on approved lists, newest month first."""
    query = (
        select(PayLine, PayList)
        .join(PayList, (PayList.tenant_id == PayLine.tenant_id) & (PayList.id == PayLine.list_id))
        .where(PayLine.staff_id == staff_id, PayList.state.in_(DONE))
        .order_by(PayList.month.desc(), PayList.number.desc())
        .limit(limit)
    )
    return [(row[0], row[1]) for row in (await uow.session.execute(query)).all()]


async def paid_in(uow: UnitOfWork, first: date, last: date) -> int:
    """Fen of approved lists of these months."""
    query = (
        select(func.coalesce(func.sum(PayLine.amount_fen), 0))
        .join(PayList, (PayList.tenant_id == PayLine.tenant_id) & (PayList.id == PayLine.list_id))
        .where(PayList.state.in_(DONE), PayList.month >= first.replace(day=1), PayList.month <= last)
    )
    return int((await uow.session.execute(query)).scalar_one())
