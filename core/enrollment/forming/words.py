"""How groups, duties and what could not be satisfied are said. A sentence gives the reason, with its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from core.base.text import gettext as _
from core.base.text import in_locale
from core.base.text import lazy_gettext as _l
from core.enrollment.forming.gather import Situation
from core.enrollment.forming.in_force import ChildLine
from core.enrollment.forming.problem import Group, Unmet
from core.policy.vocab_people import UNITS
from core.web.i18n import class_name, grade_name, joined, weekday, weekdays

ROLES: Final = {
    "lead": _l("托管教师"),
    "a": _l("A 角"),
    "b": _l("B 角"),
    "duty_leader": _l("值班领导"),
    "relay": _l("接力托管"),
}
BANDS: Final = {"1": _l("低年级"), "2": _l("中年级"), "3": _l("高年级"), "4": _l("初中")}


def group_title(group: Group, groups: Sequence[Group]) -> str:
    """A group's name, kept in Chinese as a name is: 三年级 2 班, 中年级第 3 组, 第 5 组."""
    alike = [other.number for other in groups if (other.course, other.bucket) == (group.course, group.bucket)]
    place = alike.index(group.number) + 1
    with in_locale("zh_CN"):
        if "/" in group.bucket:
            grade, number = group.bucket.split("/")
            name = class_name(int(grade), number)
            return name if len(alike) == 1 else _("%(name)s第 %(n)s 组", name=name, n=place)
        if not group.bucket:
            return _("第 %(n)s 组", n=group.number)
        if group.bucket.isdigit():
            name = grade_name(int(group.bucket))
        elif group.bucket.startswith("band"):
            name = str(BANDS[group.bucket[4:]])
        else:
            name = group.bucket[5:] or _("未定层级")
        return _("%(name)s第 %(n)s 组", name=name, n=place)


def role(key: str) -> str:
    return str(ROLES[key])


def people_line(line: ChildLine) -> str:
    """Who is with a child's group: each name once, with the role and the days where these differ."""
    found: dict[tuple[str, str], list[int]] = {}
    for day, kind, name in line.people:
        if day in line.days:
            found.setdefault((kind, name), []).append(day)
    return joined(
        [
            (name if kind == "lead" else f"{role(kind)} {name}")
            + ("" if len(days) == len(line.days) else f"（{weekdays(days)}）")
            for (kind, name), days in found.items()
        ]
    )


def said(at: Situation, found: Unmet) -> str:
    """The sentence for one thing that is not satisfied, and why."""
    names = _Names(at)
    facts: dict[str, Any] = dict(found.facts)
    return _SAY[found.kind](names, facts)


class _Names:
    def __init__(self, at: Situation) -> None:
        self.at = at

    def group(self, place: int) -> str:
        row = self.at.rows[place]
        title = self.at.views[row.offering_id].title if len(self.at.views) > 1 else ""
        return f"{title} {row.title}".strip()

    def groups(self, places: Sequence[int]) -> str:
        return joined([self.group(place) for place in places])

    def child(self, key: str) -> str:
        student = self.at.students.get(UUID(key))
        return student.name if student else "?"

    def children(self, keys: Sequence[str]) -> str:
        return joined([self.child(key) for key in keys[:6]]) + ("…" if len(keys) > 6 else "")

    def campus(self, key: str) -> str:
        return self.at.campuses.get(UUID(key), "?")

    def room(self, key: str) -> str:
        return self.at.rooms[UUID(key)].name

    def person(self, key: str) -> str:
        return self.at.staff.get(UUID(key), "?")


Say = Callable[[_Names, Mapping[str, Any]], str]


def _siblings(n: _Names, f: Mapping[str, Any]) -> str:
    who, where = n.children(f["children"]), n.groups(f["groups"])
    if f["why"] == "mode":
        return _("兄弟姐妹%(who)s没有在一起：按「%(mode)s」编班，年级或班级不同", who=who, mode=UNITS.label(f["mode"]))
    return _("兄弟姐妹%(who)s分在%(where)s：放在一起会超过人数或拆散更多班级", who=who, where=where)


def _other_room(n: _Names, f: Mapping[str, Any]) -> str:
    group, room = n.group(f["group"]), n.room(f["room"])
    if f["why"] == "small":
        return _(
            "%(group)s不在项目写明的%(room)s：那里只有 %(seats)s 个座位，最多的一天有 %(size)s 人",
            group=group,
            room=room,
            seats=f["seats"],
            size=f["size"],
        )
    if f["why"] == "busy":
        return _("%(group)s不在项目写明的%(room)s：那里同一时间另有安排", group=group, room=room)
    return _("%(group)s不在项目写明的%(room)s", group=group, room=room)


def _other_teacher(n: _Names, f: Mapping[str, Any]) -> str:
    said = {"group": n.group(f["group"]), "days": weekdays(f["days"]), "who": n.person(f["person"])}
    if f["why"] == "off":
        return _("%(group)s%(days)s不是项目写明的%(who)s带：现在不能安排%(who)s带班组", **said)
    if f["why"] == "cannot":
        return _("%(group)s%(days)s不是项目写明的%(who)s带：本人登记了不能值班", **said)
    if f["why"] == "busy":
        return _("%(group)s%(days)s不是项目写明的%(who)s带：同一时间另有服务", **said)
    return _("%(group)s%(days)s不是项目写明的%(who)s带", **said)


