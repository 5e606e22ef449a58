"""What the school's overview and its bureau are shown: sums and counts, never who got what."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import func, select

from core.api import Figure, UnitOfWork
from core.api import lazy_gettext as _l
from core.api.terms import current_term
from plugins.pay.checks import outside_lists
from plugins.pay.lists import paid_in
from plugins.pay.models import PayList, Rate, Receipt, Subsidy


async def figures(uow: UnitOfWork, term_id: UUID) -> list[Figure]:
    """Subsidies received, pay approved, and postings of pay outside of lists (R-454), of the term."""
    term = await current_term(uow)
    if term.id != term_id:
        return []
    came = (
        select(func.coalesce(func.sum(Receipt.amount_fen), 0))
        .join(Subsidy, (Subsidy.tenant_id == Receipt.tenant_id) & (Subsidy.id == Receipt.subsidy_id))
        .where(Subsidy.term_id == term_id)
    )
    received = int((await uow.session.execute(came)).scalar_one())
    outside = await outside_lists(uow, term.starts_on, term.ends_on)
    paid = await paid_in(uow, term.starts_on, term.ends_on)
    return [
        Figure("pay.subsidies", _l("已到账财政补贴"), received, "fen", "building-bank"),
        Figure("pay.paid", _l("已批准的劳务报酬"), paid, "fen", "cash-banknote"),
        Figure("pay.outside_lists", _l("报酬表以外的津补贴"), len({e.seq for e in outside}), "", "alert-triangle"),
    ]


async def waiting(uow: UnitOfWork) -> int:
    """What waits for the principal: lists and rates."""
    if not uow.ctx.may("pay.approve"):
        return 0
    lists = select(func.count()).select_from(PayList).where(PayList.state == "submitted")
    rates = select(func.count()).select_from(Rate).where(Rate.state == "proposed")
    return int((await uow.session.execute(lists)).scalar_one() + (await uow.session.execute(rates)).scalar_one())
