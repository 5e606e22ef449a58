"""What the draw brings; core.enrollment.feature puts it into enrollment's contribution."""

from __future__ import annotations

from datetime import timedelta

from core.base.text import lazy_gettext as _l
from core.enrollment.draw import giving, models, pages_desk, pages_home, pages_public, routes
from core.enrollment.draw.seed import JOB
from core.enrollment.draw.states import MANAGE
from core.host.contribution import Job, NavItem, Permission, Schedule

TURN = "draw.turn"

HANDLERS = (*pages_home.HANDLERS, *pages_desk.HANDLERS, *pages_public.HANDLERS, *routes.HANDLERS)
PERMISSIONS = (Permission(MANAGE, _l("组织志愿抽签"), roles=("office", "principal")),)
NAV = (
    NavItem("desk", _l("志愿抽签"), "desk/draws", "list-numbers", order=25, permission=MANAGE, group=_l("课后服务")),
)
JOBS = (
    Job(JOB, giving.run, transactional=False, title=_l("抽签并登记名额")),
    Job(TURN, giving.turn, title=_l("志愿填报到时结束并锁定")),
)
SCHEDULES = (Schedule(TURN, TURN, frozenset({"school"}), every=timedelta(minutes=5)),)

__all__ = ["HANDLERS", "JOBS", "NAV", "PERMISSIONS", "SCHEDULES", "models"]
