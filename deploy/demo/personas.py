"""As whom one may enter the demonstration, and on which page each begins."""

from __future__ import annotations

from deploy.demo.stage import Org, Stage

WAITING = "waiting_guardian"
"""A guardian whose child has not applied for anything yet."""

_FACES = {
    "guardian": ("家长", "home", "home-heart"),
    WAITING: ("家长（待报名）", "home", "home-plus"),
    "class_teacher": ("班主任", "teach", "school"),
    "teacher": ("任课教师", "teach", "chalkboard"),
    "office": ("课后服务办公室", "desk", "building"),
    "finance": ("财务", "desk", "coin"),
    "principal": ("校长", "desk", "user-star"),
    "vendor_manager": ("机构负责人", "vendor", "building-store"),
    "coach": ("机构教师", "vendor", "ball-basketball"),
    "bureau_officer": ("教育局经办人", "bureau", "building-bank"),
    "bureau_head": ("教育局负责人", "bureau", "building-bank"),
}
"""Of each role: what it is called, its face, its icon."""


def personas(stage: Stage) -> list[dict[str, str]]:
    """Each role at the first school, vendor and the bureau, then a few elsewhere, as the landing page shows them."""
    first, *others = stage.schools
    found = _of(first, "guardian", WAITING, "class_teacher", "teacher", "office", "finance", "principal")
    found += _of(stage.vendors[0], "vendor_manager", "coach")
    found += _of(stage.bureau, "bureau_officer", "bureau_head")
    for school in others:
        found += _of(school, "guardian", WAITING, "office")
    found += _of(stage.vendors[1], "vendor_manager")
    return found


def _of(org: Org, *roles: str) -> list[dict[str, str]]:
    made = []
    for role in roles:
        person = org.people.get(role)
        if person is None:
            continue
        title, face, icon = _FACES[role]
        made.append(
            {
                "phone": person.phone,
                "name": person.name,
                "title": title,
                "place": org.ctx.name,
                "path": f"/t/{org.slug}/{face}",
                "icon": icon,
            }
        )
    return made