_SAY: Final[Mapping[str, Say]] = {
    "unplaced": lambda n, f: _("%(n)s 名学生还没有班组：%(who)s", n=len(f["children"]), who=n.children(f["children"])),
    "too_big": lambda n, f: _(
        "%(group)s最多的一天有 %(size)s 人，超过每组 %(limit)s 人",
        group=n.group(f["group"]),
        size=f["size"],
        limit=f["limit"],
    ),
    "room_small": lambda n, f: _(
        "%(group)s有 %(size)s 人，教室只有 %(seats)s 个座位",
        group=n.group(f["group"]),
        size=f["size"],
        seats=f["seats"],
    ),
    "no_room": lambda n, f: _(
        "%(group)s没有教室：坐得下 %(size)s 人又空着的教室有 %(fit)s 间，同一时间有 %(groups)s 个班组",
        group=n.group(f["group"]),
        size=f["size"],
        fit=f["fit"],
        groups=f["groups"],
    ),
    "no_teacher": lambda n, f: _(
        "%(group)s%(days)s没有%(role)s：%(day)s能来的老师有 %(free)s 人，所有班组共需 %(needed)s 人",
        group=n.group(f["group"]),
        days=weekdays(f["days"]),
        role=role(f["role"]),
        day=weekday(f["day"]),
        free=f["free"],
        needed=f["needed"],
    ),
    "no_duty_leader": lambda n, f: _(
        "%(days)s值班领导只有 %(given)s 人，应有 %(wanted)s 人：能来的有 %(able)s 人",
        days=weekdays(f["days"]),
        given=f["given"],
        wanted=f["wanted"],
        able=f["able"],
    ),
    "no_relay": lambda n, f: _(
        "%(days)s接力托管只有 %(given)s 人，应有 %(wanted)s 人：能来的有 %(able)s 人",
        days=weekdays(f["days"]),
        given=f["given"],
        wanted=f["wanted"],
        able=f["able"],
    ),
    "against_mode": lambda n, f: _(
        "%(group)s里有不该在一起的学生：编班方式是「%(mode)s」", group=n.group(f["group"]), mode=UNITS.label(f["mode"])
    ),
    "no_level": lambda n, f: _(
        "%(n)s 名学生还没有层级：%(who)s。请在「学生层级」里填写", n=len(f["children"]), who=n.children(f["children"])
    ),
    "campuses_mixed": lambda n, f: _(
        "%(group)s里有几个校区的学生（%(campuses)s）",
        group=n.group(f["group"]),
        campuses=joined([n.campus(key) for key in f["campuses"]]),
    ),
    "room_elsewhere": lambda n, f: _(
        "%(group)s的学生在%(campus)s，教室却在%(room)s",
        group=n.group(f["group"]),
        campus=n.campus(f["campus"]),
        room=n.campus(f["room_campus"]),
    ),
    "person_travels": lambda n, f: _(
        "%(who)s%(days)s接连在两个校区，路上来不及", who=n.person(f["person"]), days=weekdays(f["days"])
    ),
    "twice_running": lambda n, f: _(
        "%(group)s有老师连续两次担任同一角色（到%(days)s），A、B 角没有隔天轮换",
        group=n.group(f["group"]),
        days=weekdays(f["days"]),
    ),
    "bands_mixed": lambda n, f: _(
        "%(group)s跨了学年段（%(grades)s）：同学年段的人数编不满一组",
        group=n.group(f["group"]),
        grades=joined([grade_name(g) for g in f["grades"]]),
    ),
    "other_room": _other_room,
    "other_teacher": _other_teacher,
    "siblings_apart": _siblings,
    "tiny": lambda n, f: _(
        "%(groups)s只有一两名学生：按「%(mode)s」编班，不能和其他学生合组；改按「%(mixed)s」编班可以编在一起",
        groups=n.groups(f["groups"]),
        mode=UNITS.label(f["mode"]),
        mixed=UNITS.label("mixed_age"),
    ),
    "uneven": lambda n, f: _(
        "人数不够均衡：%(small)s %(least)s 人，%(large)s %(most)s 人，因为尽量不拆开班级和兄弟姐妹",
        small=n.group(f["small"]),
        least=f["least"],
        large=n.group(f["large"]),
        most=f["most"],
    ),
    "class_split": lambda n, f: _(
        "%(name)s的 %(n)s 名学生分在 %(groups)s 个班组，为了各组人数均衡",
        name=class_name(f["grade"], f["number"]),
        n=f["children"],
        groups=len(f["groups"]),
    ),
    "cannot": lambda n, f: _("%(who)s%(days)s不能值班，却安排了", who=n.person(f["person"]), days=weekdays(f["days"])),
    "rather_not": lambda n, f: _(
        "%(who)s希望%(days)s不值班，没有做到：没有这种愿望的老师有 %(others)s 人，都已有班组或不能来",
        who=n.person(f["person"]),
        days=weekdays(f["days"]),
        others=f["others"],
    ),
    "too_often": lambda n, f: _(
        "%(who)s一周安排了 %(days)s 天，本人最多 %(most)s 天", who=n.person(f["person"]), days=f["days"], most=f["most"]
    ),
    "person_busy": lambda n, f: _("%(who)s在同一时间还有别的课后服务", who=n.person(f["person"])),
    "teacher_changes": lambda n, f: _(
        "%(group)s一周里有 %(n)s 位老师（%(who)s），因为有人那天不能来或不希望来",
        group=n.group(f["group"]),
        n=len(f["people"]),
        who=joined([n.person(key) for key in f["people"]]),
    ),
}

GRAVE: Final = frozenset(
    {
        "unplaced",
        "no_level",
        "too_big",
        "room_small",
        "no_room",
        "no_teacher",
        "against_mode",
        "campuses_mixed",
        "person_travels",
        "cannot",
        "person_busy",
    }
)
"""What should be settled before publication; the rest are wishes."""
