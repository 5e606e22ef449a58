"""The office's deeds on waiting lists: how they are run, who is first by the written rule, and who is put ahead, by
name, with a reason that is counted in public, a person and a note (R-145, R-216)."""

from __future__ import annotations

from datetime import time
from uuid import UUID

from sqlalchemy import select

from core.base.errors import NotFound
from core.base.text import gettext as _
from core.db.states import MoveRefused
from core.db.uow import UnitOfWork
from core.enrollment import seats
from core.enrollment.draw.classes import priority_rule
from core.enrollment.draw.service import moment
from core.enrollment.offerings_service import offerings_by_id
from core.enrollment.waiting import gate
from core.enrollment.waiting.errors import JumpUntold
from core.enrollment.waiting.models import WaitingEntry, WaitingRule
from core.enrollment.waiting.states import JUMP_REASONS, MANAGE, WAITING
from core.enrollment.waiting.units import unit_of


async def set_rule(uow: UnitOfWork, term_id: UUID, *, hours: int, wakes_at: time, sleeps_at: time, carry: bool) -> None:
    """Change how this term's lists are run; offers that run keep their deadline. Hours as in WaitingRule."""
    uow.ctx.require(MANAGE)
    await uow.hold(f"waiting.rule/{term_id}")
    row = (await uow.session.execute(select(WaitingRule).where(WaitingRule.term_id == term_id))).scalar_one_or_none()
    if row is None:
        row = WaitingRule(term_id=term_id)
        uow.session.add(row)
    row.hours, row.wakes_at, row.sleeps_at, row.carry = hours, wakes_at, sleeps_at, carry
    await uow.session.flush()
    await uow.audit("waiting.rule", "term", term_id, hours=hours, wakes_at=wakes_at, sleeps_at=sleeps_at, carry=carry)


async def jump(uow: UnitOfWork, entry_id: UUID, reason: str, note: str) -> None:
    """Put a child ahead of its list, with those who wait together with it. The reason is counted in public, for each
    child; person and note stay in the log.

    The same again changes nothing. Raises Forbidden, NotFound, JumpUntold, MoveRefused.
    """
    uow.ctx.require(MANAGE)
    if reason not in JUMP_REASONS or len(note.strip()) < 2:
        await uow.get(WaitingEntry, entry_id)
        raise JumpUntold()
    unit = await unit_of(uow, await uow.get(WaitingEntry, entry_id))
    await seats.hold_children(uow, {row.student_id for row in unit})
    asked = await uow.get(WaitingEntry, entry_id, lock=True)
    if asked.jumped_at is None and asked.state not in ("waiting", "blocked"):
        raise MoveRefused(state=WAITING.title(asked.state), event=_("提前安排"))
    at = await moment(uow)
    for entry in await unit_of(uow, asked):
        if entry.jumped_at is not None or entry.student_id not in {row.student_id for row in unit}:
            continue
        entry.jumped_at = at
        entry.jump_reason, entry.jump_note = reason, note.strip()
        entry.jump_by, entry.jump_account = uow.ctx.actor.name, uow.ctx.actor.account_id
        gate.note(uow, entry, "jump", reason=reason, words=note.strip(), facts={"jumped_at": at})
        await uow.session.flush()
        await uow.audit("waiting.jump", "student", entry.student_id, offering=entry.offering_id, reason=reason)
    await gate.ask_the_list(uow, asked.offering_id)


async def set_priority(uow: UnitOfWork, entry_id: UUID, on: bool) -> None:
    """The school confirms (or takes back) that the written rule puts a child first: on all its lists of this term.

    Raises Forbidden, and NotFound where the rule knows no classes.
    """
    uow.ctx.require(MANAGE)
    entry = await _for_office(uow, entry_id)
    entries = await gate.entries_of(uow, entry.student_id, entry.term_id)
    views = await offerings_by_id(uow, entries.keys())
    if len(priority_rule(uow, {g for view in views.values() for g in view.grades}).classes) < 2:
        raise NotFound()
    cls = 0 if on else 1
    for one in entries.values():
        if one.cls != cls and one.state != "offered":
            one.cls = cls
            gate.note(uow, one, "priority", facts={"cls": cls})
    await uow.session.flush()
    await uow.audit("waiting.priority", "student", entry.student_id, on=on)


async def _for_office(uow: UnitOfWork, entry_id: UUID) -> WaitingEntry:
    row = await uow.get(WaitingEntry, entry_id)
    await seats.hold_child(uow, row.student_id)
    return await uow.get(WaitingEntry, entry_id, lock=True)
