"""What a finance role must see about money: raised once for each key, closed when it is settled or by a person."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.dialects.postgresql import insert

from core.base.ids import new_id
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.billing.models import Bill, FinanceAlert
from core.db.uow import UnitOfWork

KINDS: Mapping[str, Any] = {
    "paid_twice": _l("账单 %(number)s 重复收到一笔付款，系统已自动发起退回"),
    "paid_void": _l("账单 %(number)s 不再需要缴费，但收到一笔付款，系统已自动发起退回"),
    "amount_mismatch": _l("账单 %(number)s 收到 %(got)s，应收 %(want)s，已记入待查款项，请核实后处理"),
    "provider_refused": _l("支付通道拒绝了账单 %(number)s 的缴费：%(why)s"),
    "provider_silent": _l("账单 %(number)s 的付款结果还不清楚，系统会继续查询：%(why)s"),
    "refund_silent": _l("账单 %(number)s 的退款结果还不清楚，系统会继续查询：%(why)s"),
    "refund_failed": _l("账单 %(number)s 的退款没有成功，款项仍应退给家长：%(why)s"),
    "withdrawn": _l("账单 %(number)s 的学生中途退出，请在账单页办理退费或重开账单"),
    "swapped": _l("账单 %(number)s 的学生中途换了项目，请生成一次账单：原项目未上的次数按规定结算，新项目补出账单"),
    "provider_unknown": _l("支付通道有一笔本系统没有记录的款项：%(reference)s，%(amount)s"),
}
"""The sentence of each kind of alert, filled from its facts."""


def sentence(alert: FinanceAlert) -> str:
    """The alert in the reader's language."""
    return str(KINDS[alert.kind]) % {
        "number": "",
        "why": "",
        "amount": "",
        "reference": "",
        "got": "",
        "want": "",
        **alert.facts,
    }


async def raise_alert(
    uow: UnitOfWork, key: str, kind: str, *, bill_id: UUID | None = None, amount_fen: int = 0, **facts: Any
) -> None:
    """Put something before the finance roles, once for each `key`; one that was closed before is opened again."""
    row = {
        "tenant_id": uow.ctx.tenant_id,
        "id": new_id(),
        "key": key,
        "kind": kind,
        "bill_id": bill_id,
        "amount_fen": amount_fen,
        "facts": {name: str(value)[:300] for name, value in facts.items()},
    }
    again = {"closed_at": None, "closed_by": None, "facts": row["facts"], "amount_fen": amount_fen}
    made = (
        insert(FinanceAlert)
        .values(**row)
        .on_conflict_do_update(
            index_elements=["tenant_id", "key"], set_=again, where=FinanceAlert.closed_at.is_not(None)
        )
        .returning(FinanceAlert.id)
    )
    if (await uow.session.execute(made)).scalar_one_or_none() is not None:
        await uow.emit("finance.alert", {"kind": kind, "bill_id": bill_id})


async def settle_alert(uow: UnitOfWork, key: str, note: str = "") -> None:
    """Close the alert of this key, if it is open: what it warned of has settled itself."""
    await _settle(uow, FinanceAlert.key == key, note)


async def settle_swaps(uow: UnitOfWork, term_id: UUID, student_ids: Collection[UUID], note: str) -> None:
    """A run has settled what these children exchanged."""
    bills = select(Bill.id).where(Bill.term_id == term_id, Bill.student_id.in_(student_ids))
    await _settle(uow, (FinanceAlert.kind == "swapped") & FinanceAlert.bill_id.in_(bills), note)


async def _settle(uow: UnitOfWork, which: ColumnElement[bool], note: str) -> None:
    await uow.session.execute(
        update(FinanceAlert)
        .where(which, FinanceAlert.closed_at.is_(None))
        .values(closed_at=func.now(), closed_by=uow.ctx.actor.name, note=note or _("已自行解决"))
    )


async def close_alert(uow: UnitOfWork, alert_id: UUID, note: str) -> None:
    """A finance role has dealt with it and says how."""
    uow.ctx.require("billing.alerts")
    alert = await uow.get(FinanceAlert, alert_id, lock=True)
    if alert.closed_at is None:
        alert.closed_at, alert.closed_by, alert.note = func.now(), uow.ctx.actor.name, note
        await uow.audit("finance_alert.close", "finance_alert", alert_id, kind=alert.kind, note=note)


async def open_alerts(uow: UnitOfWork) -> int:
    """How many wait: the badge of the finance pages."""
    query = select(func.count()).select_from(FinanceAlert).where(FinanceAlert.closed_at.is_(None))
    return int((await uow.session.execute(query)).scalar_one())
