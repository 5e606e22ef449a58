"""What teachers' safety agreements bring; core.enrollment.feature puts it into enrollment's contribution."""

from __future__ import annotations

from core.base.text import lazy_gettext as _l
from core.enrollment.pledges import models, pages
from core.host.contribution import NavItem

HANDLERS = pages.HANDLERS
NAV = (
    NavItem(
        "desk",
        _l("教师安全责任书"),
        "desk/safety",
        "shield-check",
        order=36,
        permission="offering.manage",
        group=_l("课后服务"),
    ),
)

__all__ = ["HANDLERS", "NAV", "models"]
