"""What the need survey brings; core.enrollment.feature puts it into enrollment's contribution."""

from __future__ import annotations

from datetime import timedelta

from core.base.text import lazy_gettext as _l
from core.db.delivery import Delivery
from core.enrollment.survey import models, pages_desk, pages_home, pages_teach, routes, service
from core.enrollment.survey.states import MANAGE, OF_CLASS
from core.host.contribution import Job, NavItem, Permission, Schedule

TURN = "survey.turn"


async def turn(delivery: Delivery) -> None:
    """Job: the last call, and the end."""
    await service.turn(delivery.uow)


HANDLERS = (*pages_home.HANDLERS, *pages_teach.HANDLERS, *pages_desk.HANDLERS, *routes.HANDLERS)
PERMISSIONS = (
    Permission(MANAGE, _l("组织意向调查"), roles=("office", "principal")),
    Permission(OF_CLASS, _l("本班意向调查"), roles=("class_teacher",)),
)
NAV = (
    NavItem(
        "desk", _l("意向调查"), "desk/survey", "message-question", order=15, permission=MANAGE, group=_l("课后服务")
    ),
    NavItem(
        "teach",
        _l("意向调查"),
        "teach/survey",
        "message-question",
        order=80,
        permission=OF_CLASS,
        badge=pages_teach.badge,
    ),
)
JOBS = (Job(TURN, turn, title=_l("意向调查到时提醒和结束")),)
SCHEDULES = (Schedule(TURN, TURN, frozenset({"school"}), every=timedelta(minutes=5)),)

__all__ = ["HANDLERS", "JOBS", "NAV", "PERMISSIONS", "SCHEDULES", "models"]
