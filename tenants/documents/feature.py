"""What documents between organisations bring to the house."""

from __future__ import annotations

from pathlib import Path

from core.base.text import lazy_gettext as _l
from core.host.contribution import Contribution, NavItem, Permission
from tenants.documents import pages

HERE = Path(__file__).parent
KEEPERS = ("principal", "office", "bureau_officer", "bureau_head", "vendor_manager")

contribution = Contribution(
    key="documents",
    handlers=pages.HANDLERS,
    permissions=(Permission(pages.READ, _l("查看往来文件"), roles=KEEPERS),),
    nav=(
        NavItem(
            "desk", _l("往来文件"), "desk/documents", "mail-forward", order=930, permission=pages.READ,
            group=_l("设置"), badge=pages.troubled,
        ),
        NavItem(
            "bureau", _l("往来文件"), "bureau/documents", "mail-forward", order=930, permission=pages.READ,
            group=_l("设置"), badge=pages.troubled,
        ),
        NavItem(
            "vendor", _l("往来文件"), "vendor/documents", "mail-forward", order=930, permission=pages.READ,
            group=_l("设置"), badge=pages.troubled,
        ),
    ),
    templates=HERE / "templates",
    locale=HERE / "locale",
)  # fmt: skip
