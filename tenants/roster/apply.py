"""An accepted roster becomes classes, staff, pupils, guardians, accounts and roles, in one transaction.

Bulk statements throughout: 1,200 pupils with their families are some twenty statements. The same file again changes
nothing. Whatever is made or changed is first looked at by :class:`Images`, so that it can be taken back.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from sqlalchemy import insert, select, text, update

from core.base import clock
from core.base.ids import new_id
from core.db.crypt import seal
from core.db.uow import UnitOfWork
from core.people.models import Campus, Collector, Guardian, Guardianship, Room, SchoolClass, Staff, Student
from core.web.i18n import pinyin_key
from tenants.roster.images import Images
from tenants.roster.known import school_year
from tenants.roster.members import give_roles
from tenants.roster.roles import RELATIONS, post_of, roles_of
from tenants.roster.types import ClassKey, DiffKind, Report, StudentRow
from tenants.service import accounts_for

Say = Callable[[int, int, str], Awaitable[None]]
"""Moves the progress bar: done, total, what is being done (a stage's name)."""


@dataclass(slots=True)
class Applied:
    """What an import did, by table; `rows` is how many rows differ from before."""

    students_new: int = 0
    students_changed: int = 0
    students_left: int = 0
    staff: int = 0
    guardians: int = 0
    classes: int = 0
    rows: int = 0


@dataclass(slots=True)
class _Work:
    """One import while it runs."""

    uow: UnitOfWork
    report: Report
    images: Images
    grant_roles: bool
    year: int
    done: Applied = field(default_factory=Applied)
    classes: dict[ClassKey, UUID] = field(default_factory=dict)
    students: list[UUID] = field(default_factory=list)
    """Ids of the file's pupils, by their place in the report."""
    touched: set[int] = field(default_factory=set)
    """Places of the pupils that are new or changed: only these families are written."""
    accounts: dict[str, UUID] = field(default_factory=dict)

    async def add(self, model: Any, rows: list[dict[str, Any]]) -> None:
        """Insert rows made here and remember them as made."""
        if rows:
            tenant = self.uow.ctx.tenant_id
            await self.uow.session.execute(insert(model), [{"tenant_id": tenant, **row} for row in rows])
            self.images.made(model.__tablename__, [row["id"] for row in rows])

    async def change(self, model: Any, rows: list[dict[str, Any]]) -> None:
        """Update rows by id, each with the same columns, after looking at them."""
        if rows:
            await self.images.changing(model.__tablename__, [row["id"] for row in rows])
            tenant = self.uow.ctx.tenant_id
            await self.uow.session.execute(update(model), [{"tenant_id": tenant, **row} for row in rows])


async def apply(
    uow: UnitOfWork, import_id: UUID, report: Report, *, mark_left: bool, grant_roles: bool, say: Say
) -> Applied:
    """Write an accepted report. The caller holds the lock "roster" and commits.

    `mark_left` marks pupils whom the file does not name as having left; `grant_roles` lets posts open the office's,
    finance's and the principal's doors. Raises ValueError for a report that was not accepted.
    """
    if not report.accepted:
        raise ValueError("only an accepted roster may be applied")
    work = _Work(uow, report, Images.of(uow, import_id), grant_roles, await school_year(uow))
    steps: list[tuple[str, Callable[[_Work], Awaitable[None]]]] = [
        ("accounts", _accounts),
        ("classes", _classes),
        ("staff", _staff),
        ("students", _students),
        ("guardians", _guardians),
        ("collectors", _collectors),
        ("notes", _notes),
        ("roles", _roles),
    ]
    if mark_left:
        steps.append(("left", _left))
    for place, (name, step) in enumerate(steps):
        await say(place, len(steps) + 1, name)
        await step(work)
    await say(len(steps), len(steps) + 1, "images")
    work.done.rows = await work.images.close()
    return work.done


async def _accounts(work: _Work) -> None:
    """Accounts are global and carry nothing but phone and name; one left over after a failure harms nobody."""
    people = {guardian.phone: guardian.name for guardian in work.report.guardians}
    people.update({row.phone: row.name for row in work.report.staff})
    work.accounts = await accounts_for(work.uow.house, people.items())


async def _classes(work: _Work) -> None:
    session, report = work.uow.session, work.report
    rows = (await session.execute(select(SchoolClass).where(SchoolClass.school_year == work.year))).scalars().all()
    known = {ClassKey(row.grade, row.number): row for row in rows}
    wanted = {row.class_key for row in report.students} | {row.class_key for row in report.classes}
    wanted |= {row.homeroom for row in report.staff if row.homeroom}
    campuses = await _campuses(work)
    campus_of = {row.class_key: campuses[row.campus] for row in report.classes if row.campus}
    new: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "school_year": work.year,
            "grade": key.grade,
            "number": key.number,
            "campus_id": campus_of.get(key),
        }
        for key in sorted(wanted - known.keys())
    ]
    await work.add(SchoolClass, new)
    moved = [
        {"id": known[key].id, "campus_id": campus}
        for key, campus in campus_of.items()
        if key in known and known[key].campus_id != campus
    ]
    await work.change(SchoolClass, moved)
    work.done.classes = len(new)
    work.classes = {key: row.id for key, row in known.items()}
    work.classes.update({ClassKey(row["grade"], row["number"]): row["id"] for row in new})


