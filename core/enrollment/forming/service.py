"""Making a forming, having it arranged, beginning from what is in force, giving it up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import select

from core.base import clock
from core.base.errors import FieldError, Invalid, NotFound
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment.errors import Objected
from core.enrollment.forming import no_mixing
from core.enrollment.forming.errors import BeingFormed, LevelsMissing, NotBeingFormed, NothingToForm
from core.enrollment.forming.gather import problem_of, situation, staying_runs
from core.enrollment.forming.making import JOB, clear, keep
from core.enrollment.forming.models import CareGroup, FormingRun
from core.enrollment.forming.problem import BUCKETS, Duty, Group, Proposal
from core.enrollment.forming.solver import alike
from core.enrollment.forming.states import FORMING, OPEN
from core.enrollment.offerings_service import offerings, offerings_by_id
from core.enrollment.states import ON_MENU
from core.enrollment.views import OfferingView
from core.people.service import students_by_id
from core.policy import service as policy
from core.policy.types import Objection
from core.terms.models import Term
from core.web.i18n import class_name, joined


async def formable(uow: UnitOfWork, term_id: UUID) -> list[OfferingView]:
    """Offerings whose children are taught by the school itself at fixed hours, and that nobody is forming now."""
    busy = {id_ for row in await open_runs(uow, term_id) for id_ in row.offering_ids}
    views = await offerings(uow, term_id, states=ON_MENU)
    return [v for v in views if _of_school(v) and v.id not in busy]


def _of_school(view: OfferingView) -> bool:
    return bool(view.periods) and view.vendor_id is None and view.kind != "lunch"


async def left_out(uow: UnitOfWork, term_id: UUID) -> list[tuple[OfferingView, FormingRun | None]]:
    """What cannot be formed yet although it is of that kind: not on the menu, as its state says, or being formed in
    the run that stands beside it."""
    busy = {id_: row for row in await open_runs(uow, term_id) for id_ in row.offering_ids}
    ended = ("withdrawn", "finished")
    return [
        (v, busy.get(v.id))
        for v in await offerings(uow, term_id)
        if _of_school(v) and v.state not in ended and (v.state not in ON_MENU or v.id in busy)
    ]


async def open_runs(uow: UnitOfWork, term_id: UUID) -> list[FormingRun]:
    query = select(FormingRun).where(FormingRun.term_id == term_id, FormingRun.state.in_(OPEN))
    return list((await uow.session.execute(query)).scalars())


def suggested(uow: UnitOfWork) -> tuple[list[str], int, bool]:
    """Modes that the rules name (they may name none), the class size and A/B roles that they want."""
    pack = policy.effective(uow)
    named = [unit for unit in pack.get("class.units").value or () if unit in BUCKETS]
    size = pack.get("class.size_max").value
    return named, int(size) if size else 35, bool(pack.get("staffing.ab_alternate").value)


def objections_to_draft(uow: UnitOfWork, mode: str, size: int, alternate: bool) -> list[Objection]:
    """What the rules say to forming in this way, before anything is formed (R-167, R-168, R-175)."""
    asked: list[tuple[str, Mapping[str, Any]]] = [
        ("class.units", {"units": [mode]}),
        ("class.size_max", {"size": size}),
        ("staffing.ab_alternate", {"alternating": alternate}),
    ]
    return list(policy.effective(uow).ask_all(asked).objections)


async def make_run(
    uow: UnitOfWork,
    term_id: UUID,
    *,
    title: str,
    offering_ids: Sequence[UUID],
    mode: str,
    size: int,
    alternate: bool,
    starts_on: date,
    reason: str = "",
) -> FormingRun:
    """Prepare a forming of these offerings.

    Raises NotFound, Invalid, Objected, BeingFormed, NothingToForm, NotMixed.
    """
    uow.ctx.require("forming.manage")
    term = await uow.get(Term, term_id)
    wrong = []
    if mode not in BUCKETS:
        wrong.append(FieldError("mode", _("请选择编班方式")))
    if not term.starts_on <= starts_on <= term.ends_on or starts_on <= clock.today():
        wrong.append(FieldError("starts_on", _("请选择学期里从明天起的一天")))
    if wrong:
        raise Invalid(fields=wrong)
    await uow.hold(f"timetable/{term_id}")
    views = await offerings_by_id(uow, offering_ids)
    if set(views) != set(offering_ids):
        raise NotFound()
    known = {view.id for view in await formable(uow, term_id)}
    await no_mixing.refuse_mode(uow, mode, starts_on)
    for view in views.values():
        if view.id not in known:
            taken = any(view.id in row.offering_ids for row in await open_runs(uow, term_id))
            raise BeingFormed(title=view.title) if taken else NothingToForm(title=view.title)
    row = FormingRun(
        term_id=term_id,
        title=title.strip(),
        offering_ids=sorted(views),
        mode=mode,
        size=size,
        alternate=alternate,
        starts_on=starts_on,
        reason=reason.strip(),
    )
    uow.session.add(row)
    await uow.session.flush()
    found = objections_to_draft(uow, mode, size, alternate)
    if not await policy.decided(uow, "forming.make", "forming_run", row.id, found, row.reason):
        raise Objected(found)
    await uow.audit("forming.make", "forming_run", row.id, mode=mode, size=size, offerings=sorted(map(str, views)))
    return row


async def solve(uow: UnitOfWork, run_id: UUID) -> None:
    """Have a worker arrange it; what was arranged before is replaced when the answer is there.

    Raises LevelsMissing, with the names, while a child of a forming by level has no level; NotMixed.
    """
    row = await uow.get(FormingRun, run_id, lock=True)
    await no_mixing.refuse_mode(uow, row.mode, row.starts_on)
    names = await without_level(uow, row)
    if names:
        raise LevelsMissing(n=len(names), names=joined(names[:20]) + ("…" if len(names) > 20 else ""))
    await FORMING.transition(uow, row, "solve")
    row.tries, row.stopped = row.tries + 1, ""
    await uow.session.flush()
    row.job_id = await uow.enqueue(JOB, {"run": row.id, "try": row.tries}, key=f"{row.id}/{row.tries}", label=row.title)


async def without_level(uow: UnitOfWork, row: FormingRun) -> list[str]:
    """The children, by name, whose level a forming by level wants and nobody has entered."""
    if BUCKETS[row.mode] != "level":
        return []
    problem, _views = await problem_of(uow, row)
    left = {UUID(c.key) for course in problem.courses for c in course.children if not c.level}
    known = await students_by_id(uow, list(left))
    some = sorted(known.values(), key=lambda s: (s.grade, s.class_number, s.name))
    return [f"{class_name(s.grade, s.class_number)} {s.name}" for s in some]


async def copy_in_force(uow: UnitOfWork, run_id: UUID) -> None:
    """Begin with the groups that are in force for these offerings: rooms, teachers and children as they are, newcomers
    put where they fit, those who left taken out. Raises NotBeingFormed when nothing is in force."""
    row = await uow.get(FormingRun, run_id, lock=True)
    await no_mixing.refuse_mode(uow, row.mode, row.starts_on)
    now = await in_force(uow, row.offering_ids, row.starts_on)
    if row.state != "draft" or not now:
        raise NotBeingFormed()
    problem, _views = await problem_of(uow, row)
    # The offerings may have been formed in several runs. A run that goes on for others keeps its day duties.
    staying = await staying_runs(uow, row)
    live = {group.id for group in now}
    groups: list[Group] = []
    duties: list[Duty] = []
    for run_id in sorted({group.run_id for group in now}):
        old = await situation(uow, await uow.get(FormingRun, run_id))
        places: dict[int | None, int | None] = {} if run_id in staying else {None: None}
        for place, one in enumerate(old.rows):
            if one.id in live:
                places[place] = len(groups)
                groups.append(old.proposal.groups[place])
        duties += [replace(d, group=places[d.group]) for d in old.proposal.duties if d.group in places]
    for course in problem.courses:
        mine = [g for g in groups if g.course == course.key]
        known = {child.key for child in course.children}
        placed: set[str] = set()
        for group in mine:
            group.children = tuple(k for k in group.children if k in known)
            placed |= set(group.children)
        for child in course.children:
            if child.key not in placed and mine:
                best = alike(course, mine, child)
                best.children = (*best.children, child.key)
    await keep(uow, row, problem, Proposal(groups, duties, []))
    await FORMING.transition(uow, row, "propose")


async def in_force(uow: UnitOfWork, offering_ids: Sequence[UUID], day: date) -> list[CareGroup]:
    """The groups of these offerings that hold on a day."""
    query = select(CareGroup).where(
        CareGroup.board == uow.ctx.tenant_id,
        CareGroup.offering_id.in_(list(offering_ids)),
        CareGroup.valid.contains(day),
    )
    return list((await uow.session.execute(query.order_by(CareGroup.offering_id, CareGroup.number))).scalars())


async def drop(uow: UnitOfWork, run_id: UUID) -> None:
    """Give up a run that is not in force, with its groups."""
    row = await uow.get(FormingRun, run_id, lock=True)
    await FORMING.transition(uow, row, "drop")
    await clear(uow, row)


__all__ = [
    "copy_in_force",
    "drop",
    "formable",
    "in_force",
    "left_out",
    "make_run",
    "objections_to_draft",
    "open_runs",
    "solve",
    "suggested",
    "without_level",
]
