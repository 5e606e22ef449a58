"""What the people feature brings to the house."""

from __future__ import annotations

from pathlib import Path

from core.base.text import lazy_gettext as _l
from core.base.text import lazy_pgettext
from core.host.contribution import Contribution, NavItem, Permission
from core.people import ethics, home, models, pages, pages_staff

__all__ = ["contribution", "models"]

HERE = Path(__file__).parent
ROSTER = _l("名册")

contribution = Contribution(
    key="people",
    handlers=(*pages.HANDLERS, *pages_staff.HANDLERS, *home.HANDLERS),
    permissions=(
        Permission("people.view", _l("查看学生、家长和教职工"), roles=("office", "principal", "finance")),
        Permission("people.write", _l("修改班级、接送人和教室"), roles=("office", "principal")),
        Permission("people.health", _l("查看和填写健康备注"), roles=("office", "principal", "class_teacher")),
        Permission(ethics.PERMISSION, _l("查看和记录师德师风情况"), roles=("principal",)),
        Permission("family.own", _l("查看自己的孩子，登记接送人"), roles=("guardian",)),
    ),
    nav=(
        NavItem(
            "desk",
            lazy_pgettext("list", "学生"),
            "desk/students",
            "users",
            order=400,
            permission="people.view",
            group=ROSTER,
        ),
        NavItem("desk", _l("班级"), "desk/classes", "list-details", order=410, permission="people.view", group=ROSTER),
        NavItem("desk", _l("教职工"), "desk/staff", "id", order=420, permission="people.view", group=ROSTER),
        NavItem("desk", _l("校区与教室"), "desk/rooms", "door", order=430, permission="people.view", group=ROSTER),
        NavItem("home", _l("我的"), "home/me", "user", order=900, permission="family.own"),
    ),
    templates=HERE / "templates",
    static=HERE / "static",
    locale=HERE / "locale",
)
