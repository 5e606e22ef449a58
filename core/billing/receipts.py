"""The receipt as a paper, and what anyone who scans its code may see."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from core.base.clock import school_time
from core.base.errors import NotFound
from core.base.text import gettext as _
from core.base.text import in_locale
from core.billing.models import Bill, PaymentAttempt, Receipt
from core.billing.queries import BillView, one
from core.billing.words import METHODS, UNITS
from core.db.uow import UnitOfWork
from core.people.models import Guardian
from core.people.service import student
from core.terms.models import Term
from core.terms.service import term_title
from core.web import pdf
from core.web.i18n import class_name, mask_name


@dataclass(frozen=True, slots=True)
class Proof:
    """What a scan shows: enough to see that the paper is true, too little to learn about a family."""

    number: str
    amount_fen: int
    paid_at: datetime
    name: str
    refunded_fen: int


def verify_url(uow: UnitOfWork, receipt: Receipt) -> str:
    """Where the code of a receipt leads."""
    return f"{uow.house.settings.public_url.rstrip('/')}/verify/receipt/{uow.ctx.slug}/{receipt.token}"


async def paper(uow: UnitOfWork, receipt_id: UUID) -> tuple[pdf.Receipt, Receipt]:
    """The receipt, ready to print. Raises NotFound."""
    receipt = await uow.get(Receipt, receipt_id)
    view = await one(uow, receipt.bill_id)
    attempt = await uow.get(PaymentAttempt, receipt.attempt_id)
    term = await uow.get(Term, view.bill.term_id)
    with in_locale("zh_CN"):
        facts = [
            (_("学生"), view.child.name),
            (_("班级"), class_name(view.child.grade, view.child.class_number)),
            (_("学期"), term_title(term.code)),
            (_("账单编号"), view.bill.number),
            (_("付款方式"), str(METHODS.get(attempt.method or "", attempt.method or ""))),
        ]
        lines = _lines(view)
        made = pdf.Receipt(
            number=receipt.number,
            day=school_time(receipt.paid_at).date(),
            org=uow.ctx.name,
            payer=await _payer(uow, attempt) or view.child.name,
            lines=lines,
            facts=facts,
            verify_url=verify_url(uow, receipt),
            note=_("本收据由系统出具，扫码可查验真伪。"),
            void=_("已退费") if view.bill.state == "refunded" else "",
        )
    return made, receipt


def _lines(view: BillView) -> list[pdf.ReceiptLine]:
    lines = [
        pdf.ReceiptLine(line.title, f"{line.quantity} {UNITS.get(line.unit, line.unit)}", line.amount_fen)
        for line in view.lines
    ]
    if view.bill.reduced_fen:
        lines.append(pdf.ReceiptLine(_("减免"), "", -view.bill.reduced_fen))
    return lines


async def _payer(uow: UnitOfWork, attempt: PaymentAttempt) -> str:
    if attempt.account_id is None:
        return ""
    query = select(Guardian.name).where(Guardian.account_id == attempt.account_id)
    return (await uow.session.execute(query.limit(1))).scalar_one_or_none() or ""


async def as_pdf(made: pdf.Receipt) -> bytes:
    """The bytes; drawn in a thread."""
    return await asyncio.to_thread(made.pdf)


async def proof(uow: UnitOfWork, token: str) -> Proof:
    """What a scan of this token shows. Raises NotFound."""
    query = (
        select(Receipt, Bill)
        .join(Bill, (Bill.id == Receipt.bill_id) & (Bill.tenant_id == Receipt.tenant_id))
        .where(Receipt.token == token)
    )
    row = (await uow.session.execute(query)).first()
    if row is None:
        raise NotFound()
    receipt, bill = row[0], row[1]
    child = await student(uow, bill.student_id)
    return Proof(receipt.number, receipt.amount_fen, receipt.paid_at, mask_name(child.name), bill.refunded_fen)
