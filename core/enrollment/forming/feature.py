"""What class forming brings; core.enrollment.feature puts it into enrollment's contribution."""

from __future__ import annotations

from core.base.text import lazy_gettext as _l
from core.enrollment.forming import keeping, making, models, pages_desk, pages_mixing, pages_people
from core.enrollment.forming.states import MANAGE
from core.host.contribution import Job, NavItem, Permission, Subscriber

HANDLERS = (*pages_desk.HANDLERS, *pages_people.HANDLERS, *pages_mixing.HANDLERS)
PERMISSIONS = (
    Permission(MANAGE, _l("编班和排课"), roles=("office", "principal")),
    Permission(
        pages_people.SERVE, _l("查看自己的值班，填写意愿"), roles=("teacher", "class_teacher", "office", "principal")
    ),
)
NAV = (
    NavItem("desk", _l("编班排课"), "desk/forming", "users-group", order=35, permission=MANAGE, group=_l("课后服务")),
    NavItem("teach", _l("值班"), "teach/rota", "calendar-event", order=45, permission=pages_people.SERVE),
    NavItem("home", _l("班组"), "home/groups", "users-group", order=220),
)
JOBS = (Job(making.JOB, making.run, transactional=False, title=_l("自动编班")),)
SUBSCRIBERS = (
    *(
        Subscriber(f"enrollment.{event}", f"forming.on_{event}", keeping.follow)
        for event in ("enrolled", "changed", "withdrawn")
    ),
    Subscriber("forming.published", "forming.on_published", keeping.follow_all),
)

__all__ = ["HANDLERS", "JOBS", "NAV", "PERMISSIONS", "SUBSCRIBERS", "models"]
