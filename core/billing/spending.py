"""Money spent on the service: asked of the packs, kept with its paper, posted to the fund that bears it.

What staff are paid is the pay plugin's; here is everything else. A spending is never changed: a wrong one is taken
back by the mirror of its journal, and entered anew.
"""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, Field
from sqlalchemy import func, select

from core.base import clock
from core.base.errors import FieldError, Invalid
from core.base.ids import new_id
from core.base.text import lazy_gettext as _l
from core.billing.errors import BankTooLow
from core.billing.models import Spending
from core.billing.words import FUNDS
from core.db.uow import UnitOfWork
from core.enrollment.errors import Objected
from core.ledger import service as ledger
from core.ledger.chart import AGENCY, OTHER_EXPENSE, SCHOOL, SERVICE, SUBSIDY
from core.ledger.errors import OutOfBounds
from core.ledger.types import Journal, credit, debit
from core.policy import service as policy
from core.policy.ask import EffectivePack
from core.policy.types import Objection
from core.policy.vocab import METHODS
from core.policy.vocab_people import SPENDING
from core.web.fields import Ui, YuanAsFen

ITEMS: Final = {
    **{key: label for key, label in SPENDING.labels.items() if key not in ("staff_pay", "related_staff_pay")},
    "management_fee": _l("上交的管理费"),
    "handed_over": _l("调出、借出或上缴的资金"),
    "other": _l("与课后服务无关的其他支出"),
}
"""What money may have been spent on: the packs' words, and the three that documents forbid by name."""
OUTSIDE: Final = frozenset({"management_fee", "handed_over", "other"})
EXPENSE: Final = {
    "external_labour": "staff_expense",
    "courses": "vendor_expense",
    "service_costs": "vendor_expense",
    "consumables": "materials_expense",
    "utilities": "utilities_expense",
    "upkeep": "utilities_expense",
    "repair": "utilities_expense",
}
"""The account of each item; what is not named goes to other expenses."""
INSTRUMENTS: Final = {
    SERVICE: ("service_charge",),
    AGENCY: ("collect_on_behalf",),
    SUBSIDY: ("fiscal_subsidy", "special_fund"),
    SCHOOL: ("school_funds",),
}
"""How the packs call the money of each fund."""


class SpendingForm(BaseModel):
    """One payment as its papers show it. Amounts in fen."""

    fund: Annotated[
        Literal["service", "agency", "subsidy", "school"],
        Ui(_l("资金"), kind="select", options=[(key, FUNDS[key]) for key in INSTRUMENTS]),
    ] = "service"
    item: Annotated[str, Ui(_l("用途"), kind="select", options=list(ITEMS.items()))]
    amount: Annotated[YuanAsFen, Field(gt=0, le=1_000_000_000), Ui(_l("支出金额"))]
    payee: Annotated[str, Field(min_length=2, max_length=80), Ui(_l("收款单位"))]
    paid_on: Annotated[date, Ui(_l("支出日期"))]
    voucher: Annotated[str, Field(max_length=80), Ui(_l("票据编号"), help=_l("没有票据就不填"))] = ""
    invoiced: Annotated[YuanAsFen | None, Field(ge=0), Ui(_l("票据金额"))] = None
    procured: Annotated[bool, Ui(_l("属于政府采购项目"), kind="checkbox")] = False
    method: Annotated[
        Literal["", "government_purchase", "tender", "agreement"],
        Ui(_l("采购方式"), kind="select", options=[("", _l("未说明")), *METHODS.labels.items()]),
    ] = ""
    procurement_no: Annotated[str, Field(max_length=80), Ui(_l("采购文件编号"))] = ""
    reason: Annotated[
        str, Field(max_length=300), Ui(_l("说明"), kind="textarea", help=_l("规则给出提醒时，请写明理由"))
    ] = ""


