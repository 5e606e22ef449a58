"""What oversight brings to the house."""

from __future__ import annotations

from datetime import time
from pathlib import Path

from core.base.text import lazy_gettext as _l
from core.enrollment.vetting.documents import FILING
from core.host.contribution import Contribution, DocumentHandler, Job, NavItem, Permission, Schedule, Subscriber
from tenants.oversight import courses, figures, models, pages, pages_courses, routes, service
from tenants.oversight.states import READ, REVIEW

HERE = Path(__file__).parent

__all__ = ["contribution", "models"]

COUNTED = (
    "plan.adopted",
    "plan.submitted",
    "plan.returned",
    "plan.filed",
    "plan.published",
    "plan.in_force",
    "application.submitted",
    "application.refused",
    "application.item_refused",
    "enrollment.enrolled",
    "enrollment.withdrawn",
    "menu.published",
    "notice.published",
    "lesson.held",
)
"""Events after which the figures are others."""

BOTH = ("bureau_officer", "bureau_head")

contribution = Contribution(
    key="oversight",
    handlers=(*pages.HANDLERS, *pages_courses.HANDLERS, *routes.HANDLERS),
    permissions=(
        Permission(READ, _l("查看学校备案与数据"), roles=BOTH),
        Permission(REVIEW, _l("审核学校方案"), roles=BOTH),
    ),
    nav=(
        NavItem("bureau", _l("学校总览"), "bureau", "layout-dashboard", order=10, permission=READ),
        NavItem(
            "bureau",
            _l("方案备案"),
            "bureau/plans",
            "clipboard-check",
            order=20,
            permission=READ,
            badge=service.waiting,
        ),
        NavItem("bureau", _l("课程审核"), "bureau/courses", "books", order=25, permission=READ, badge=courses.waiting),
    ),
    jobs=(Job(figures.REPORT, figures.report, title=_l("向教育局报送数据")),),
    schedules=(Schedule(figures.REPORT, figures.REPORT, frozenset({"school"}), at=time(20, 30)),),
    subscribers=tuple(Subscriber(event, f"oversight.counts.{event}", figures.changed) for event in COUNTED),
    documents=(
        DocumentHandler("plan.filing", service.receive_filing, _l("服务方案报送")),
        DocumentHandler(FILING, courses.receive, _l("项目报送审核")),
        DocumentHandler(figures.FIGURES, figures.receive, _l("数据报送")),
    ),
    templates=HERE / "templates",
    locale=HERE / "locale",
)
