"""What the levels bring; core.enrollment.feature puts it into enrollment's contribution."""

from __future__ import annotations

from core.base.text import lazy_gettext as _l
from core.enrollment.forming.states import MANAGE
from core.enrollment.levels import models, pages
from core.enrollment.levels.service import OWN
from core.host.contribution import NavItem, Permission

HANDLERS = pages.HANDLERS
PERMISSIONS = (Permission(OWN, _l("填写所教项目的学生层级"), roles=("teacher", "class_teacher")),)
NAV = (
    NavItem("desk", _l("学生层级"), "desk/levels", "stairs", order=36, permission=MANAGE, group=_l("课后服务")),
    NavItem("teach", _l("学生层级"), "teach/levels", "stairs", order=85, permission=OWN),
)

__all__ = ["HANDLERS", "NAV", "PERMISSIONS", "models"]
