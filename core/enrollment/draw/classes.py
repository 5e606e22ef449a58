"""The classes of priority of a round: whom the written rule puts first, whom bad luck did, and everybody else (R-145).

What the families' line says of a child is its class alone, never why.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sqlalchemy import select, text

from core.base.text import gettext as _
from core.base.text import in_locale
from core.db.uow import UnitOfWork
from core.enrollment.draw.models import DrawPriority, DrawRound, DrawWish
from core.enrollment.draw.party import party_of
from core.enrollment.offering_rules import pack_of
from core.people.service import StudentView
from core.policy.vocab_people import GROUPS

PRIMARY: Final = "primary"
LAST_PRIMARY_GRADE: Final = 6
REMEMBERED: Final = timedelta(days=365)
"""For how long a draw that brought nothing counts as bad luck."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Whom the written rule puts first: the classes in words, best first; `primary_first` as in DrawRound."""

    classes: tuple[str, ...]
    clause: str = ""
    primary_first: bool = False


def priority_rule(uow: UnitOfWork, grades: Collection[int], luck: bool = False) -> Rule:
    """The classes of priority by the pack (application.priority_groups), and by `luck`. A silent pack: all are equal.

    The documents name the groups in one breath and in no order, so they are one class. "Primary pupils" tells nobody
    apart where only primary grades take part; there it is left out. The words are Chinese: they stand in the file.
    """
    pack = pack_of(uow)
    setting = pack.get("application.priority_groups") if pack else None
    groups = set(setting.value or ()) if setting else set()
    primary_first = PRIMARY in groups and max(grades, default=1) > LAST_PRIMARY_GRADE
    named = [group for group in GROUPS.labels if group in groups and (group != PRIMARY or primary_first)]
    with in_locale("zh_CN"):
        unlucky = (_("上一次没有抽中的学生"),) if luck else ()
        if not named or setting is None:
            return Rule((*unlucky, _("其他学生")) if luck else (_("全体学生"),))
        words = _("、").join(str(GROUPS.label(group)) for group in named)
        classes = (_("优先保障群体：%(groups)s", groups=words), *unlucky, _("其他学生"))
        return Rule(classes, setting.clause, primary_first)


def has_first(row: DrawRound) -> bool:
    """Whether the written rule puts anybody first in this round."""
    return len(row.classes) > 1 + row.luck


async def class_of(uow: UnitOfWork, row: DrawRound, child: StudentView) -> int:
    """The child's class: its place in the round's classes, 0 preferred.

    Children of several families who want to be drawn together are all in the last class: each family reads the others'
    class in the published file, and being first has reasons that are nobody else's business.
    """
    last = len(row.classes) - 1
    if last == 0:
        return 0
    party = await party_of(uow, row.id, child.id)
    if party is not None and party.bound and not party.one_family:
        return last
    if has_first(row):
        if row.primary_first and child.grade <= LAST_PRIMARY_GRADE:
            return 0
        query = select(DrawPriority.id).where(DrawPriority.round_id == row.id, DrawPriority.student_id == child.id)
        if (await uow.session.execute(query)).first() is not None:
            return 0
    return last - 1 if row.luck and await unlucky(uow, row, child) else last


async def unlucky(uow: UnitOfWork, row: DrawRound, child: StudentView) -> bool:
    """Whether the last draw that the child took part in, published before this one was made, brought it nothing while
    something that it asked for was full.

    One class, however often. What nobody else wanted, or what was struck because a friend did not get it, is no bad
    luck.
    """
    query = (
        select(DrawRound, DrawWish)
        .join(DrawWish, (DrawWish.tenant_id == DrawRound.tenant_id) & (DrawWish.round_id == DrawRound.id))
        .where(
            DrawRound.state == "published",
            DrawRound.published_at < row.created_at,
            DrawRound.published_at > row.created_at - REMEMBERED,
            DrawWish.student_id == child.id,
            DrawWish.line["ranked"] != text("'[]'::jsonb"),
        )
        .order_by(DrawRound.published_at.desc())
        .limit(1)
    )
    found = (await uow.session.execute(query)).first()
    if found is None:
        return False
    before, wish = found
    outcome = before.record["outcome"]
    if outcome["given"].get(wish.receipt, ["left"]):
        return False  # it got something, or had left the school before it was drawn
    struck = [course for group, course in outcome["struck"] if group == wish.line.get("together")]
    return any(outcome["last"][course] and course not in struck for course, _cls in wish.line["ranked"])
