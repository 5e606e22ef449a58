"""Running the checks of the ten bans in a school, and keeping what they find as flags (R-450 to R-459)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select

from core.base import clock
from core.base.text import in_locale
from core.db.uow import UnitOfWork
from core.policy import service as policy
from core.policy.ask import EffectivePack
from core.policy.bans import BanCheck, BanFlag
from tenants.duties.bans import BANS, checks
from tenants.duties.models import DutyRun, Flag
from tenants.duties.states import FLAG

log = logging.getLogger("kehou.duties")

LONGEST: Final = 400
"""Words of a flag are cut here: a sentence, no essay."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What a run did, in numbers."""

    standing: int
    opened: int
    cleared: int
    failed: tuple[str, ...]


async def run_of(uow: UnitOfWork, *, lock: bool = False) -> DutyRun:
    """The school's one row of bookkeeping, made when it is missing."""
    query = select(DutyRun)
    row = (await uow.session.execute(query.with_for_update() if lock else query)).scalar_one_or_none()
    if row is None:
        row = DutyRun(failed=[], sequence=0, digest="")
        uow.session.add(row)
        await uow.session.flush()
    return row


async def run(uow: UnitOfWork, term_id: UUID) -> Ran:
    """Run every check of this school for a term. Flags open, stay, or are cleared; the same run twice changes nothing.

    A check that fails is named and its flags stay as they were; those of a plugin that is off stay too. Flags of
    other terms than the current one are cleared with the term: their lessons are over.
    """
    await uow.hold("duties/watch")
    pack = policy.effective(uow)
    known = {(row.check_key, row.key): row for row in (await uow.session.execute(select(Flag))).scalars()}
    opened = cleared = 0
    failed: list[str] = []
    for check in checks(uow):
        found = await _tried(uow, check, pack, term_id)
        if found is None:
            failed.append(check.key)
            continue
        for key, flag in found.items():
            opened += await _keep(uow, check, key, flag, known.get((check.key, key)), pack)
        for (check_key, key), row in known.items():
            if check_key == check.key and key not in found and row.state != "cleared":
                await FLAG.transition(uow, row, "clear")
                row.cleared_at = clock.now()
                cleared += 1
    done = await run_of(uow)
    done.checked_at, done.failed = clock.now(), failed
    await uow.session.flush()
    return Ran(await standing(uow), opened, cleared, tuple(failed))


async def _tried(uow: UnitOfWork, check: BanCheck, pack: EffectivePack, term_id: UUID) -> dict[str, BanFlag] | None:
    """What a check finds, by key; None when it fails, which costs the others nothing."""
    try:
        async with uow.session.begin_nested():
            with in_locale("zh_CN"):
                flags = await check.run(uow, pack, term_id)
    except Exception:
        log.exception("the check %s failed in %s", check.key, uow.ctx.slug)
        return None
    return {f"{flag.key}/{flag.objection.rule}/{flag.objection.clause}"[:300]: flag for flag in flags}


async def _keep(
    uow: UnitOfWork, check: BanCheck, key: str, flag: BanFlag, row: Flag | None, pack: EffectivePack
) -> int:
    """Make the flag, open it again, or bring its words up to date; 1 when it newly stands."""
    now = clock.now()
    said = _said(flag, pack)
    if row is None:
        row = Flag(check_key=check.key, key=key, ban=check.ban, state="open", opened_at=now, seen_at=now, **said)
        uow.session.add(row)
        await uow.session.flush()
        await uow.audit("duty_flag.open", "duty_flag", row.id, check=check.key, ban=check.ban, subject=row.subject)
        await uow.emit("duties.flag_opened", {"id": row.id, "ban": row.ban})
        return 1
    back = row.state == "cleared"
    if back:
        await FLAG.transition(uow, row, "reopen")
        row.opened_at, row.cleared_at = now, None
        row.acknowledged_at, row.acknowledged_by, row.reason = None, "", ""
    for name, value in said.items():
        if getattr(row, name) != value:
            setattr(row, name, value)
    row.seen_at = now
    return int(back)


def _said(flag: BanFlag, pack: EffectivePack) -> Mapping[str, Any]:
    with in_locale("zh_CN"):
        kept = flag.objection.record()
        return {
            "rule": kept["rule"],
            "severity": flag.severity,
            "subject": str(flag.subject)[:LONGEST],
            "words": kept["message"][:LONGEST],
            "detail": str(flag.detail)[:LONGEST],
            "href": flag.href,
            "clause": kept["clause"],
            "quote": kept["quote"],
            "source": kept["source"],
            "revision": pack.revision,
        }


async def acknowledge(uow: UnitOfWork, flag_id: UUID, reason: str) -> Flag:
    """A person says how it came and what is done about it; the bureau reads it. The flag stands until its cause is
    gone. Raises NotFound, Forbidden, ReasonOwed, MoveRefused."""
    row = await uow.get(Flag, flag_id, lock=True)
    # The reason goes in first: the table demands one in the state that comes.
    row.reason = reason.strip()[:2000]
    row.acknowledged_at, row.acknowledged_by = clock.now(), uow.ctx.actor.name
    await FLAG.transition(uow, row, "acknowledge", reason=row.reason, clause=row.clause)
    await uow.session.flush()
    return row


# ---- reading ------------------------------------------------------------------------------------------------


async def standing(uow: UnitOfWork) -> int:
    """How many flags stand, answered or not."""
    query = select(func.count()).select_from(Flag).where(Flag.state != "cleared")
    return int((await uow.session.execute(query)).scalar_one())


async def unanswered(uow: UnitOfWork) -> int:
    """How many flags wait for somebody: the badge."""
    query = select(func.count()).select_from(Flag).where(Flag.state == "open")
    return int((await uow.session.execute(query)).scalar_one())


async def by_ban(uow: UnitOfWork) -> dict[int, tuple[int, int]]:
    """(open, answered) flags of each ban, all ten named."""
    query = select(Flag.ban, Flag.state, func.count()).where(Flag.state != "cleared").group_by(Flag.ban, Flag.state)
    found = {number: [0, 0] for number in BANS}
    for ban, state, many in (await uow.session.execute(query)).all():
        found[ban][0 if state == "open" else 1] = many
    return {number: (pair[0], pair[1]) for number, pair in found.items()}


async def listed(
    uow: UnitOfWork, *, ban: int = 0, state: str = "", offset: int = 0, size: int = 20
) -> tuple[int, list[Flag]]:
    """Flags, by default those that stand: unanswered first, then the oldest."""
    query = select(Flag)
    query = query.where(Flag.state == state) if state else query.where(Flag.state != "cleared")
    if ban:
        query = query.where(Flag.ban == ban)
    total = (await uow.session.execute(select(func.count()).select_from(query.subquery()))).scalar_one()
    order = ((Flag.state == "open").desc(), Flag.opened_at, Flag.id)
    rows = (await uow.session.execute(query.order_by(*order).offset(offset).limit(size))).scalars().all()
    return int(total), list(rows)
