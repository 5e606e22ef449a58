"""What terms and the calendar bring to the house."""

from __future__ import annotations

from pathlib import Path

from core.base.text import lazy_gettext as _l
from core.host.contribution import Contribution, NavItem, Permission
from core.terms import frozen, models, pages
from core.terms.states import CLOSE

__all__ = ["contribution", "frozen", "models"]

HERE = Path(__file__).parent

contribution = Contribution(
    key="terms",
    handlers=pages.HANDLERS,
    permissions=(
        Permission("terms.view", _l("查看学期与校历"), roles=("office", "principal", "finance")),
        Permission(CLOSE, _l("学期结账"), roles=("finance", "office", "principal")),
        Permission("terms.write", _l("设置学期与校历"), roles=("office", "principal")),
    ),
    nav=(
        NavItem(
            "desk",
            _l("学期与校历"),
            "desk/terms",
            "calendar-event",
            order=900,
            permission="terms.view",
            group=_l("设置"),
        ),
    ),
    templates=HERE / "templates",
    locale=HERE / "locale",
)
