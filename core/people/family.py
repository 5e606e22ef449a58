"""What a family decides and may see: who collects the child, and who looked at what is sealed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select

from core.base import clock
from core.base.errors import Conflict, NotFound
from core.base.text import lazy_gettext as _l
from core.db.crypt import seal, unseal
from core.db.kernel_tables import AuditEntry
from core.db.uow import UnitOfWork
from core.people.models import Collector, Guardianship, Student

MOST_COLLECTORS = 6
PURPOSES = {"student.health_sealed": _l("健康备注"), "paper_form.scan_sealed": _l("纸质材料扫描件")}
"""What a sealed value is, by the purpose that it is sealed under; others are shown as 敏感资料."""


class TooManyCollectors(Conflict):
    code = "too_many_collectors"
    text = _l("每个孩子最多登记 %(most)s 位接送人，请先删去不再接送的")


@dataclass(frozen=True, slots=True)
class Look:
    """Somebody opened a sealed value of a child."""

    at: datetime
    who: str
    what: str
    student_id: UUID


async def add_collector(uow: UnitOfWork, student_id: UUID, name: str, phone: str, relation: str) -> Collector:
    """Name a person who may collect the child, beside the guardians (R-239); the same phone again is no second one.

    Raises TooManyCollectors. The caller has made sure that the child is the acting person's or the office's.
    """
    await uow.hold(f"collectors/{student_id}")
    live = select(Collector).where(Collector.student_id == student_id, Collector.ended_at.is_(None))
    known = (await uow.session.execute(live)).scalars().all()
    for row in known:
        if row.phone == phone:
            row.name, row.relation = name, relation
            return row
    if len(known) >= MOST_COLLECTORS:
        raise TooManyCollectors(most=MOST_COLLECTORS)
    row = Collector(student_id=student_id, name=name, phone=phone, relation=relation, named_by=uow.ctx.actor.name)
    uow.session.add(row)
    await uow.session.flush()
    await uow.audit("collector.add", "student", student_id, collector=row.id, name=name)
    return row


async def end_collector(uow: UnitOfWork, student_id: UUID, collector_id: UUID) -> None:
    """The person may not collect the child any more; the row stays for the registers that name it. Raises NotFound."""
    row = await uow.get(Collector, collector_id, lock=True)
    if row.student_id != student_id:
        raise NotFound()
    if row.ended_at is None:
        row.ended_at = clock.now()
        await uow.audit("collector.end", "student", student_id, collector=row.id, name=row.name)


async def named_collectors(uow: UnitOfWork, student_id: UUID) -> list[Collector]:
    """The persons named beside the guardians."""
    query = select(Collector).where(Collector.student_id == student_id, Collector.ended_at.is_(None))
    return list((await uow.session.execute(query.order_by(Collector.id))).scalars().all())


async def set_rights(
    uow: UnitOfWork, student_id: UUID, guardian_id: UUID, *, choose: bool, pay: bool, collect: bool
) -> None:
    """What a guardian may do for a child; the school office sets it on the family's request. Raises NotFound."""
    query = select(Guardianship).where(Guardianship.student_id == student_id, Guardianship.guardian_id == guardian_id)
    row = (await uow.session.execute(query.with_for_update())).scalar_one_or_none()
    if row is None:
        raise NotFound()
    row.may_choose, row.may_pay, row.may_collect = choose, pay, collect
    await uow.audit(
        "guardian.rights", "student", student_id, guardian=guardian_id, choose=choose, pay=pay, collect=collect
    )


async def read_health(uow: UnitOfWork, student_id: UUID) -> str:
    """The health note, opened: the guardian sees who did it. Empty when there is none. Raises NotFound."""
    row = await uow.get(Student, student_id)
    if row.health_sealed is None:
        return ""
    return await unseal(
        uow,
        row.health_sealed,
        purpose=f"student.health_sealed/{student_id}",
        subject_kind="student",
        subject_id=student_id,
    )


async def write_health(uow: UnitOfWork, student_id: UUID, note: str) -> None:
    """Seal a health note; a blank one removes it. Raises NotFound."""
    row = await uow.get(Student, student_id, lock=True)
    row.health_sealed = await seal(uow, note, purpose=f"student.health_sealed/{student_id}") if note.strip() else None
    await uow.audit("sensitive.write", "student", student_id, purpose="student.health_sealed")


async def who_looked(uow: UnitOfWork, student_ids: list[UUID], limit: int = 30) -> list[Look]:
    """Who opened sealed values of these children, newest first."""
    query = (
        select(AuditEntry)
        .where(
            AuditEntry.action == "sensitive.read",
            AuditEntry.subject_kind == "student",
            AuditEntry.subject_id.in_(student_ids),
        )
        .order_by(AuditEntry.at.desc())
        .limit(limit)
    )
    rows = (await uow.session.execute(query)).scalars().all()
    return [
        Look(
            row.at,
            row.actor_name if row.actor_kind == "person" else str(_l("系统")),
            str(PURPOSES.get(row.detail.get("purpose", ""), _l("敏感资料"))),
            row.subject_id,
        )
        for row in rows
        if row.subject_id is not None
    ]
