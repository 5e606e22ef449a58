"""What the service plan brings; core.enrollment.feature puts it into enrollment's contribution."""

from __future__ import annotations

from datetime import time

from core.base.text import lazy_gettext as _l
from core.enrollment import plan_filing, plan_models, plan_pages, plan_routes, plan_section_pages
from core.enrollment.plan_states import ADOPT, READ, WRITE
from core.host.contribution import DocumentHandler, Job, NavItem, Permission, Schedule

HANDLERS = (*plan_pages.HANDLERS, *plan_section_pages.HANDLERS, *plan_routes.HANDLERS)

PERMISSIONS = (
    Permission(READ, _l("查看服务方案"), roles=("principal", "office", "finance", "class_teacher", "teacher")),
    Permission(WRITE, _l("编制、报送、公示服务方案"), roles=("office", "principal")),
    Permission(ADOPT, _l("审定服务方案"), roles=("principal",)),
)

NAV = (
    NavItem("desk", _l("服务方案"), "desk/plan", "clipboard-text", order=10, permission=READ, group=_l("课后服务")),
    NavItem("home", _l("服务方案"), "home/plan", "file-text", order=70),
)

JOBS = (Job("plan.daily", plan_filing.daily, title=_l("服务方案按学期生效和结束")),)
SCHEDULES = (Schedule("plan.daily", "plan.daily", frozenset({"school"}), at=time(0, 10)),)
DOCUMENTS = (DocumentHandler(plan_filing.DECISION, plan_filing.receive_decision, _l("服务方案审核结果")),)

__all__ = ["DOCUMENTS", "HANDLERS", "JOBS", "NAV", "PERMISSIONS", "SCHEDULES", "plan_models"]
