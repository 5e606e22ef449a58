"""What past texts bring; core.enrollment.feature puts it into enrollment's contribution."""

from __future__ import annotations

from core.base.text import lazy_gettext as _l
from core.enrollment.shown import models, pages
from core.host.contribution import NavItem

HANDLERS = pages.HANDLERS
GROUP = _l("课后服务")
NAV = (
    NavItem(
        "desk",
        _l("变更后待办"),
        "desk/renewals",
        "refresh-alert",
        order=37,
        permission="application.read",
        group=GROUP,
        badge=pages.badge,
    ),
    NavItem("desk", _l("当日文本"), "desk/texts", "history", order=38, permission="application.read", group=GROUP),
)

__all__ = ["HANDLERS", "NAV", "models"]
