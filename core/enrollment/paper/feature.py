"""What papers bring; core.enrollment.feature puts it into enrollment's contribution."""

from __future__ import annotations

from core.base.text import lazy_gettext as _l
from core.enrollment.paper import models, pages_desk, pages_home, pages_teach, service
from core.enrollment.paper.states import CHECK
from core.host.contribution import NavItem

HANDLERS = (*pages_teach.HANDLERS, *pages_desk.HANDLERS, *pages_home.HANDLERS)
NAV = (
    NavItem(
        "teach",
        _l("纸质材料"),
        "teach/papers",
        "file-text",
        order=45,
        permission=service.REVIEW,
        badge=pages_teach.badge,
    ),
    NavItem(
        "desk",
        _l("纸质材料"),
        "desk/papers",
        "file-text",
        order=32,
        permission=CHECK,
        group=_l("课后服务"),
        badge=pages_desk.badge,
    ),
)

__all__ = ["HANDLERS", "NAV", "models"]
