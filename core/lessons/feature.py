"""What lessons brings to the house."""

from __future__ import annotations

from datetime import time, timedelta
from pathlib import Path
from typing import Any

from core.base.text import lazy_gettext as _l
from core.host.contribution import Contribution, Job, NavItem, Permission, Schedule, Subscriber
from core.lessons import (
    absences,
    custody,
    models,
    pages_absence,
    pages_desk,
    pages_home,
    pages_teach,
    pages_week,
    planning,
    queries,
    recount,
    routes,
    settle,
    told,
)
from core.lessons.oneoff import models as oneoff_models
from core.lessons.oneoff import pages as oneoff_pages
from core.lessons.oneoff import service as oneoff_service

HERE = Path(__file__).parent

__all__ = ["contribution", "models", "oneoff_models"]

DAILY = _l("每日课后")


async def _missing(uow: Any) -> int:
    return await absences.open_count(uow)


async def _here(uow: Any) -> int:
    return await custody.open_count(uow)


async def _review(uow: Any) -> int:
    return len(await queries.to_settle(uow))


OFFERING_EVENTS = ("published", "running", "changed", "resumed", "suspended", "withdrawn")

contribution = Contribution(
    key="lessons",
    handlers=(
        *pages_teach.HANDLERS,
        *pages_absence.HANDLERS,
        *pages_home.HANDLERS,
        *pages_week.HANDLERS,
        *pages_desk.HANDLERS,
        *oneoff_pages.HANDLERS,
        *routes.HANDLERS,
    ),
    permissions=(
        Permission("lesson.teach", _l("上课、点名、交接"), roles=("teacher", "class_teacher", "external_teacher")),
        Permission("lesson.oversee", _l("查看所有课次和考勤"), roles=("office", "principal")),
        Permission("lesson.manage", _l("排课、代课、取消课次"), roles=("office", "principal")),
        Permission("lesson.settle", _l("核实课次"), roles=("office", "principal")),
        Permission("attendance.correct", _l("更正考勤"), roles=("office", "principal")),
        Permission("handover.oversee", _l("查看并接手未接走的学生"), roles=("office", "principal")),
        Permission("handover.unlock", _l("解锁接送码"), roles=("office", "principal")),
        Permission("lesson.family", _l("查看孩子的课后服务，请假和评价"), roles=("guardian",)),
    ),
    nav=(
        NavItem("teach", _l("今天"), "teach", "calendar-check", order=10, permission="lesson.teach"),
        NavItem("teach", _l("放学"), "teach/pickup", "users-group", order=20, permission="lesson.teach"),
        NavItem(
            "teach",
            _l("临时托管"),
            "teach/one-off",
            "calendar-plus",
            order=50,
            permission="application.review",
            badge=oneoff_pages.badge,
        ),
        NavItem("home", _l("今天"), "home/today", "calendar-check", order=200, permission="lesson.family"),
        NavItem("home", _l("课表"), "home/week", "calendar-week", order=205, permission="lesson.family"),
        NavItem(
            "desk",
            _l("今日课次"),
            "desk/lessons",
            "calendar-check",
            order=200,
            permission="lesson.oversee",
            group=DAILY,
        ),
        NavItem(
            "desk",
            _l("未到学生"),
            "desk/absences",
            "user-question",
            order=210,
            permission="lesson.oversee",
            group=DAILY,
            badge=_missing,
        ),
        NavItem(
            "desk",
            _l("在校学生"),
            "desk/handover",
            "users-group",
            order=220,
            permission="handover.oversee",
            group=DAILY,
            badge=_here,
        ),
        NavItem(
            "desk",
            _l("课次核实"),
            "desk/review",
            "scale",
            order=230,
            permission="lesson.oversee",
            group=DAILY,
            badge=_review,
        ),
    ),
    jobs=(
        Job(planning.JOB, planning.generate, transactional=False, title=_l("生成课次")),
        Job("lessons.close_days", settle.close_days, transactional=False, title=_l("结清当天课次")),
        Job("lessons.watch", settle.watch, title=_l("留意晚接")),
    ),
    subscribers=(
        *told.SUBSCRIBERS,
        Subscriber("forming.published", "lessons.on_groups", planning.on_groups),
        Subscriber("roster.imported", "lessons.one_off_left", oneoff_service.child_left),
        Subscriber("billing.run_finished", "lessons.recount", recount.on_billed),
        *(
            Subscriber(f"offering.{event}", f"lessons.on_offering_{event}", planning.on_offering)
            for event in OFFERING_EVENTS
        ),
    ),
    schedules=(
        Schedule("lessons.nightly", "lessons.close_days", frozenset({"school"}), at=time(0, 30)),
        Schedule("lessons.watch", "lessons.watch", frozenset({"school"}), every=timedelta(minutes=5)),
    ),
    templates=HERE / "templates",
    static=HERE / "static",
    locale=HERE / "locale",
)
