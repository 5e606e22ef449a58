"""What notices brings to the house: the board, messages, and what is told to whom."""

from __future__ import annotations

from pathlib import Path

from core.base.text import lazy_gettext as _l
from core.host.contribution import Contribution, NavItem, Permission
from core.notices import heard, inbox_pages, models, pages, service

__all__ = ["contribution", "models"]

HERE = Path(__file__).parent

contribution = Contribution(
    key="notices",
    handlers=(*pages.HANDLERS, *inbox_pages.HANDLERS),
    permissions=(Permission(service.PUBLISH, _l("公示与答复意见"), roles=("office", "principal")),),
    nav=(
        NavItem(
            "desk",
            _l("公示栏"),
            "desk/notices",
            "speakerphone",
            order=40,
            permission=service.PUBLISH,
            group=_l("课后服务"),
            badge=pages.open_objections,
        ),
        NavItem("desk", _l("消息"), "desk/messages", "bell", order=5, badge=service.unread),
        NavItem("home", _l("消息"), "home/messages", "bell", order=85, badge=service.unread),
        NavItem("home", _l("公示栏"), "board", "speakerphone", order=75),
        NavItem("teach", _l("消息"), "teach/messages", "bell", order=85, badge=service.unread),
    ),
    subscribers=heard.SUBSCRIBERS,
    templates=HERE / "templates",
    locale=HERE / "locale",
)
