"""What the waiting lists bring; core.enrollment.feature puts it into enrollment's contribution."""

from __future__ import annotations

from datetime import timedelta

from core.base.text import lazy_gettext as _l
from core.enrollment.waiting import carrying, models, offers, pages_desk, pages_home, pages_public, routes
from core.enrollment.waiting.gate import OFFER
from core.enrollment.waiting.states import MANAGE
from core.host.contribution import Job, NavItem, Permission, Schedule, Subscriber

TURN = "waiting.turn"

HANDLERS = (*pages_home.HANDLERS, *pages_desk.HANDLERS, *pages_public.HANDLERS, *routes.HANDLERS)
PERMISSIONS = (Permission(MANAGE, _l("管理候补名单"), roles=("office", "principal")),)
NAV = (NavItem("desk", _l("候补名单"), "desk/waiting", "hourglass", order=27, permission=MANAGE, group=_l("课后服务")),)
JOBS = (
    Job(OFFER, offers.run, title=_l("向候补名单发出名额")),
    Job(carrying.CARRY, carrying.run, title=_l("把候补名单转入新学期")),
    Job(TURN, offers.turn, title=_l("检查候补名单")),
)
SUBSCRIBERS = (Subscriber("menu.published", "waiting.menu", carrying.menu_published),)
SCHEDULES = (Schedule(TURN, TURN, frozenset({"school"}), every=timedelta(minutes=5)),)

__all__ = ["HANDLERS", "JOBS", "NAV", "PERMISSIONS", "SCHEDULES", "SUBSCRIBERS", "models"]
