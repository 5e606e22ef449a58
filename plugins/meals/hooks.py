"""The hooks that lunch answers; each is thin over the service."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Any
from uuid import UUID

from core.api import (
    BillingRequest,
    ChargeProposal,
    Contribution,
    Figure,
    Job,
    NavItem,
    Objection,
    OfferingView,
    Panel,
    Permission,
    PlanView,
    Schedule,
    UnitOfWork,
    hookimpl,
)
from core.api import lazy_gettext as _l
from plugins.meals import family, jobs, models, pages, service
from plugins.meals.demo import demo

HERE = Path(__file__).parent

__all__ = ["models"]


@hookimpl
def contribute() -> Contribution:
    return Contribution(
        key="meals",
        handlers=[*pages.HANDLERS, *family.HANDLERS],
        permissions=[
            Permission("meals.write", _l("管理午餐"), roles=("principal", "office")),
            Permission("meals.count", _l("查看用餐名单并登记用餐"), roles=("office", "class_teacher", "teacher")),
            Permission("meals.bans", _l("查看孩子饮食禁忌的说明"), roles=("office", "class_teacher")),
            Permission("meals.order", _l("为孩子订餐和取消"), roles=("guardian",)),
        ],
        nav=[
            NavItem("desk", _l("午餐"), "desk/meals", "soup", 245, "meals.write", _l("服务")),
            NavItem("teach", _l("午餐"), "teach/meals", "soup", 70, "meals.count"),
            NavItem("home", _l("午餐"), "home/meals", "soup", 60, "meals.order"),
        ],
        jobs=[Job("meals.close_day", jobs.close_day, title=_l("午餐截止计数"))],
        schedules=[Schedule("meals.close_day", "meals.close_day", frozenset({"school"}), at=time(8, 31))],
        templates=HERE / "templates",
        locale=HERE / "locale",
        demo=demo,
    )


@hookimpl
async def check_plan(uow: UnitOfWork, plan: PlanView) -> list[Objection]:
    return await service.objections_to_plan(uow, plan)


@hookimpl
async def check_offering(uow: UnitOfWork, offering: OfferingView) -> list[Objection]:
    return await service.objections_to_lunch(uow, offering)


@hookimpl
async def charges(uow: UnitOfWork, request: BillingRequest) -> list[ChargeProposal]:
    return await service.charges(uow, request)


@hookimpl
async def figures(uow: UnitOfWork, term_id: UUID) -> list[Figure]:
    return await service.figures(uow, term_id)


@hookimpl
async def page_panels(uow: UnitOfWork, slot: str, subject: Any) -> list[Panel]:
    return await pages.panels_of(uow, slot, subject)
