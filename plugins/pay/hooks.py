"""The hooks that subsidies and pay answer; each is thin over the services."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from core.api import AccountDef, Contribution, Figure, Job, NavItem, Permission, UnitOfWork, hookimpl
from core.api import lazy_gettext as _l
from plugins.pay import bans, making, models, pages_lists, pages_rates, pages_subsidies, pages_teach
from plugins.pay import figures as shown
from plugins.pay.demo import demo

HERE = Path(__file__).parent

__all__ = ["models"]

READERS = ("principal", "finance")


@hookimpl
def contribute() -> Contribution:
    return Contribution(
        key="pay",
        handlers=(
            *pages_lists.HANDLERS,
            *pages_rates.HANDLERS,
            *pages_subsidies.HANDLERS,
            *pages_teach.HANDLERS,
        ),
        permissions=(
            Permission("pay.read", _l("查看补贴和报酬"), roles=READERS),
            Permission("pay.make", _l("提出报酬标准、造报酬表、登记发放"), roles=("finance",)),
            Permission("pay.approve", _l("审批报酬标准和报酬表"), roles=("principal",)),
            Permission("pay.subsidy", _l("登记财政补贴"), roles=("finance",)),
            Permission("pay.mine", _l("查看自己的报酬"), roles=("class_teacher", "teacher", "external_teacher")),
        ),
        nav=(
            NavItem("desk", _l("财政补贴"), "desk/subsidies", "building-bank", 370, "pay.read", _l("收费")),
            NavItem("desk", _l("劳务报酬"), "desk/pay", "cash-banknote", 380, "pay.read", _l("收费"), shown.waiting),
            NavItem("teach", _l("我的报酬"), "teach/pay", "cash-banknote", 90, "pay.mine"),
        ),
        jobs=(Job(making.JOB, making.make, transactional=False, title=_l("造报酬表")),),
        accounts=(AccountDef("pay_payroll", _l("绩效工资拨付"), "income", ceil=0),),
        templates=HERE / "templates",
        locale=HERE / "locale",
        ban_checks=bans.CHECKS,
        demo=demo,
    )


@hookimpl
async def figures(uow: UnitOfWork, term_id: UUID) -> list[Figure]:
    return await shown.figures(uow, term_id)