async def _campuses(work: _Work) -> dict[str, UUID]:
    """Campuses and rooms that the class list names, made where missing; a room without a campus is on the first."""
    session = work.uow.session
    known = {row.name: row.id for row in (await session.execute(select(Campus).order_by(Campus.id))).scalars()}
    named = list(dict.fromkeys(row.campus for row in work.report.classes if row.campus))
    if not known and not named and any(row.room for row in work.report.classes):
        named = ["本部"]
    new: list[dict[str, Any]] = [{"id": new_id(), "name": name} for name in named if name not in known]
    await work.add(Campus, new)
    known.update({row["name"]: row["id"] for row in new})
    rooms = {(r.campus_id, r.name) for r in (await session.execute(select(Room))).scalars()}
    wanted = {
        (known[row.campus] if row.campus else next(iter(known.values())), row.room)
        for row in work.report.classes
        if row.room
    }
    await work.add(Room, [{"id": new_id(), "campus_id": c, "name": n} for c, n in sorted(wanted - rooms, key=str)])
    return known


async def _staff(work: _Work) -> None:
    rows = work.report.staff
    known = {row.phone: row for row in (await work.uow.session.execute(select(Staff))).scalars()}
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for row in rows:
        values = {
            "account_id": work.accounts[row.phone],
            "name": row.name,
            "name_sort": pinyin_key(row.name),
            "post": post_of(row),
            "left_at": None,
        }
        old = known.get(row.phone)
        if old is None:
            new.append({"id": new_id(), "phone": row.phone, **values})
        elif any(getattr(old, name) != value for name, value in values.items()):
            changed.append({"id": old.id, **values})
    await work.add(Staff, new)
    await work.change(Staff, changed)
    work.done.staff = len(new)
    ids = {row.phone: row.id for row in known.values()} | {row["phone"]: row["id"] for row in new}
    heads = [(work.classes[row.homeroom], ids[row.phone]) for row in rows if row.homeroom]
    led_by = await work.uow.session.execute(select(SchoolClass.id, SchoolClass.class_teacher_id))
    led: dict[UUID, UUID | None] = {row[0]: row[1] for row in led_by.all()}
    await work.change(
        SchoolClass,
        [{"id": c, "class_teacher_id": s} for c, s in dict(heads).items() if led.get(c) != s],
    )


def _student_values(work: _Work, row: StudentRow) -> dict[str, Any]:
    """What the file says of a pupil; what it leaves empty is left out, and stays as it is."""
    said = {
        "name": row.name,
        "name_sort": pinyin_key(row.name),
        "class_id": work.classes[row.class_key],
        "roll_number": row.roll_number or None,
        "school_number": row.school_number or None,
        "gender": row.gender.value if row.gender else None,
    }
    return {name: value for name, value in said.items() if value is not None}


async def _students(work: _Work) -> None:
    report = work.report
    returned = await _returning(work)
    work.students = [new_id() for _ in report.students]
    new: list[dict[str, Any]] = []
    empty = {"roll_number": None, "school_number": None, "gender": None}
    changed: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for item in report.diff:
        if item.place is None:
            continue
        row = report.students[item.place]
        values = _student_values(work, row)
        old = UUID(item.known.ref) if item.known else returned.get(row.roll_number)
        if old is None:
            new.append({"id": work.students[item.place], **empty, **values})
        else:
            work.students[item.place] = old
        if old is not None and item.kind is not DiffKind.UNCHANGED:
            values["left_at"] = None
            changed.setdefault(tuple(sorted(values)), []).append({"id": old, **values})
        if item.kind is not DiffKind.UNCHANGED:
            work.touched.add(item.place)
    await work.add(Student, new)
    for rows in changed.values():
        await work.change(Student, rows)
    work.done.students_new = len(new)
    work.done.students_changed = sum(len(rows) for rows in changed.values())


