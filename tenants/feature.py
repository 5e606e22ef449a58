"""What organisations bring to the house: the office's overview, plugins, members and roles, a bureau's schools."""

from __future__ import annotations

from pathlib import Path

from core.base.text import lazy_gettext as _l
from core.host.contribution import Contribution, NavItem, Permission
from tenants import overview, pages_members, pages_plugins, pages_schools, routes

HERE = Path(__file__).parent
SETTINGS = _l("设置")
_KEEPERS = ("office", "principal", "bureau_head", "vendor_manager")

contribution = Contribution(
    key="tenants",
    handlers=(
        *overview.HANDLERS, *pages_plugins.HANDLERS, *pages_members.HANDLERS, *pages_schools.HANDLERS, *routes.HANDLERS,
    ),
    permissions=(
        Permission("school.overview", _l("查看学校概览"), roles=("office", "principal", "finance")),
        Permission("plugins.switch", _l("开关扩展，改扩展设置"), roles=("office", "principal")),
        Permission("roles.assign", _l("分配角色"), roles=_KEEPERS),
        Permission("roles.assign_any", _l("分配全部角色"), roles=("principal", "bureau_head", "vendor_manager")),
        Permission("tenants.provision", _l("建立学校"), roles=("bureau_officer", "bureau_head")),
    ),
    nav=(
        NavItem("desk", _l("概览"), "desk", "layout-dashboard", order=0, permission="school.overview"),
        NavItem(
            "desk", _l("成员与角色"), "desk/members", "shield-lock", order=910, permission="roles.assign",
            group=SETTINGS,
        ),
        NavItem("desk", _l("扩展"), "desk/plugins", "puzzle", order=920, permission="plugins.switch", group=SETTINGS),
        NavItem(
            "bureau", _l("学校"), "bureau/schools", "school", order=800, permission="tenants.provision", group=SETTINGS
        ),
        NavItem(
            "bureau", _l("成员与角色"), "bureau/members", "shield-lock", order=910, permission="roles.assign",
            group=SETTINGS,
        ),
        NavItem(
            "bureau", _l("扩展"), "bureau/plugins", "puzzle", order=920, permission="tenants.provision", group=SETTINGS
        ),
        NavItem(
            "vendor", _l("成员与角色"), "vendor/members", "shield-lock", order=910, permission="roles.assign",
            group=SETTINGS,
        ),
    ),
    templates=HERE / "templates",
    static=HERE / "static",
    locale=HERE / "locale",
)  # fmt: skip
