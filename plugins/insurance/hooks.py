"""The hooks that insurance answers; each is thin over the service."""

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
    Subscriber,
    UnitOfWork,
    hookimpl,
)
from core.api import lazy_gettext as _l
from plugins.insurance import family, jobs, models, pages, service
from plugins.insurance.demo import demo

HERE = Path(__file__).parent

__all__ = ["models"]


@hookimpl
def contribute() -> Contribution:
    return Contribution(
        key="insurance",
        handlers=[*pages.HANDLERS, *family.HANDLERS],
        permissions=[
            Permission("insurance.write", _l("管理保险和理赔"), roles=("principal", "office")),
            Permission("insurance.answer", _l("查看和答复孩子的保险"), roles=("guardian",)),
        ],
        nav=[
            NavItem("desk", _l("保险"), "desk/insurance", "shield-check", 250, "insurance.write", _l("服务")),
            NavItem("home", _l("保险"), "home/insurance", "shield-check", 80, "insurance.answer"),
        ],
        jobs=[Job("insurance.turn", jobs.turn_policies, title=_l("保单到期检查"))],
        subscribers=[
            Subscriber("insurance.expiring", "insurance.tell_expiring", jobs.policy_ending),
            Subscriber("insurance.lapsed", "insurance.tell_lapsed", jobs.policy_ending),
        ],
        schedules=[Schedule("insurance.turn", "insurance.turn", frozenset({"school"}), at=time(6, 10))],
        templates=HERE / "templates",
        locale=HERE / "locale",
        demo=demo,
    )


@hookimpl
async def check_plan(uow: UnitOfWork, plan: PlanView) -> list[Objection]:
    return await service.objections_to_plan(uow, plan)


@hookimpl
async def check_offering(uow: UnitOfWork, offering: OfferingView) -> list[Objection]:
    return await service.objections_to_offering(uow, offering)


@hookimpl
async def charges(request: BillingRequest) -> list[ChargeProposal]:
    return await service.charges(request)


@hookimpl
async def figures(uow: UnitOfWork, term_id: UUID) -> list[Figure]:
    return await service.figures(uow, term_id)


@hookimpl
async def page_panels(uow: UnitOfWork, slot: str, subject: Any) -> list[Panel]:
    return await pages.panels_of(uow, slot, subject)
