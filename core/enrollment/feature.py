"""What enrollment brings to the house: survey, service plan, menu and all that follows from it, the draw, the waiting
lists, class forming."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from core.base.text import lazy_gettext as _l
from core.enrollment import (
    departures,
    fee_changes,
    models,
    pages_approval,
    pages_cover,
    pages_desk,
    pages_family,
    pages_figures,
    pages_home,
    pages_season,
    pages_swap,
    pages_teach,
    plan_feature,
    routes,
    routes_claims,
)
from core.enrollment.draw import feature as draw_feature
from core.enrollment.forming import feature as forming_feature
from core.enrollment.jobs import TURN, turn
from core.enrollment.levels import feature as levels_feature
from core.enrollment.paper import feature as paper_feature
from core.enrollment.pledges import feature as pledges_feature
from core.enrollment.shown import feature as shown_feature
from core.enrollment.survey import feature as survey_feature
from core.enrollment.vetting import feature as vetting_feature
from core.enrollment.waiting import feature as waiting_feature
from core.host.contribution import Contribution, Job, NavItem, Permission, Schedule, Subscriber

HERE = Path(__file__).parent

__all__ = [
    "contribution",
    "draw_feature",
    "forming_feature",
    "levels_feature",
    "models",
    "paper_feature",
    "plan_feature",
    "pledges_feature",
    "shown_feature",
    "survey_feature",
    "vetting_feature",
    "waiting_feature",
]

ROOMS = (
    plan_feature,
    draw_feature,
    survey_feature,
    waiting_feature,
    forming_feature,
    levels_feature,
    paper_feature,
    pledges_feature,
    shown_feature,
    vetting_feature,
)


def _rooms(name: str) -> tuple[Any, ...]:
    """What the rooms inside enrollment add under this name."""
    return tuple(item for room in ROOMS for item in getattr(room, name, ()))


PERMISSIONS = (
    Permission(
        "offering.read", _l("查看服务项目"), roles=("office", "principal", "finance", "class_teacher", "teacher")
    ),
    Permission("offering.manage", _l("编制服务项目"), roles=("office", "principal")),
    Permission("offering.review", _l("审核服务项目"), roles=("office", "principal")),
    Permission("menu.publish", _l("发布服务菜单"), roles=("office", "principal")),
    Permission("enrollment.apply", _l("为孩子报名"), roles=("guardian",)),
    Permission("application.read", _l("查看报名申请"), roles=("office", "principal")),
    Permission("application.review", _l("审核本班报名"), roles=("class_teacher",)),
    Permission("application.approve", _l("核准报名"), roles=("office", "principal")),
    Permission("application.decide", _l("校长审定报名"), roles=("principal",)),
)

SERVICE = _l("课后服务")
NAV = (
    NavItem("home", _l("首页"), "home", "home", order=10),
    NavItem("home", _l("菜单"), "home/menu", "layout-grid", order=20),
    NavItem(
        "teach",
        _l("报名审核"),
        "teach/review",
        "clipboard-check",
        order=40,
        permission="application.review",
        badge=pages_teach.badge,
    ),
    NavItem("desk", _l("服务菜单"), "desk/menu", "list-details", order=20, permission="offering.read", group=SERVICE),
    NavItem(
        "desk",
        _l("报名申请"),
        "desk/applications",
        "clipboard-check",
        order=30,
        permission="application.read",
        group=SERVICE,
        badge=pages_approval.badge,
    ),
    NavItem(
        "desk", _l("报名情况"), "desk/figures", "chart-bar", order=35, permission="application.read", group=SERVICE
    ),
)

contribution = Contribution(
    key="enrollment",
    handlers=(
        *pages_home.HANDLERS,
        *pages_family.HANDLERS,
        *pages_swap.HANDLERS,
        *pages_teach.HANDLERS,
        *pages_desk.HANDLERS,
        *pages_season.HANDLERS,
        *pages_cover.HANDLERS,
        *pages_approval.HANDLERS,
        *pages_figures.HANDLERS,
        *routes.HANDLERS,
        *routes_claims.HANDLERS,
        *_rooms("HANDLERS"),
    ),
    permissions=(*PERMISSIONS, *_rooms("PERMISSIONS")),
    nav=(*NAV, *_rooms("NAV")),
    jobs=(
        Job(TURN, turn, title=_l("推进报名与服务状态")),
        Job(departures.JOB, departures.run, title=_l("结束离校学生的课后服务")),
        *_rooms("JOBS"),
    ),
    subscribers=(
        Subscriber("roster.imported", "enrollment.departed", departures.imported),
        Subscriber("fees.standard_in_force", "enrollment.on_fee", fee_changes.on_standard),
        *_rooms("SUBSCRIBERS"),
    ),
    documents=(*_rooms("DOCUMENTS"),),
    schedules=(
        Schedule(TURN, TURN, frozenset({"school"}), every=timedelta(minutes=5)),
        *_rooms("SCHEDULES"),
    ),
    templates=HERE / "templates",
    static=HERE / "static",
    locale=HERE / "locale",
)
