"""What billing brings to the house."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path

from core.base.text import lazy_gettext as _l
from core.billing import (
    closing,
    jobs,
    models,
    pages_closing,
    pages_desk,
    pages_home,
    pages_money,
    pages_spending,
    routes,
)
from core.billing.alerts import open_alerts
from core.billing.earning import earn
from core.billing.queries import unpaid_of_mine
from core.billing.refunds import send
from core.billing.run import run_billing
from core.host.contribution import Contribution, Job, NavItem, Permission, Schedule, Subscriber

HERE = Path(__file__).parent

__all__ = ["contribution", "models"]

contribution = Contribution(
    key="billing",
    handlers=(
        *pages_desk.HANDLERS,
        *pages_money.HANDLERS,
        *pages_spending.HANDLERS,
        *pages_home.HANDLERS,
        *pages_closing.HANDLERS,
        *routes.HANDLERS,
    ),
    nav=(
        NavItem("desk", _l("账单"), "desk/billing", "file-invoice", 320, "billing.read", _l("收费")),
        NavItem(
            "desk", _l("资金提醒"), "desk/alerts", "alert-triangle", 340, "billing.alerts", _l("收费"), open_alerts
        ),
        NavItem("desk", _l("资金结算"), "desk/payouts", "building-bank", 350, "billing.refund", _l("收费")),
        NavItem("desk", _l("支出登记"), "desk/spending", "receipt-2", 355, "billing.spend", _l("收费")),
        NavItem("desk", _l("收支公示"), "desk/statement", "report-money", 360, "billing.statement", _l("收费")),
        NavItem("home", _l("账单"), "home/bills", "receipt-yuan", 40, "billing.pay", badge=unpaid_of_mine),
    ),
    permissions=(
        Permission("billing.read", _l("查看账单"), roles=("finance", "principal")),
        Permission("billing.run", _l("生成账单"), roles=("finance",)),
        Permission("billing.void", _l("作废账单"), roles=("finance",)),
        Permission("billing.refund", _l("办理退费"), roles=("finance", "principal")),
        Permission("billing.spend", _l("登记支出"), roles=("finance",)),
        Permission("billing.alerts", _l("处理资金提醒"), roles=("finance", "principal")),
        Permission("billing.statement", _l("查看收支公示"), roles=("finance", "principal", "office")),
        Permission("billing.publish", _l("公示收支"), roles=("principal", "finance")),
        Permission("billing.pay", _l("查看和缴纳自己孩子的账单"), roles=("guardian",)),
    ),
    jobs=(
        Job("billing.run", run_billing, transactional=False, title=_l("生成账单")),
        Job(closing.JOB, closing.close_term, transactional=False, title=_l("学期结账")),
        Job("billing.refund", send, transactional=False, title=_l("退款")),
        Job("billing.look", jobs.look, transactional=False, title=_l("查询付款结果")),
        Job("billing.look_refund", jobs.look_refund, transactional=False, title=_l("查询退款结果")),
        Job("billing.close", jobs.close, transactional=False, title=_l("关闭付款页")),
        Job("billing.janitor", jobs.janitor, title=_l("查询没有结果的付款和退款")),
        Job("billing.fees", jobs.fees, title=_l("查询支付手续费")),
    ),
    subscribers=(
        Subscriber("lesson.held", "billing.earn", earn),
        Subscriber("lesson.recounted", "billing.earn_before", earn),
        Subscriber("enrollment.withdrawn", "billing.withdrawn", jobs.withdrawn),
    ),
    schedules=(
        Schedule("billing.janitor", "billing.janitor", frozenset({"school"}), every=timedelta(minutes=5)),
        Schedule("billing.fees", "billing.fees", frozenset({"school"}), at=time(2, 40)),
    ),
    templates=HERE / "templates",
    locale=HERE / "locale",
)
