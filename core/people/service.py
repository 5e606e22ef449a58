"""Students, guardians, classes and staff, as other features may ask for them."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select

from core.base.errors import Forbidden, NotFound
from core.base.text import gettext
from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork
from core.people.models import Collector, Guardian, Guardianship, SchoolClass, Staff, Student


@dataclass(frozen=True, slots=True)
class StudentView:
    """A student with the class, frozen: what pages and plugins may see."""

    id: UUID
    name: str
    class_id: UUID
    grade: int
    class_number: int
    roll_number: str | None = None


def _view(student: Student, school_class: SchoolClass) -> StudentView:
    return StudentView(
        id=student.id,
        name=student.name,
        class_id=student.class_id,
        grade=school_class.grade,
        class_number=school_class.number,
        roll_number=student.roll_number,
    )


_WITH_CLASS = select(Student, SchoolClass).join(
    SchoolClass, (SchoolClass.id == Student.class_id) & (SchoolClass.tenant_id == Student.tenant_id)
)


async def student(uow: UnitOfWork, student_id: UUID) -> StudentView:
    """Raises NotFound."""
    row = (await uow.session.execute(_WITH_CLASS.where(Student.id == student_id))).first()
    if row is None:
        raise NotFound()
    return _view(row[0], row[1])


async def student_by_roll(uow: UnitOfWork, roll_number: str) -> StudentView | None:
    """The student with this number on the roll (学籍号), None when there is none."""
    row = (await uow.session.execute(_WITH_CLASS.where(Student.roll_number == roll_number.strip().upper()))).first()
    return _view(row[0], row[1]) if row else None


async def students_by_id(uow: UnitOfWork, ids: list[UUID]) -> dict[UUID, StudentView]:
    rows = (await uow.session.execute(_WITH_CLASS.where(Student.id.in_(ids)))).all()
    return {row[0].id: _view(row[0], row[1]) for row in rows}


async def my_guardian(uow: UnitOfWork) -> Guardian:
    """The acting person as guardian in this school. Raises NotFound."""
    query = select(Guardian).where(Guardian.account_id == uow.ctx.actor.account_id)
    guardian = (await uow.session.execute(query)).scalars().first()
    if guardian is None:
        raise NotFound()
    return guardian


async def my_children(uow: UnitOfWork, *, left_too: bool = False) -> list[StudentView]:
    """The acting guardian's children in this school, oldest grade last; `left_too`: those as well who have left it, for
    what a family may look back at."""
    here = () if left_too else (Student.left_at.is_(None),)
    query = (
        _WITH_CLASS.join(
            Guardianship,
            (Guardianship.student_id == Student.id) & (Guardianship.tenant_id == Student.tenant_id),
        )
        .join(
            Guardian,
            (Guardian.id == Guardianship.guardian_id) & (Guardian.tenant_id == Guardianship.tenant_id),
        )
        .where(Guardian.account_id == uow.ctx.actor.account_id, *here)
        .order_by(SchoolClass.grade, SchoolClass.number, Student.name_sort)
    )
    return [_view(row[0], row[1]) for row in (await uow.session.execute(query)).all()]


async def my_child(uow: UnitOfWork, student_id: UUID) -> StudentView:
    """One of the acting guardian's children. Raises NotFound for anybody else's child."""
    for child in await my_children(uow):
        if child.id == student_id:
            return child
    raise NotFound()


class MayNotChoose(Forbidden):
    code = "may_not_choose"
    text = _l("学校登记的监护关系里，你不能为这个孩子选课。请联系学校")


async def my_child_to_choose(uow: UnitOfWork, student_id: UUID) -> StudentView:
    """One of the acting guardian's children, for a deed that decides for it: choosing, changing, leaving, signing.

    Raises NotFound for anybody else's child, MayNotChoose for a guardian whom the school's records let look only.
    """
    child = await my_child(uow, student_id)
    query = (
        select(Guardianship.id)
        .join(Guardian, (Guardian.tenant_id == Guardianship.tenant_id) & (Guardian.id == Guardianship.guardian_id))
        .where(
            Guardianship.student_id == student_id,
            Guardianship.may_choose,
            Guardian.account_id == uow.ctx.actor.account_id,
        )
    )
    if (await uow.session.execute(query)).first() is None:
        raise MayNotChoose()
    return child


async def me_as_staff(uow: UnitOfWork) -> Staff | None:
    """The acting person as a member of staff here, if they are one."""
    query = select(Staff).where(Staff.account_id == uow.ctx.actor.account_id, Staff.left_at.is_(None))
    return (await uow.session.execute(query)).scalars().first()


async def class_ids_taught(uow: UnitOfWork) -> list[UUID]:
    """Classes of which the acting person is class teacher (班主任)."""
    me = await me_as_staff(uow)
    if me is None:
        return []
    query = select(SchoolClass.id).where(SchoolClass.class_teacher_id == me.id)
    return list((await uow.session.execute(query)).scalars().all())


RELATIONS = (_l("父亲"), _l("母亲"), _l("祖父"), _l("祖母"), _l("其他监护人"), _l("监护人"), _l("接送人"), _l("花名册"))
"""Words that the roster writes into `relation` and `named_by`; families write their own besides."""


def relation_name(relation: str) -> str:
    """How an adult stands to a child, in the reader's language where it is one of our words.

    For templates, in place of `_()`: that one marks its text as safe, and this may be a family's own.
    """
    return gettext(relation) if relation else ""


@dataclass(frozen=True, slots=True)
class CollectorView:
    """Somebody who may collect a child: a guardian with that right, or a person named beforehand (R-239, R-242)."""

    key: str
    name: str
    phone: str
    relation: str


async def collectors(uow: UnitOfWork, student_id: UUID) -> list[CollectorView]:
    """Everybody who may collect this child today; `key` is "guardian:<id>" or "collector:<id>"."""
    guardians = await uow.session.execute(
        select(Guardian, Guardianship.relation)
        .join(
            Guardianship,
            (Guardianship.guardian_id == Guardian.id) & (Guardianship.tenant_id == Guardian.tenant_id),
        )
        .where(Guardianship.student_id == student_id, Guardianship.may_collect)
        .order_by(Guardianship.created_at, Guardian.id)
    )
    named = await uow.session.execute(
        select(Collector).where(Collector.student_id == student_id, Collector.ended_at.is_(None)).order_by(Collector.id)
    )
    return [CollectorView(f"guardian:{g.id}", g.name, g.phone, relation) for g, relation in guardians.all()] + [
        CollectorView(f"collector:{c.id}", c.name, c.phone, c.relation) for c in named.scalars().all()
    ]
