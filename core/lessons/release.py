"""Handing a child to the right adult: a named person, not a refused one, with a signature or the day's code (5.6)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from core.base import clock
from core.base.errors import FieldError, Invalid, NotFound
from core.base.ids import new_id
from core.base.text import gettext as _
from core.db.states import ReasonOwed
from core.db.uow import UnitOfWork
from core.lessons import custody, rules
from core.lessons.errors import (
    CodeLocked,
    CodeNone,
    CodeWrong,
    CollectorRefused,
    CollectorUnknown,
    NotInCare,
    NotWithYou,
    ReleaseObjected,
)
from core.lessons.models import Custody, Lesson, PickupCode, RefusedCollector
from core.lessons.views import ReleaseView
from core.people.models import Staff, Student
from core.people.service import CollectorView, collectors, my_child
from core.policy import service as policy
from core.policy.types import Objection

CODE_TRIES = 5
"""Wrong codes in a day after which codes are worth nothing for that child (idea 10)."""


@dataclass(frozen=True, slots=True)
class Handing:
    """What the teacher says of one release. `collector` is a key of `collectors`; empty means the child leaves alone.

    `signature` is the name that the collector wrote, `code` what the guardian's phone shows; one of them is owed where
    the pack wants a signature. `reason` lets warnings pass.
    """

    student_id: UUID
    collector: str
    signature: str = ""
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ChildAtGate:
    """All that a teacher sees before handing a child over (R-242)."""

    student_id: UUID
    name: str
    class_id: UUID
    hold: custody.Hold
    collectors: tuple[CollectorView, ...]
    refused: tuple[RefusedCollector, ...]
    code_open: bool
    code_locked: bool
    minutes_late: int


async def at_gate(uow: UnitOfWork, student_id: UUID) -> ChildAtGate:
    """Raises NotFound for a child whom the acting person neither has nor oversees, NotInCare for one who is gone."""
    child = await uow.get(Student, student_id)
    hold = await custody.holder_now(uow, student_id)
    await _refuse_stranger(uow, hold)
    if hold is None or hold.ended_at is not None:
        raise NotInCare(name=child.name)
    code = await _code(uow, student_id)
    return ChildAtGate(
        student_id=student_id,
        name=child.name,
        class_id=child.class_id,
        hold=hold,
        collectors=tuple(await collectors(uow, student_id)),
        refused=tuple(await refused(uow, student_id)),
        code_open=code is not None and code.used_at is None and code.locked_at is None,
        code_locked=code is not None and code.locked_at is not None,
        minutes_late=await _minutes_late(uow, hold),
    )


async def release(uow: UnitOfWork, handing: Handing) -> None:
    """Hand one child over and end the school's care for today.

    Raises NotInCare, NotWithYou, CollectorUnknown, CollectorRefused, CodeWrong, CodeLocked, CodeNone, ReleaseObjected,
    ReasonOwed. Refused tries and wrong codes are kept although nothing else is.
    """
    await custody.hold_children(uow, [handing.student_id])
    child = await uow.get(Student, handing.student_id)
    query = select(Custody).where(Custody.student_id == child.id, Custody.ended_at.is_(None))
    row = (await uow.session.execute(query)).scalar_one_or_none()
    if row is None:
        raise NotInCare(name=child.name)
    me = await custody.me(uow)
    if row.staff_id != me.id and not uow.ctx.may("handover.oversee"):
        raise NotWithYou(name=child.name, holder=row.holder_name)
    alone = not handing.collector
    collector = None if alone else await _collector(uow, child, handing.collector)
    signature = handing.signature.strip()
    if handing.code.strip():
        await use_code(uow, child.id, handing.code, handing.collector)
        signature = signature or _("接送码")
    greeted = row.staff_id == me.id
    found = await _objections(uow, row, collector, signed=bool(signature), alone=alone, greeted=greeted)
    may = await policy.decided(uow, "pickup.release", "custody", row.id, found, handing.reason)
    if any(o.blocks for o in found):
        raise ReleaseObjected(found)
    if not may and not handing.reason.strip():
        raise ReasonOwed(fields=[FieldError("reason", _("%(why)s，请写明情况", why=found[0].message))])
    await custody.advance(
        uow,
        [child.id],
        "leave_alone" if alone else "collect",
        holder={
            "holder_key": collector.key if collector else "",
            "holder_name": collector.name if collector else "",
            "holder_relation": collector.relation if collector else "",
            "signature": signature[:60],
        },
        note=handing.reason,
    )
    await uow.audit("handover.release", "student", child.id, collector=handing.collector, signed=bool(signature))
    await uow.emit(
        "child.collected",
        {
            "student_id": child.id,
            "by": collector.name if collector else "",
            "relation": collector.relation if collector else "",
            "at": clock.now(),
            "from": me.name,
        },
    )


async def _collector(uow: UnitOfWork, child: Student, key: str) -> CollectorView:
    chosen = next((c for c in await collectors(uow, child.id) if c.key == key), None)
    if chosen is None:
        await _log_refusal(uow, child.id, key, "unknown")
        # Whoever the family did not name beforehand was not announced; where the scheme says so, its clause is told.
        found = rules.blocks(rules.ask(uow, {"pickup.other_told": {"told_beforehand": False}}))
        await policy.decided(uow, "pickup.collector", "student", child.id, found)
        raise CollectorUnknown(objections=[o.record() for o in found])
    for person in await refused(uow, child.id):
        # A name alone is enough to stop: better one call too many than a child in the wrong hands.
        if (person.phone and person.phone == chosen.phone) or person.name == chosen.name:
            await _log_refusal(uow, child.id, key, "refused")
            raise CollectorRefused()
    return chosen


async def _log_refusal(uow: UnitOfWork, student_id: UUID, key: str, why: str) -> None:
    """In a transaction of its own: the refusal that follows takes back everything else."""
    async with uow.house.unit(uow.ctx) as own:
        await own.audit("handover.refused", "student", student_id, collector=key, why=why)
        await own.emit("handover.refused", {"student_id": student_id, "why": why, "teacher": uow.ctx.actor.name})


async def _objections(
    uow: UnitOfWork, row: Custody, collector: CollectorView | None, *, signed: bool, alone: bool, greeted: bool
) -> list[Objection]:
    asked: dict[str, dict[str, object]] = {"pickup.alone": {"alone": alone}}
    if not alone:
        asked["pickup.signature"] = {"signed": signed}
        asked["pickup.in_person"] = {"handed_in_person": True}
        # Greeted is who has the child: a colleague takes it over first, and then answers for it.
        asked["pickup.greeted"] = {"greeted": greeted}
    lesson = await uow.find(Lesson, row.lesson_id) if row.lesson_id else None
    if row.stage == "in_care" and lesson is not None and clock.now() >= _end_of(lesson):
        # At dismissal the group is counted and led out; whoever is fetched before that is not.
        asked["pickup.led_out"] = {"led_out": False}
    found = rules.ask(uow, asked)
    view = ReleaseView(
        lesson_id=row.lesson_id or row.id,
        student_id=row.student_id,
        collector=collector.key if collector else "",
        collector_name=collector.name if collector else "",
        at=clock.now(),
    )
    found += await uow.hooks.decide("check_release", uow.ctx, uow=uow, release=view)
    return found


async def _refuse_stranger(uow: UnitOfWork, hold: custody.Hold | None) -> None:
    if uow.ctx.may("handover.oversee"):
        return
    me = await custody.me(uow)
    if hold is None or hold.staff_id != me.id:
        raise NotFound()


async def _minutes_late(uow: UnitOfWork, hold: custody.Hold) -> int:
    lesson = await uow.find(Lesson, hold.lesson_id) if hold.lesson_id else None
    if lesson is None:
        return 0
    return max(0, int((clock.now() - _end_of(lesson)).total_seconds() // 60))


def _end_of(lesson: Lesson) -> datetime:
    return clock.at_school(lesson.day, lesson.ends_at.hour, lesson.ends_at.minute)


# ---- one-time codes ----


async def issue_code(uow: UnitOfWork, student_id: UUID, collector_key: str = "") -> str:
    """Six digits for today, shown once to the guardian; the previous ones stop working. Raises NotFound, CodeLocked,
    CollectorUnknown."""
    child = await my_child(uow, student_id)
    if collector_key and collector_key not in {c.key for c in await collectors(uow, child.id)}:
        raise CollectorUnknown()
    known = await _code(uow, student_id)
    if known is not None and known.locked_at is not None:
        raise CodeLocked()
    digits = f"{secrets.randbelow(1_000_000):06d}"
    fresh = {
        "code_hash": _hash(uow, student_id, digits),
        "collector_key": collector_key,
        "used_at": None,
        "issued_by": uow.ctx.actor.name,
    }
    row = {"tenant_id": uow.ctx.tenant_id, "id": new_id(), "student_id": student_id, "day": clock.today(), **fresh}
    statement = insert(PickupCode).values(**row)
    await uow.session.execute(
        statement.on_conflict_do_update(index_elements=["tenant_id", "student_id", "day"], set_=fresh)
    )
    await uow.audit("pickup.code", "student", student_id, collector=collector_key)
    return digits


async def use_code(uow: UnitOfWork, student_id: UUID, digits: str, collector_key: str) -> None:
    """Take a shown code. Raises CodeNone, CodeWrong (and counts the try for good), CodeLocked."""
    async with uow.house.unit(uow.ctx) as own:
        row = await _code(own, student_id, lock=True)
        if row is None or (row.used_at is not None and row.locked_at is None):
            raise CodeNone(fields=[FieldError("code", CodeNone.text, "pickup_code_none")])
        if row.locked_at is not None:
            raise CodeLocked()
        right = hmac.compare_digest(row.code_hash, _hash(own, student_id, digits.strip()))
        right = right and row.collector_key in ("", collector_key)
        if not right:
            row.wrong_tries += 1
            if row.wrong_tries >= CODE_TRIES:
                row.locked_at = clock.now()
                await own.emit("pickup.locked", {"student_id": student_id, "teacher": uow.ctx.actor.name})
            await own.audit("pickup.wrong_code", "student", student_id, tries=row.wrong_tries)
        left = CODE_TRIES - row.wrong_tries
    if not right and left <= 0:
        raise CodeLocked()
    if not right:
        words = str(CodeWrong.text) % {"left": left}
        raise CodeWrong(left=left, fields=[FieldError("code", words, "pickup_code_wrong")])
    # The use itself belongs to the release: undone with it when something else refuses.
    await uow.session.execute(
        update(PickupCode)
        .where(PickupCode.student_id == student_id, PickupCode.day == clock.today())
        .values(used_at=func.now())
    )


async def unlock_code(uow: UnitOfWork, student_id: UUID, reason: str) -> None:
    """The office looked into it: the guardian may ask for a new code. Raises ReasonOwed, CodeNone."""
    uow.ctx.require("handover.unlock")
    if not reason.strip():
        raise ReasonOwed(fields=[FieldError("reason", ReasonOwed.text, "reason_owed")])
    row = await _code(uow, student_id, lock=True)
    if row is None or row.locked_at is None:
        raise CodeNone()
    row.locked_at, row.wrong_tries, row.used_at = None, 0, clock.now()
    await uow.audit("pickup.unlock", "student", student_id, reason=reason)


async def _code(uow: UnitOfWork, student_id: UUID, *, lock: bool = False) -> PickupCode | None:
    query = select(PickupCode).where(PickupCode.student_id == student_id, PickupCode.day == clock.today())
    if lock:
        query = query.with_for_update()
    return (await uow.session.execute(query)).scalar_one_or_none()


def _hash(uow: UnitOfWork, student_id: UUID, digits: str) -> str:
    key = hashlib.sha256(b"pickup-code" + uow.house.settings.master_key_bytes).digest()
    told = f"{uow.ctx.tenant_id}:{student_id}:{clock.today()}:{digits}"
    return hmac.new(key, told.encode(), hashlib.sha256).hexdigest()


# ---- refused people ----


async def refused(uow: UnitOfWork, student_id: UUID) -> list[RefusedCollector]:
    """Who must not be given this child."""
    query = select(RefusedCollector).where(
        RefusedCollector.student_id == student_id, RefusedCollector.ended_at.is_(None)
    )
    return list((await uow.session.execute(query.order_by(RefusedCollector.id))).scalars().all())


async def refuse_person(
    uow: UnitOfWork, student_id: UUID, name: str, phone: str = "", reason: str = ""
) -> RefusedCollector:
    """Put somebody on the child's refused list; the same name or phone again is no second row."""
    if not name.strip():
        raise Invalid(fields=[FieldError("name", _("请填写姓名"))])
    same = [RefusedCollector.name == name.strip()]
    if phone:
        same.append(RefusedCollector.phone == phone)
    query = select(RefusedCollector).where(
        RefusedCollector.student_id == student_id, RefusedCollector.ended_at.is_(None), or_(*same)
    )
    known = (await uow.session.execute(query)).scalars().first()
    if known is not None:
        return known
    row = RefusedCollector(
        student_id=student_id,
        name=name.strip(),
        phone=phone,
        reason=reason.strip()[:200],
        named_by=uow.ctx.actor.name,
    )
    uow.session.add(row)
    await uow.session.flush()
    await uow.audit("handover.refuse_person", "student", student_id, name=name)
    return row


async def accept_person(uow: UnitOfWork, student_id: UUID, refused_id: UUID) -> None:
    """Take somebody off the refused list; the school's office does it, after talking to the family."""
    row = await uow.get(RefusedCollector, refused_id, lock=True)
    if row.student_id != student_id:
        raise NotFound()
    row.ended_at = clock.now()
    await uow.audit("handover.accept_person", "student", student_id, name=row.name)


async def staff_choices(uow: UnitOfWork) -> Sequence[tuple[UUID, str]]:
    """Members of staff to whom a child may be handed."""
    query = select(Staff.id, Staff.name).where(Staff.left_at.is_(None)).order_by(Staff.name_sort)
    return [(row[0], row[1]) for row in (await uow.session.execute(query)).all()]


__all__ = ["ChildAtGate", "Handing", "at_gate", "issue_code", "release", "unlock_code", "use_code"]
