"""The hooks that clubs answer; each is thin over the service."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from uuid import UUID

from core.api import (
    ApplicationView,
    BillingRequest,
    ChargeProposal,
    Contribution,
    Figure,
    NavItem,
    Objection,
    OfferingView,
    Panel,
    Permission,
    ReleaseView,
    UnitOfWork,
    hookimpl,
)
from core.api import lazy_gettext as _l
from core.api import lazy_pgettext as _lp
from plugins.clubs import models, pages, service
from plugins.clubs.demo import demo

HERE = Path(__file__).parent

__all__ = ["models"]


@hookimpl
def contribute() -> Contribution:
    return Contribution(
        key="clubs",
        handlers=pages.HANDLERS,
        permissions=[
            Permission("clubs.write", _l("管理社团"), roles=("principal", "office")),
            Permission("clubs.teach", _l("查看自己负责的社团"), roles=("class_teacher", "teacher", "office")),
        ],
        nav=[
            NavItem("desk", _lp("clubs", "社团"), "desk/clubs", "ball-basketball", 240, "clubs.write", _l("服务")),
            NavItem("teach", _lp("clubs", "社团"), "teach/clubs", "ball-basketball", 60, "clubs.teach"),
        ],
        templates=HERE / "templates",
        locale=HERE / "locale",
        demo=demo,
    )


@hookimpl
async def check_offering(offering: OfferingView, action: str) -> list[Objection]:
    return await service.objections_to_club(offering, action)


@hookimpl
async def check_application(uow: UnitOfWork, application: ApplicationView) -> list[Objection]:
    return await service.objections_to_application(uow, application)


@hookimpl
async def check_release(uow: UnitOfWork, release: ReleaseView) -> list[Objection]:
    return await service.objections_to_release(uow, release)


@hookimpl
async def charges(request: BillingRequest) -> list[ChargeProposal]:
    return await service.charges(request)


@hookimpl
async def figures(uow: UnitOfWork, term_id: UUID) -> list[Figure]:
    return await service.figures(uow, term_id)


@hookimpl
async def page_panels(uow: UnitOfWork, slot: str, subject: Any) -> list[Panel]:
    return await pages.panels_of(uow, slot, subject)
