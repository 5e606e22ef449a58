"""Which posts of a roster open which doors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from tenants.roster.types import Post, Relation, StaffRow

TEACHING: dict[Post, str] = {
    Post.HOMEROOM: "class_teacher",
    Post.TEACHER: "teacher",
    Post.GRADE_HEAD: "teacher",
}
GOVERNING: dict[Post, str] = {
    Post.HEAD: "principal",
    Post.LEADER: "office",
    Post.CLERK: "office",
    Post.FINANCE: "finance",
}
"""Posts whose role sees the whole school: given only when whoever imports may give roles."""

RELATIONS: dict[Relation | None, str] = {
    Relation.FATHER: "父亲",
    Relation.MOTHER: "母亲",
    Relation.GRANDFATHER: "祖父",
    Relation.GRANDMOTHER: "祖母",
    Relation.OTHER: "其他监护人",
    None: "监护人",
}
"""How a relation is written on the child's page; free text there, for families are not a list."""


def roles_of(row: StaffRow, *, governing: bool) -> list[str]:
    """The roles of a member of staff; a homeroom class makes a class teacher whatever the post says."""
    found = [TEACHING[post] for post in row.posts if post in TEACHING]
    if row.homeroom is not None:
        found.append("class_teacher")
    if governing:
        found += [GOVERNING[post] for post in row.posts if post in GOVERNING]
    return sorted(set(found))


def post_of(row: StaffRow) -> str:
    """The post kept with the person: the role's name where the post has one."""
    first = row.posts[0]
    return TEACHING.get(first) or GOVERNING.get(first) or first.value


def count_roles(rows: Iterable[StaffRow], *, governing: bool) -> dict[str, int]:
    """How many of the file's staff would hold each role."""
    return dict(Counter(role for row in rows for role in roles_of(row, governing=governing)))
