"""The responsibility list of a term: made from the rules in force, answered by people, asked of the pack (R-441)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from core.base import clock
from core.base.errors import FieldError, Invalid
from core.base.ids import new_id
from core.base.text import in_locale
from core.base.text import lazy_gettext as _l
from core.db.correspondence import organisation
from core.db.uow import UnitOfWork
from core.enrollment.plan_check import stages_of
from core.policy import service as policy
from core.policy.types import Objection
from core.terms.models import Term
from core.terms.service import current_term
from core.web.uploads import scan_of
from tenants.duties.lines import Line, ask, line, lines
from tenants.duties.models import Duty, SchoolDuties
from tenants.duties.states import DUTY

BUREAU_TERM: Final = timedelta(days=140)
"""A bureau keeps no calendar: its list of a term runs so long from the day on which it was made."""


class NoteOwed(Invalid):
    """The pack objects to what is recorded; a person must say why."""

    code = "duty_note_owed"
    text = _l("这与规定不符，请写明原因和打算怎么办")


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a person records. `answer` as tenants.duties.lines.ask takes it; `evidence` (name, bytes)."""

    answer: Mapping[str, Any]
    done_on: date
    note: str = ""
    evidence: tuple[str, bytes] | None = None


async def stages(uow: UnitOfWork) -> Sequence[str] | None:
    """The stages of this school; None for a bureau, which has all."""
    mine = await organisation(uow)
    return stages_of(mine.level) if mine.kind == "school" else None


async def term_code(uow: UnitOfWork) -> str:
    """The term whose list is the current one; for a bureau the newest that its schools reported, "" before that.

    Raises NoTerm for a school without terms.
    """
    if uow.ctx.kind == "school":
        return (await current_term(uow)).code
    codes = (await uow.session.execute(select(func.max(SchoolDuties.term_code)))).scalar_one()
    return str(codes or "")


async def refresh(uow: UnitOfWork) -> int:
    """Make the current term's list what the rules in force ask; returns how many lines are new.

    Lines whose rule is gone are marked, never deleted; lists of past terms are never touched. The same twice changes
    nothing.
    """
    code = await term_code(uow)
    if not code:
        return 0
    await uow.hold(f"duties/{code}")
    pack = policy.effective(uow)
    first, last = await _span(uow, code)
    wanted = lines(pack, "school" if uow.ctx.kind == "school" else "bureau", await stages(uow))
    keys = [one.key for one in wanted]
    made = 0
    for place, one in enumerate(wanted):
        row = insert(Duty).values(
            tenant_id=uow.ctx.tenant_id,
            id=new_id(),
            term_code=code,
            rule=one.key,
            place=place,
            due_on=one.attested.due_on(first, last),
        )
        done = await uow.session.execute(row.on_conflict_do_nothing().returning(Duty.id))
        made += done.first() is not None
    await uow.session.execute(
        update(Duty)
        .where(Duty.term_code == code, Duty.applies.is_distinct_from(Duty.rule.in_(keys)))
        .values(applies=Duty.rule.in_(keys))
    )
    return made


async def _span(uow: UnitOfWork, code: str) -> tuple[date, date]:
    if uow.ctx.kind == "school":
        term = (await uow.session.execute(select(Term).where(Term.code == code))).scalar_one()
        return term.starts_on, term.ends_on
    return clock.today(), clock.today() + BUREAU_TERM


async def what_it_asks(uow: UnitOfWork, row: Duty) -> Line | None:
    """The duty in words under today's rules; None when they no longer speak of it."""
    return line(policy.effective(uow), row.rule, await stages(uow))


async def objections(uow: UnitOfWork, row: Duty, answer: Mapping[str, Any]) -> tuple[Objection, ...]:
    """What the rules say to an answer."""
    return ask(policy.effective(uow), row.rule, answer, await stages(uow)).objections


