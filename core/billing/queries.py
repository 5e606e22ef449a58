"""What the pages of billing show: lists by page, one bill with everything about it, the sums of a term."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select

from core.base.errors import NotFound
from core.billing.models import Bill, BillingHold, BillingRun, BillLine, BillReduction, PaymentAttempt, Receipt, Refund
from core.db.uow import UnitOfWork
from core.enrollment import service as enrollment
from core.people.models import Guardian, Guardianship, SchoolClass, Student
from core.people.service import StudentView, my_children, students_by_id


@dataclass(frozen=True, slots=True)
class BillRow:
    """A bill in a list, with its child."""

    bill: Bill
    name: str
    grade: int
    class_number: int


@dataclass(frozen=True, slots=True)
class BillView:
    """A bill with everything about it."""

    bill: Bill
    child: StudentView
    lines: Sequence[BillLine]
    reductions: Sequence[BillReduction]
    attempts: Sequence[PaymentAttempt]
    refunds: Sequence[Refund]
    receipts: Sequence[Receipt]

    @property
    def left(self) -> int:
        return self.bill.due_fen - self.bill.paid_fen if self.bill.state == "issued" else 0


@dataclass(frozen=True, slots=True)
class Sums:
    """A term's bills in one line; amounts in fen, void ones left out."""

    bills: int
    unpaid: int
    charged: int
    reduced: int
    due: int
    paid: int
    refunded: int


async def sums(uow: UnitOfWork, term_id: UUID) -> Sums:
    query = select(
        func.count(),
        func.count().filter(Bill.state == "issued"),
        *(
            func.coalesce(func.sum(column), 0)
            for column in (Bill.charged_fen, Bill.reduced_fen, Bill.due_fen, Bill.paid_fen, Bill.refunded_fen)
        ),
    ).where(Bill.term_id == term_id, Bill.state != "void")
    return Sums(*(int(n) for n in (await uow.session.execute(query)).one()))


async def bills(
    uow: UnitOfWork,
    term_id: UUID,
    *,
    state: str = "",
    class_id: UUID | None = None,
    words: str = "",
    offset: int = 0,
    limit: int = 30,
) -> tuple[list[BillRow], int]:
    """Bills of a term by class and name, and how many there are in all; `words` in number or name."""
    of_child = (Student.id == Bill.student_id) & (Student.tenant_id == Bill.tenant_id)
    of_class = (SchoolClass.id == Student.class_id) & (SchoolClass.tenant_id == Student.tenant_id)
    where: list[ColumnElement[bool]] = [Bill.term_id == term_id]
    if state:
        where.append(Bill.state == state)
    if class_id is not None:
        where.append(Student.class_id == class_id)
    if words.strip():
        term = words.strip()
        where.append(or_(Student.name.contains(term, autoescape=True), Bill.number.endswith(term, autoescape=True)))
    total = select(func.count()).select_from(Bill).join(Student, of_child).where(*where)
    query = (
        select(Bill, Student.name, SchoolClass.grade, SchoolClass.number)
        .join(Student, of_child)
        .join(SchoolClass, of_class)
        .where(*where)
        .order_by(SchoolClass.grade, SchoolClass.number, Student.name_sort, Bill.number)
        .offset(offset)
        .limit(limit)
    )
    rows = [BillRow(*row) for row in (await uow.session.execute(query)).all()]
    return rows, int((await uow.session.execute(total)).scalar_one())


async def one(uow: UnitOfWork, bill_id: UUID) -> BillView:
    """Raises NotFound."""
    bill = await uow.get(Bill, bill_id)
    child = (await students_by_id(uow, [bill.student_id])).get(bill.student_id)
    if child is None:
        raise NotFound()
    lines = select(BillLine).where(BillLine.bill_id == bill_id).order_by(BillLine.fund.desc(), BillLine.id)
    reductions = select(BillReduction).where(BillReduction.bill_id == bill_id).order_by(BillReduction.id)
    attempts = select(PaymentAttempt).where(PaymentAttempt.bill_id == bill_id).order_by(PaymentAttempt.id)
    refunds = select(Refund).where(Refund.bill_id == bill_id).order_by(Refund.id)
    receipts = select(Receipt).where(Receipt.bill_id == bill_id).order_by(Receipt.id)
    session = uow.session
    return BillView(
        bill,
        child,
        (await session.execute(lines)).scalars().all(),
        (await session.execute(reductions)).scalars().all(),
        (await session.execute(attempts)).scalars().all(),
        (await session.execute(refunds)).scalars().all(),
        (await session.execute(receipts)).scalars().all(),
    )


async def runs(uow: UnitOfWork, term_id: UUID, limit: int = 5) -> list[BillingRun]:
    """The newest runs of a term."""
    query = select(BillingRun).where(BillingRun.term_id == term_id).order_by(BillingRun.id.desc()).limit(limit)
    return list((await uow.session.execute(query)).scalars().all())


async def holds(
    uow: UnitOfWork, run_id: UUID, *, offset: int = 0, limit: int = 30
) -> tuple[list[tuple[BillingHold, StudentView | None]], int]:
    """Children whom a run could not bill, with the reason."""
    mine = select(BillingHold).where(BillingHold.run_id == run_id)
    total = (await uow.session.execute(select(func.count()).select_from(mine.subquery()))).scalar_one()
    query = mine.order_by(BillingHold.code, BillingHold.student_id).offset(offset).limit(limit)
    rows = (await uow.session.execute(query)).scalars().all()
    children = await students_by_id(uow, [r.student_id for r in rows])
    return [(row, children.get(row.student_id)) for row in rows], int(total)


