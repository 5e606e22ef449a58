"""What the policy feature brings to the house: the rules pages."""

from __future__ import annotations

from pathlib import Path

from core.base.text import lazy_gettext as _l
from core.host.contribution import Contribution, NavItem, Permission
from core.policy import models, pages, pages_why

__all__ = ["contribution", "models"]

HERE = Path(__file__).parent
STAFF = ("principal", "office", "finance", "class_teacher", "teacher")

contribution = Contribution(
    key="policy",
    handlers=(*pages.HANDLERS, *pages_why.HANDLERS),
    permissions=(
        Permission(pages.READ, _l("查看适用的规定"), roles=(*STAFF, "bureau_officer", "bureau_head")),
        Permission(
            pages_why.READ,
            _l("查看按规定作出的决定"),
            roles=("principal", "office", "finance", "bureau_officer", "bureau_head"),
        ),
    ),
    nav=(
        NavItem("desk", _l("适用规定"), "desk/rules", "gavel", order=50, permission=pages.READ, group=_l("课后服务")),
        NavItem(
            "desk",
            _l("决定与依据"),
            "desk/decisions",
            "scale",
            order=60,
            permission=pages_why.READ,
            group=_l("课后服务"),
        ),
        NavItem("home", _l("相关规定"), "home/rules", "gavel", order=80),
        NavItem("bureau", _l("适用规定"), "bureau/rules", "gavel", order=30, permission=pages.READ),
        NavItem("bureau", _l("决定与依据"), "bureau/decisions", "scale", order=40, permission=pages_why.READ),
    ),
    templates=HERE / "templates",
    static=HERE / "static",
    locale=HERE / "locale",
)