async def record(uow: UnitOfWork, duty_id: UUID, said: Recorded) -> Duty:
    """Keep what a person attests. The pack is asked with it: where it objects, a note is owed, and the line counts as
    kept otherwise (only warnings) or not kept (R-441: evidence for each claim). May be recorded again.

    Raises NotFound, Forbidden, NoteOwed, WrongScan, Invalid (a day to come).
    """
    row = await uow.get(Duty, duty_id, lock=True)
    if said.done_on > clock.today():
        raise Invalid(fields=[FieldError("done_on", _l("日期不能晚于今天"), "future")])
    found = await objections(uow, row, said.answer)
    note = said.note.strip()[:2000]
    if found and not note:
        raise NoteOwed(fields=[FieldError("note", NoteOwed.text, "reason")])
    event = "keep" if not found else "fail" if any(o.blocks for o in found) else "excuse"
    if said.evidence is not None:
        _attach(row, *said.evidence)
    row.answer, row.note, row.done_on = dict(said.answer), note, said.done_on
    with in_locale("zh_CN"):
        row.objections = [o.record() for o in found]
    row.revision = policy.effective(uow).revision
    row.recorded_at, row.recorded_by = clock.now(), uow.ctx.actor.name
    clause = found[0].clause if found else ""
    await DUTY.transition(uow, row, event, reason=note, clause=clause)
    await uow.session.flush()
    return row


def _attach(row: Duty, name: str, body: bytes) -> None:
    scan = scan_of(body, "evidence")
    row.evidence, row.evidence_type, row.evidence_name = body, scan.kind, name[-120:]
    row.evidence_sha256 = scan.sha256


async def evidence(uow: UnitOfWork, duty_id: UUID) -> tuple[Duty, bytes | None]:
    """A line and the file that goes with it."""
    row = await uow.get(Duty, duty_id)
    body = (await uow.session.execute(select(Duty.evidence).where(Duty.id == duty_id))).scalar_one()
    return row, body


# ---- reading ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Sums:
    """How a list stands: lines that were kept (or kept otherwise), wait, are late, were not kept."""

    done: int = 0
    excused: int = 0
    waiting: int = 0
    overdue: int = 0
    not_kept: int = 0

    @property
    def all(self) -> int:
        return self.done + self.excused + self.waiting + self.overdue + self.not_kept


async def sums(uow: UnitOfWork, code: str) -> Sums:
    """The list of one term, counted. `waiting` and `overdue` exclude one another."""
    late = (Duty.state == "open") & (Duty.due_on < clock.today())
    query = select(
        func.count().filter(Duty.state == "kept"),
        func.count().filter(Duty.state == "excused"),
        func.count().filter((Duty.state == "open") & ~late),
        func.count().filter(late),
        func.count().filter(Duty.state == "not_kept"),
    ).where(Duty.term_code == code, Duty.applies)
    return Sums(*(await uow.session.execute(query)).one())


async def overdue(uow: UnitOfWork) -> int:
    """Lines of all terms that should have been answered: the badge."""
    query = select(func.count()).where(Duty.state == "open", Duty.applies, Duty.due_on < clock.today())
    return int((await uow.session.execute(query)).scalar_one())


async def codes(uow: UnitOfWork) -> list[str]:
    """Terms that have a list, the newest first."""
    return list(
        (await uow.session.execute(select(Duty.term_code).distinct().order_by(Duty.term_code.desc()))).scalars()
    )


SHOWS: Final[Mapping[str, Any]] = {
    "open": _l("待填报"),
    "overdue": _l("已逾期"),
    "kept": _l("已做到"),
    "excused": _l("另有安排"),
    "not_kept": _l("未做到"),
}


async def listed(
    uow: UnitOfWork, code: str, *, show: str = "", group: str = "", offset: int = 0, size: int = 20
) -> tuple[int, list[Duty]]:
    """Lines of a term that apply: late ones first, then those that wait by date, then the answered."""
    query = select(Duty).where(Duty.term_code == code, Duty.applies)
    if show == "overdue":
        query = query.where(Duty.state == "open", Duty.due_on < clock.today())
    elif show in SHOWS:
        query = query.where(Duty.state == show)
    if group:
        query = query.where(Duty.rule.startswith(f"{group}.", autoescape=True))
    total = (await uow.session.execute(select(func.count()).select_from(query.subquery()))).scalar_one()
    order = ((Duty.state == "open").desc(), Duty.due_on, Duty.place, Duty.id)
    rows = (await uow.session.execute(query.order_by(*order).offset(offset).limit(size))).scalars().all()
    return int(total), list(rows)


async def answered(uow: UnitOfWork, code: str, state: str) -> list[Duty]:
    """Lines of a term in a state, in the list's order."""
    query = select(Duty).where(Duty.term_code == code, Duty.applies, Duty.state == state).order_by(Duty.place)
    return list((await uow.session.execute(query)).scalars())
