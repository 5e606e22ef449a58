"""The hooks that fees answer; each is thin over the services."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time
from pathlib import Path

from core.api import (
    BillDraft,
    BillingRequest,
    ChargeProposal,
    Contribution,
    Delivery,
    FeeItem,
    Job,
    NavItem,
    Objection,
    OfferingView,
    Permission,
    PricedCharge,
    ReductionProposal,
    Schedule,
    UnitOfWork,
    UnitPrice,
    hookimpl,
)
from core.api import lazy_gettext as _l
from core.api.policy import Standing
from plugins.fees import bans, models, pages, pages_public, pages_relief, relief, service, tried
from plugins.fees.demo import demo

HERE = Path(__file__).parent

__all__ = ["models"]


async def advance(job: Delivery) -> None:
    """Daily job: standards come into force and end."""
    await service.advance(job.uow)


@hookimpl
def contribute() -> Contribution:
    """Pages for the desk and for families, the public board, and the daily move of standards."""
    return Contribution(
        key="fees",
        handlers=(*pages.HANDLERS, *pages_public.HANDLERS, *pages_relief.HANDLERS),
        permissions=(
            Permission("fees.read", _l("查看收费标准"), roles=("principal", "office", "finance")),
            Permission("fees.propose", _l("提出收费标准"), roles=("office", "finance")),
            Permission("fees.approve", _l("登记收费标准的批准"), roles=("principal",)),
            Permission("fees.post", _l("公示收费标准"), roles=("principal", "office", "finance")),
            Permission("fees.relief", _l("办理困难减免"), roles=("principal", "finance")),
            Permission("fees.ask_relief", _l("为自己的孩子申请减免"), roles=("guardian",)),
        ),
        nav=(
            NavItem("desk", _l("收费标准"), "desk/fees", "receipt-yuan", 310, "fees.read", _l("收费"), service.waiting),
            NavItem(
                "desk", _l("困难减免"), "desk/relief", "heart-handshake", 330, "fees.relief", _l("收费"), relief.waiting
            ),
            NavItem("home", _l("减免申请"), "home/relief", "heart-handshake", 80, "fees.ask_relief"),
        ),
        jobs=(Job("fees.advance", advance, title=_l("收费标准到期执行")),),
        schedules=(Schedule("fees.advance", "fees.advance", frozenset({"school"}), at=time(0, 20)),),
        templates=HERE / "templates",
        locale=HERE / "locale",
        ban_checks=bans.CHECKS,
        demo=demo,
    )


@hookimpl
def check_offering(uow: UnitOfWork, offering: OfferingView, action: str) -> list[Objection]:
    """What costs something holds nothing that the scheme wants free (R-348, R-349)."""
    return list(service.objections_to_offering(uow, offering))


@hookimpl
async def charges(uow: UnitOfWork, request: BillingRequest) -> list[ChargeProposal]:
    return await relief.charges(uow, request)


@hookimpl
async def unit_prices(uow: UnitOfWork, services: Sequence[str], on: date) -> list[UnitPrice]:
    return await service.prices(uow, services, on)


@hookimpl
async def fee_items(uow: UnitOfWork) -> list[FeeItem]:
    return await service.items(uow)


@hookimpl
async def reductions(
    uow: UnitOfWork, request: BillingRequest, charges: tuple[PricedCharge, ...]
) -> list[ReductionProposal]:
    return await relief.reductions(uow, request, charges)


@hookimpl
async def check_bill(uow: UnitOfWork, drafts: tuple[BillDraft, ...]) -> list[Objection]:
    return await relief.objections(uow, drafts)


@hookimpl
async def under_rules(uow: UnitOfWork) -> list[Standing]:
    return await tried.standards(uow)