async def classes(uow: UnitOfWork) -> list[tuple[UUID, int, int]]:
    """(id, grade, number) of every class, for a filter."""
    query = select(SchoolClass.id, SchoolClass.grade, SchoolClass.number)
    found = await uow.session.execute(query.order_by(SchoolClass.grade, SchoolClass.number))
    return [(row[0], row[1], row[2]) for row in found.all()]


# -- for families: bills and receipts stay theirs when a child has left the school ------------------------------------


async def my_bills(uow: UnitOfWork) -> list[tuple[Bill, StudentView]]:
    """Bills of the acting guardian's children, those to pay first, void ones last."""
    children = {child.id: child for child in await my_children(uow, left_too=True)}
    query = (
        select(Bill)
        .where(Bill.student_id.in_(list(children)))
        .order_by(Bill.state != "issued", Bill.state == "void", Bill.id.desc())
    )
    return [(bill, children[bill.student_id]) for bill in (await uow.session.execute(query)).scalars().all()]


async def my_bill(uow: UnitOfWork, bill_id: UUID) -> BillView:
    """A bill of one of the acting guardian's children. Raises NotFound for anybody else's."""
    view = await one(uow, bill_id)
    if all(child.id != view.bill.student_id for child in await my_children(uow, left_too=True)):
        raise NotFound()
    return view


async def left_items(uow: UnitOfWork, bills: Iterable[Bill]) -> dict[UUID, list[str]]:
    """Of the bills that wait for payment: the lines, by title, whose item the child has left since the bill was made.
    A finance role has an alert of each (core.billing.jobs.withdrawn) and may make the bill anew."""
    unpaid = {bill.id: bill for bill in bills if bill.state == "issued"}
    if not unpaid:
        return {}
    left = await enrollment.left_at(uow, {bill.student_id for bill in unpaid.values()})
    found: dict[UUID, list[str]] = {}
    query = select(BillLine).where(BillLine.bill_id.in_(list(unpaid)), BillLine.offering_id.is_not(None))
    for line in (await uow.session.execute(query.order_by(BillLine.id))).scalars():
        bill = unpaid[line.bill_id]
        at = left.get((bill.student_id, line.offering_id)) if line.offering_id else None
        if at is not None and at > bill.created_at and line.title not in found.setdefault(bill.id, []):
            found[bill.id].append(line.title)
    return found


async def may_pay(uow: UnitOfWork, student_id: UUID) -> bool:
    """Whether the acting guardian has the right to pay for this child."""
    of_guardian = (Guardian.id == Guardianship.guardian_id) & (Guardian.tenant_id == Guardianship.tenant_id)
    query = (
        select(Guardianship.id)
        .join(Guardian, of_guardian)
        .where(
            Guardianship.student_id == student_id,
            Guardianship.may_pay,
            Guardian.account_id == uow.ctx.actor.account_id,
        )
    )
    return (await uow.session.execute(query.limit(1))).scalar_one_or_none() is not None


async def my_receipts(uow: UnitOfWork) -> list[tuple[Receipt, Bill, StudentView]]:
    """Receipts of the acting guardian's children, newest first."""
    children = {child.id: child for child in await my_children(uow, left_too=True)}
    query = (
        select(Receipt, Bill)
        .join(Bill, (Bill.id == Receipt.bill_id) & (Bill.tenant_id == Receipt.tenant_id))
        .where(Bill.student_id.in_(list(children)))
        .order_by(Receipt.id.desc())
    )
    return [(row[0], row[1], children[row[1].student_id]) for row in (await uow.session.execute(query)).all()]


async def unpaid_of_mine(uow: UnitOfWork) -> int:
    """How many bills the acting guardian has still to pay: a badge."""
    of_guardian = (Guardian.id == Guardianship.guardian_id) & (Guardian.tenant_id == Guardianship.tenant_id)
    mine = (
        select(Guardianship.student_id)
        .join(Guardian, of_guardian)
        .where(Guardian.account_id == uow.ctx.actor.account_id)
    )
    query = select(func.count()).select_from(Bill).where(Bill.state == "issued", Bill.student_id.in_(mine))
    return int((await uow.session.execute(query)).scalar_one())


@dataclass(frozen=True, slots=True)
class Charged:
    """Bill lines of one run that charge the same unit price (fen) of one standard. `issued_at` is the earliest bill's;
    `bills` counts them."""

    service: str
    title: str
    standard_id: UUID
    unit_fen: int
    issued_at: datetime
    bills: int


async def charged(uow: UnitOfWork, term_id: UUID) -> list[Charged]:
    """What was charged in a term, for those who hold it against standards and postings; void bills are left out."""
    at = func.coalesce(Bill.issued_at, Bill.created_at)
    query = (
        select(
            BillLine.service,
            func.min(BillLine.title),
            BillLine.standard_id,
            BillLine.unit_fen,
            func.min(at),
            func.count(Bill.id.distinct()),
        )
        .join(Bill, (Bill.id == BillLine.bill_id) & (Bill.tenant_id == BillLine.tenant_id))
        .where(Bill.term_id == term_id, Bill.state.not_in(("computed", "void")))
        .group_by(BillLine.service, BillLine.standard_id, BillLine.unit_fen, Bill.run_id)
        .order_by(BillLine.service, func.min(at), BillLine.standard_id)
    )
    return [Charged(*row) for row in (await uow.session.execute(query)).all()]
