"""The door of billing for other features, and what a finance role does with one bill."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from core.base import clock
from core.billing import journals
from core.billing.alerts import open_alerts, raise_alert
from core.billing.models import Bill, BillLine, PaymentAttempt, Refund
from core.billing.payments import begin, look_and_settle
from core.billing.settle import charged_of, close_pages, reduced_of
from core.billing.states import BILL
from core.db.uow import UnitOfWork
from core.ledger import service as ledger
from core.ledger.types import Posted
from core.web.i18n import money


async def void(uow: UnitOfWork, bill_id: UUID, reason: str) -> Bill:
    """Take back a bill that nobody has paid; the next run makes it anew. Raises MoveRefused, ReasonOwed.

    Pages on which it could still be paid are shut; a payment that slips through goes back by itself.
    """
    bill = await uow.get(Bill, bill_id, lock=True)
    await BILL.transition(uow, bill, "void", reason=reason)
    lines = select(BillLine).where(BillLine.bill_id == bill_id).order_by(BillLine.id).with_for_update()
    found = (await uow.session.execute(lines)).scalars().all()
    earned = journals.summed((line.fund, line.earned_fen) for line in found)
    await close_pages(uow, bill_id)
    charged, reduced = await charged_of(uow, bill_id), await reduced_of(uow, bill_id)
    await uow.session.flush()
    await ledger.post(uow, *journals.voided(bill_id, clock.today(), charged, earned, reduced))
    return bill


async def book_payout(uow: UnitOfWork, key: str, shares: dict[str, int]) -> list[Posted]:
    """The provider's payout is on the bank's statement: fen by fund. `key` names the payout, once ever."""
    uow.ctx.require("billing.refund")
    posted = await ledger.post(uow, journals.settled_to_bank(key, clock.today(), shares))
    await uow.audit("billing.payout", "ledger_journal", posted[0].id, key=key, shares=shares)
    return posted


async def is_known(uow: UnitOfWork, reference: str) -> bool:
    """Whether a provider's reference belongs to a payment or refund of this organisation."""
    for model in (PaymentAttempt, Refund):
        query = select(model.id).where(model.provider_ref == reference).limit(1)
        if (await uow.session.execute(query)).scalar_one_or_none() is not None:
            return True
    return False


async def report_unknown(uow: UnitOfWork, reference: str, amount_fen: int) -> None:
    """Put money at the provider before the finance roles of which these books know nothing."""
    await raise_alert(
        uow, f"unknown:{reference}", "provider_unknown",
        amount_fen=amount_fen, reference=reference, amount=money(amount_fen),
    )  # fmt: skip


__all__ = ["begin", "book_payout", "is_known", "look_and_settle", "open_alerts", "report_unknown", "void"]