async def _returning(work: _Work) -> dict[str, UUID]:
    """Pupils who had left and whose roll number the file names again: the same children."""
    gone = select(Student.roll_number, Student.id).where(Student.left_at.is_not(None))
    return {roll: id_ for roll, id_ in (await work.uow.session.execute(gone)).all() if roll}


async def _guardians(work: _Work) -> None:
    session, report = work.uow.session, work.report
    known = {row.phone: row for row in (await session.execute(select(Guardian))).scalars()}
    new: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    for person in report.guardians:
        account, old = work.accounts[person.phone], known.get(person.phone)
        if old is None:
            new.append({"id": new_id(), "phone": person.phone, "name": person.name, "account_id": account})
        elif (old.name, old.account_id) != (person.name, account):
            changed.append({"id": old.id, "name": person.name, "account_id": account})
    await work.add(Guardian, new)
    await work.change(Guardian, changed)
    work.done.guardians = len(new)
    ids = {row.phone: row.id for row in known.values()} | {row["phone"]: row["id"] for row in new}
    touched = [work.students[place] for place in work.touched]
    query = select(Guardianship).where(Guardianship.student_id.in_(touched))
    if len(touched) > 10_000:  # more than a statement holds: read them all
        query = select(Guardianship)
    present = {(r.student_id, r.guardian_id): r for r in (await session.execute(query)).scalars()}
    wanted = {
        (work.students[place], ids[adult.phone]): RELATIONS[adult.relation]
        for place in work.touched
        for adult in report.students[place].guardians
    }
    await work.add(
        Guardianship,
        [
            {"id": new_id(), "student_id": s, "guardian_id": g, "relation": relation}
            for (s, g), relation in wanted.items()
            if (s, g) not in present
        ],
    )
    renamed = [
        {"id": present[pair].id, "relation": relation}
        for pair, relation in wanted.items()
        if pair in present and relation != RELATIONS[None] and present[pair].relation != relation
    ]
    await work.change(Guardianship, renamed)
    here = set(touched)
    await _remove(work, [r.id for pair, r in present.items() if pair[0] in here and pair not in wanted])


async def _remove(work: _Work, ids: list[UUID]) -> None:
    """End the guardianships that the file does not name any more: the dry run showed each of them."""
    if ids:
        await work.images.changing("guardianship", ids)
        await work.uow.session.execute(
            text("delete from guardianship where tenant_id = :t and id = any(:ids)"),
            {"t": work.uow.ctx.tenant_id, "ids": ids},
        )


async def _collectors(work: _Work) -> None:
    """Named collectors are added, never ended: a family may have named others meanwhile."""
    query = select(Collector.student_id, Collector.phone).where(Collector.ended_at.is_(None))
    known = {(row[0], row[1]) for row in (await work.uow.session.execute(query)).all()}
    named = {
        (work.students[place], adult.phone): adult
        for place, row in enumerate(work.report.students)
        for adult in row.pickups
    }
    rows = [
        {
            "id": new_id(),
            "student_id": student,
            "name": adult.name,
            "phone": adult.phone,
            "relation": RELATIONS[adult.relation] if adult.relation else "接送人",
            "named_by": "花名册",
        }
        for (student, _), adult in named.items()
        if (student, adult.phone) not in known
    ]
    await work.add(Collector, rows)


async def _notes(work: _Work) -> None:
    """A pupil's note is a health matter as often as not: it is sealed. One that the school keeps is not overwritten."""
    noted = {work.students[place]: row.note for place, row in enumerate(work.report.students) if row.note}
    if not noted:
        return
    query = select(Student.id).where(Student.health_sealed.is_(None))
    free = set((await work.uow.session.execute(query)).scalars().all())
    rows = [
        {"id": id_, "health_sealed": await seal(work.uow, note, purpose=f"student.health_sealed/{id_}")}
        for id_, note in noted.items()
        if id_ in free
    ]
    await work.change(Student, rows)


async def _roles(work: _Work) -> None:
    wanted: dict[UUID, set[str]] = {}
    for row in work.report.staff:
        wanted.setdefault(work.accounts[row.phone], set()).update(roles_of(row, governing=work.grant_roles))
    for guardian in work.report.guardians:
        wanted.setdefault(work.accounts[guardian.phone], set()).add("guardian")
    await give_roles(work.uow, work.images, {account: roles for account, roles in wanted.items() if roles})


async def _left(work: _Work) -> None:
    gone: Iterable[UUID] = [UUID(item.known.ref) for item in work.report.diff if item.place is None and item.known]
    now = clock.now()
    rows = [{"id": id_, "left_at": now} for id_ in gone]
    await work.change(Student, rows)
    work.done.students_left = len(rows)
