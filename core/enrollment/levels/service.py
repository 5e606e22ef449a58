"""Levels of children in an offering: the school's words, one entry or many at once, with their history.

The office keeps all of them; a teacher those of offerings he or she teaches. Forming "by level" reads them (R-167).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import exists, func, or_, select, text

from core.base.errors import FieldError, Invalid, NotFound
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment.forming.models import CareGroup, CareGroupDuty
from core.enrollment.forming.states import MANAGE
from core.enrollment.levels.errors import NotALevel, NotTakingPart, WordInUse
from core.enrollment.levels.models import LevelEntry, LevelScale
from core.enrollment.models import Enrolment, Offering
from core.enrollment.offerings_service import offerings
from core.enrollment.states import ON_MENU
from core.enrollment.views import OfferingView
from core.people.models import SchoolClass, Student
from core.people.service import me_as_staff

OWN: Final = "levels.own"
Source = Literal["desk", "teach", "file"]
DEFAULT: Final = ("初级", "中级", "高级")
"""Suggested, never presumed: a scale exists once somebody saved it."""


@dataclass(frozen=True, slots=True)
class Line:
    """A child that takes part, with its numbers and its level; `word` is empty where nobody said."""

    student_id: UUID
    name: str
    grade: int
    class_number: int
    roll_number: str
    school_number: str
    word: str
    by_name: str
    at: datetime | None


async def mine(uow: UnitOfWork, term_id: UUID) -> list[OfferingView]:
    """Offerings with hours whose levels the acting person keeps: the office's all, a teacher's own."""
    views = [v for v in await offerings(uow, term_id, states=ON_MENU) if v.periods and v.kind != "lunch"]
    if uow.ctx.may(MANAGE):
        return views
    own = await _taught(uow, [v.id for v in views])
    return [v for v in views if v.id in own]


async def _taught(uow: UnitOfWork, ids: Collection[UUID]) -> set[UUID]:
    me = await me_as_staff(uow)
    if me is None:
        return set()
    on_duty = exists().where(
        CareGroup.tenant_id == Offering.tenant_id,
        CareGroup.offering_id == Offering.id,
        CareGroupDuty.tenant_id == CareGroup.tenant_id,
        CareGroupDuty.group_id == CareGroup.id,
        CareGroupDuty.board == uow.ctx.tenant_id,
        CareGroupDuty.staff_id == me.id,
    )
    query = select(Offering.id).where(Offering.id.in_(list(ids)), or_(Offering.teacher_id == me.id, on_duty))
    return set((await uow.session.execute(query)).scalars())


async def require(uow: UnitOfWork, offering_id: UUID) -> Offering:
    """The offering, if the acting person keeps its levels. Raises NotFound for any other."""
    row = await uow.get(Offering, offering_id)
    if not uow.ctx.may(MANAGE) and row.id not in await _taught(uow, [row.id]):
        raise NotFound()
    return row


async def words_of(uow: UnitOfWork, offering_id: UUID) -> list[str]:
    """The scale of an offering, the lowest first; empty where the school has chosen no words."""
    query = select(LevelScale.words).where(LevelScale.offering_id == offering_id)
    return [str(word) for word in (await uow.session.execute(query)).scalar_one_or_none() or ()]


async def set_words(uow: UnitOfWork, offering_id: UUID, words: Sequence[str]) -> list[str]:
    """Choose the words. Raises Invalid (fewer than two, too long), WordInUse for one that children still have.

    Only those who take part count: nobody could change the level of a child that left.
    """
    await require(uow, offering_id)
    said = list(dict.fromkeys(" ".join(word.split()) for word in words if word.strip()))
    if not 2 <= len(said) <= 9 or any(len(word) > 12 for word in said):
        raise Invalid(fields=[FieldError("words", _("请写 2 到 9 个层级，每个不超过 12 个字"))])
    await uow.hold(f"levels/{offering_id}")
    used = [line.word for line in await lines(uow, offering_id) if line.word]
    for word in sorted(set(used) - set(said)):
        raise WordInUse(n=used.count(word), word=word)
    query = select(LevelScale).where(LevelScale.offering_id == offering_id)
    row = (await uow.session.execute(query)).scalar_one_or_none()
    if row is None:
        uow.session.add(LevelScale(offering_id=offering_id, words=said))
    else:
        row.words = said
    await uow.session.flush()
    await uow.audit("levels.words", "offering", offering_id, words=said)
    return said


# A word that has gone from the scale (its child was away then) is no level any more.
_NEWEST = """
select distinct on (e.offering_id, e.student_id) e.offering_id, e.student_id, e.by_name, e.created_at,
       case when s.words @> to_jsonb(e.word) then e.word else '' end as word
  from level_entry e
  left join level_scale s on s.tenant_id = e.tenant_id and s.offering_id = e.offering_id
 where e.tenant_id = :t and e.offering_id = any(:ids)
 order by e.offering_id, e.student_id, e.created_at desc, e.id desc"""
_NOW = text(_NEWEST)
_COUNTS = text(f"""
select r.offering_id, count(*) as children, count(*) filter (where coalesce(n.word, '') = '') as missing
  from enrolment r
  left join ({_NEWEST}) n on n.offering_id = r.offering_id and n.student_id = r.student_id
 where r.tenant_id = :t and r.offering_id = any(:ids) and r.state = 'enrolled'
 group by r.offering_id""")  # noqa: S608 made of constants


async def levels_of(uow: UnitOfWork, offering_ids: Collection[UUID]) -> dict[tuple[UUID, UUID], str]:
    """(offering, child) → its level now; children without one are left out."""
    rows = await uow.session.execute(_NOW, {"t": uow.ctx.tenant_id, "ids": list(offering_ids)})
    return {(row.offering_id, row.student_id): row.word for row in rows.all() if row.word}


async def counts(uow: UnitOfWork, offering_ids: Collection[UUID]) -> dict[UUID, tuple[int, int]]:
    """Offering → (children that take part, those of them without a level); nobody takes part: left out."""
    rows = await uow.session.execute(_COUNTS, {"t": uow.ctx.tenant_id, "ids": list(offering_ids)})
    return {row.offering_id: (row.children, row.missing) for row in rows.all()}


async def lines(uow: UnitOfWork, offering_id: UUID) -> list[Line]:
    """The children that take part, those without a level first, then by class and name."""
    query = (
        select(Student, SchoolClass)
        .join(SchoolClass, (SchoolClass.tenant_id == Student.tenant_id) & (SchoolClass.id == Student.class_id))
        .join(Enrolment, (Enrolment.tenant_id == Student.tenant_id) & (Enrolment.student_id == Student.id))
        .where(Enrolment.offering_id == offering_id, Enrolment.state == "enrolled")
        .order_by(SchoolClass.grade, SchoolClass.number, Student.name_sort, Student.id)
    )
    rows = (await uow.session.execute(query)).all()
    now = {
        row.student_id: row
        for row in (await uow.session.execute(_NOW, {"t": uow.ctx.tenant_id, "ids": [offering_id]})).all()
    }
    found = []
    for child, class_ in rows:
        known = now.get(child.id)
        found.append(
            Line(
                child.id,
                child.name,
                class_.grade,
                class_.number,
                child.roll_number or "",
                child.school_number or "",
                known.word if known else "",
                known.by_name if known else "",
                known.created_at if known else None,
            )
        )
    return sorted(found, key=lambda line: bool(line.word))


async def history(uow: UnitOfWork, offering_id: UUID, students: Collection[UUID]) -> dict[UUID, list[LevelEntry]]:
    """Every entry of some children, the newest first."""
    query = select(LevelEntry).where(LevelEntry.offering_id == offering_id, LevelEntry.student_id.in_(list(students)))
    found: dict[UUID, list[LevelEntry]] = {}
    for row in (
        await uow.session.execute(query.order_by(LevelEntry.created_at.desc(), LevelEntry.id.desc()))
    ).scalars():
        found.setdefault(row.student_id, []).append(row)
    return found


async def set_levels(uow: UnitOfWork, offering_id: UUID, given: Mapping[UUID, str], source: Source) -> int:
    """Enter levels, all or none; a child that has the level already gets no second entry. Returns how many changed.

    An empty word takes the level back. Raises NotFound, NotALevel, NotTakingPart.
    """
    await require(uow, offering_id)
    await uow.hold(f"levels/{offering_id}")
    if not set(given.values()) <= {"", *await words_of(uow, offering_id)}:
        raise NotALevel()
    query = select(Enrolment.student_id).where(Enrolment.offering_id == offering_id, Enrolment.state == "enrolled")
    if not set(given) <= set((await uow.session.execute(query)).scalars()):
        raise NotTakingPart()
    now = await levels_of(uow, [offering_id])
    changed = {child: word for child, word in given.items() if now.get((offering_id, child), "") != word}
    # Not the beginning of the transaction, which may lie before that of whoever held the lock first: the newest holds.
    at = (await uow.session.execute(select(func.clock_timestamp()))).scalar_one()
    by = {"created_at": at, "source": source, "by_account": uow.ctx.actor.account_id, "by_name": uow.ctx.actor.name}
    uow.session.add_all(
        LevelEntry(offering_id=offering_id, student_id=child, word=word, **by) for child, word in changed.items()
    )
    await uow.session.flush()
    if changed:
        await uow.audit("levels.set", "offering", offering_id, source=source, children=len(changed))
    return len(changed)
