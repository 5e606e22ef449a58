"""What the plugin brings and answers; each hook is thin over the services."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Any
from uuid import UUID

from core.api import (
    AssignmentView,
    BillDraft,
    BillingRequest,
    ChargeProposal,
    Contribution,
    Delivery,
    DocumentHandler,
    Figure,
    GiveUp,
    Job,
    NavItem,
    Objection,
    OfferingView,
    Permission,
    Schedule,
    Subscriber,
    UnitOfWork,
    hookimpl,
    lazy_gettext,
)
from plugins.vendors import (
    bans,
    bureau_service,
    checks,
    evaluation,
    exits,
    models,
    pages_bureau,
    pages_school,
    pages_vendor,
    school_service,
    vendor_service,
)
from plugins.vendors import (
    charges as charging,
)
from plugins.vendors.demo import demo

_l = lazy_gettext
HERE = Path(__file__).parent
__all__ = ["models"]

PERMISSIONS = (
    Permission("vendors.own", _l("查看机构自己的资料、课程和评分"), roles=("vendor_manager", "coach")),
    Permission("vendors.profile", _l("维护机构资料，申请进入名单"), roles=("vendor_manager",)),
    Permission("vendors.offer", _l("向学校提交课程"), roles=("vendor_manager",)),
    Permission("vendors.answer", _l("答复退出评估"), roles=("vendor_manager",)),
    Permission("vendors.read_list", _l("查看机构名单"), roles=("bureau_officer", "bureau_head")),
    Permission("vendors.vet", _l("审核机构"), roles=("bureau_officer", "bureau_head")),
    Permission("vendors.list", _l("决定机构列入名单或暂停"), roles=("bureau_head",)),
    Permission("vendors.exit", _l("办理退出评估，通知机构"), roles=("bureau_officer", "bureau_head")),
    Permission("vendors.exit_decide", _l("对退出评估作出决定"), roles=("bureau_head",)),
    Permission("vendors.read", _l("查看机构课程和评分"), roles=("office", "principal")),
    Permission("vendors.review", _l("审核机构课程，登记机构情况"), roles=("office", "principal")),
)


async def _school_waits(uow: Any) -> int:
    return await school_service.waiting(uow)


async def _bureau_waits(uow: Any) -> int:
    return await bureau_service.waiting(uow)


async def _cases_wait(uow: Any) -> int:
    return await bureau_service.open_cases(uow)


OFFERINGS, OVERSIGHT = _l("服务"), _l("机构")

NAV = (
    NavItem("vendor", _l("总览"), "vendor", "layout-dashboard", 10, "vendors.own"),
    NavItem("vendor", _l("资料与申请"), "vendor/profile", "id", 20, "vendors.own"),
    NavItem("vendor", _l("提交课程"), "vendor/courses/new", "plus", 30, "vendors.offer"),
    NavItem("desk", _l("机构课程"), "desk/vendors", "building-store", 260, "vendors.read", OFFERINGS, _school_waits),
    NavItem(
        "bureau", _l("机构名单"), "bureau/vendors", "building-store", 300, "vendors.read_list", OVERSIGHT, _bureau_waits
    ),
    NavItem("bureau", _l("退出评估"), "bureau/exit-reviews", "gavel", 310, "vendors.read_list", OVERSIGHT, _cases_wait),
)


async def _by_kind(job: Delivery, **handlers: Any) -> None:
    """One kind of letter is read differently by school, vendor and bureau."""
    handler = handlers.get(job.ctx.kind)
    if handler is None:
        raise GiveUp(f"{job.name} is no letter for a {job.ctx.kind}")
    await handler(job)


def _letter(kind: str, title: Any, **handlers: Any) -> DocumentHandler:
    async def handle(job: Delivery) -> None:
        await _by_kind(job, **handlers)

    return DocumentHandler(kind, handle, title)


DOCUMENTS = (
    _letter("vendors.application", _l("机构申请进入名单"), bureau=bureau_service.on_application),
    _letter("vendors.listing", _l("名单审核结果"), vendor=vendor_service.on_listing),
    _letter("vendors.list_entry", _l("机构名单更新"), school=school_service.on_list_entry),
    _letter("vendors.list_wanted", _l("请求机构名单"), bureau=bureau_service.on_list_wanted),
    _letter("vendors.offer", _l("机构提交的课程"), school=school_service.on_offer),
    _letter("vendors.offer_decision", _l("课程审核结果"), vendor=vendor_service.on_offer_decision),
    _letter("vendors.progress", _l("课程开展情况"), vendor=vendor_service.on_progress),
    _letter("vendors.score", _l("机构评分"), vendor=vendor_service.on_score, bureau=bureau_service.on_score),
    _letter("vendors.exit_signal", _l("退出评估的依据"), bureau=exits.on_exit_signal),
    _letter(
        "vendors.exit_notice",
        _l("退出评估通知"),
        vendor=vendor_service.on_exit_notice,
        school=school_service.on_exit_notice,
    ),
    _letter("vendors.exit_answer", _l("机构对退出评估的答复"), bureau=exits.on_exit_answer),
    _letter(
        "vendors.exit_decision",
        _l("退出评估决定"),
        vendor=vendor_service.on_exit_decision,
        school=vendor_service.on_exit_decision,
    ),
)


@hookimpl
def contribute() -> Contribution:
    return Contribution(
        key="vendors",
        handlers=(*pages_vendor.HANDLERS, *pages_bureau.HANDLERS, *pages_school.HANDLERS),
        permissions=PERMISSIONS,
        nav=NAV,
        jobs=(
            Job("vendors.score", evaluation.score_all, title=_l("机构评分")),
            Job("vendors.expire", bureau_service.expire, title=_l("检查许可证有效期")),
        ),
        subscribers=tuple(
            Subscriber(event, f"vendors.on_{event.replace('.', '_')}", evaluation.on_news)
            for event in ("lesson.held", "lesson.missed", "lesson.rated")
        ),
        documents=DOCUMENTS,
        schedules=(
            Schedule("vendors.score_nightly", "vendors.score", frozenset({"school"}), at=time(1, 30)),
            Schedule("vendors.expire_nightly", "vendors.expire", frozenset({"bureau"}), at=time(0, 20)),
        ),
        templates=HERE / "templates",
        static=HERE / "static",
        locale=HERE / "locale",
        ban_checks=bans.CHECKS,
        demo=demo,
    )


@hookimpl
async def check_offering(uow: UnitOfWork, offering: OfferingView, action: str) -> list[Objection]:
    return await checks.of_offering(uow, offering, action)


@hookimpl
async def check_assignment(uow: UnitOfWork, assignment: AssignmentView) -> list[Objection]:
    return await checks.of_assignment(uow, assignment)


@hookimpl
async def check_bill(uow: UnitOfWork, drafts: tuple[BillDraft, ...]) -> list[Objection]:
    return await checks.of_bills(uow, drafts)


@hookimpl
def charges(request: BillingRequest) -> list[ChargeProposal]:
    return charging.charges(request)


@hookimpl
async def figures(uow: UnitOfWork, term_id: UUID) -> list[Figure]:
    return await charging.figures(uow, term_id)