def questions(form: SpendingForm) -> list[tuple[str, dict[str, Any]]]:
    """What the packs are asked about a spending (R-339, R-352 … R-357, R-385). Pure."""
    instrument = INSTRUMENTS[form.fund]
    covered = bool(form.voucher.strip()) and form.invoiced is not None and form.amount <= form.invoiced
    asked: list[tuple[str, dict[str, Any]]] = [
        ("fee.other_use", {"other_use": form.item in ("other", "handed_over"), "instrument": instrument}),
        ("fee.withheld", {"withheld": form.item == "handed_over", "instrument": instrument}),
        ("fee.management_fee", {"management_fee": form.item == "management_fee", "instrument": instrument}),
        ("fee.actual_cost", {"by_actual_cost": covered, "instrument": instrument}),
    ]
    if form.item not in OUTSIDE:
        asked.append(("fee.spending", {"spending": form.item, "instrument": instrument}))
        if form.fund == SUBSIDY:
            asked.append(("subsidy.may_spend", {"spending": form.item}))
    if form.procured:
        by_rules = bool(form.method and form.procurement_no.strip())
        asked.append(("fee.procurement_rules", {"by_procurement_rules": by_rules, "instrument": instrument}))
    return asked


def objections_to(pack: EffectivePack, form: SpendingForm) -> tuple[Objection, ...]:
    return pack.ask_all(questions(form)).objections


async def book(uow: UnitOfWork, form: SpendingForm) -> Spending:
    """Enter a spending and post it. Raises Objected (the pack forbids it, or warns and no reason is given), BankTooLow,
    Invalid for a date in the future or an unknown item."""
    uow.ctx.require("billing.spend")
    if form.item not in ITEMS:
        raise Invalid(fields=[FieldError("item", _l("请选择用途"))])
    if form.paid_on > clock.today():
        raise Invalid(fields=[FieldError("paid_on", _l("支出日期不能在今天以后"))])
    pack = policy.effective(uow)
    found = objections_to(pack, form)
    spending_id = new_id()
    if not await policy.decided(uow, "billing.spend", "spending", spending_id, found, form.reason):
        raise Objected(found)
    row = Spending(
        id=spending_id,
        fund=form.fund,
        item=form.item,
        amount_fen=form.amount,
        payee=form.payee.strip(),
        paid_on=form.paid_on,
        voucher=form.voucher.strip(),
        procurement=f"{form.method}:{form.procurement_no.strip()}" if form.procured else "",
        reason=form.reason.strip(),
        objections=[o.record() for o in found],
        pack_revision=pack.revision,
        booked_by=uow.ctx.actor.name,
    )
    uow.session.add(row)
    await uow.audit("billing.spend", "spending", row.id, fund=row.fund, item=row.item, amount_fen=row.amount_fen)
    await uow.session.flush()
    await ledger.open_accounts(uow, [OTHER_EXPENSE])
    try:
        posted = await ledger.post(uow, journal(row.id, form))
    except OutOfBounds as exc:
        raise BankTooLow() from exc
    row.journal_id = posted[0].id
    return row


def journal(spending_id: UUID, form: SpendingForm) -> Journal:
    """Expense against the bank, within the fund. The school's own money lies in its own books: there it is a claim
    between funds."""
    account = EXPENSE.get(form.item, OTHER_EXPENSE.code)
    source = "interfund" if form.fund == SCHOOL else "bank"
    lines = (debit(account, form.fund, form.amount), credit(source, form.fund, form.amount))
    return Journal("spending", f"spending:{spending_id}", form.paid_on, lines, "desk")


async def take_back(uow: UnitOfWork, spending_id: UUID, reason: str) -> Spending:
    """It was entered wrongly: the mirror of its journal, once; a second time is the first. Raises Invalid without a
    reason."""
    uow.ctx.require("billing.spend")
    if not reason.strip():
        raise Invalid(fields=[FieldError("reason", _l("请写明撤销的理由"), "missing")])
    row = await uow.get(Spending, spending_id, lock=True)
    if row.taken_back_at is None:
        assert row.journal_id is not None
        key, today = f"spending:{row.id}:back", clock.today()
        await ledger.reverse(uow, row.journal_id, key=key, occurred_on=today, source="desk")
        row.taken_back_at, row.taken_back_why = clock.now(), reason.strip()
        await uow.audit("billing.spend_back", "spending", row.id, reason=row.taken_back_why)
    return row


async def listed(uow: UnitOfWork, *, offset: int = 0, limit: int = 30) -> tuple[list[Spending], int]:
    """A page of spendings, newest first, and how many there are."""
    total = (await uow.session.execute(select(func.count()).select_from(Spending))).scalar_one()
    query = select(Spending).order_by(Spending.paid_on.desc(), Spending.id.desc()).offset(offset).limit(limit)
    return list((await uow.session.execute(query)).scalars().all()), int(total)
