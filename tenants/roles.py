"""The standard roles of each kind of organisation, and the face that each wears. Features register permissions for
them; a school may change its own roles afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from core.base.context import OrganisationKind
from core.base.text import lazy_gettext as _l
from core.host.contribution import Area

STANDARD_ROLES: Mapping[OrganisationKind, Mapping[str, Any]] = {
    "school": {
        "principal": _l("校长"),
        "office": _l("课后服务办公室"),
        "finance": _l("财务"),
        "class_teacher": _l("班主任"),
        "teacher": _l("任课教师"),
        "external_teacher": _l("外聘教师"),
        "guardian": _l("家长"),
    },
    "bureau": {
        "bureau_officer": _l("教育局经办人"),
        "bureau_head": _l("教育局负责人"),
    },
    "vendor": {
        "vendor_manager": _l("机构负责人"),
        "coach": _l("机构教师"),
    },
}

FACES: Mapping[str, Area] = {
    "principal": "desk",
    "office": "desk",
    "finance": "desk",
    "class_teacher": "teach",
    "teacher": "teach",
    "external_teacher": "teach",
    "guardian": "home",
    "bureau_officer": "bureau",
    "bureau_head": "bureau",
    "vendor_manager": "vendor",
    "coach": "vendor",
}

TEACHING = frozenset({"class_teacher", "teacher", "external_teacher", "coach"})
"""Roles that whoever keeps the list of members may give; the others come from the head (`roles.assign_any`)."""
