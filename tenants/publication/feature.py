"""What publication duties bring to the house."""

from __future__ import annotations

from pathlib import Path

from core.base.text import lazy_gettext as _l
from core.host.contribution import Contribution, NavItem, Permission
from tenants.publication import pages, service

HERE = Path(__file__).parent

contribution = Contribution(
    key="publication",
    handlers=pages.HANDLERS,
    permissions=(Permission(pages.READ, _l("查看应公开的事项"), roles=("office", "principal", "finance")),),
    nav=(
        NavItem("desk", _l("应公开的事项"), "desk/publication", "speakerphone", 365, pages.READ, badge=service.missing),
    ),
    templates=HERE / "templates",
    locale=HERE / "locale",
)
