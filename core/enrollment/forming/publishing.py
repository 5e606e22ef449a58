"""Publishing a forming: asked of the rules, put in force in one transaction, posted, told."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, select, text, update

from core.base import clock
from core.db.uow import UnitOfWork
from core.enrollment.errors import Objected
from core.enrollment.forming import no_mixing, told
from core.enrollment.forming.errors import NotBeingFormed, NotMixed, NotPlaced
from core.enrollment.forming.gather import Situation, situation, staffing_of
from core.enrollment.forming.making import valid_for
from core.enrollment.forming.models import CareGroup, CareGroupDuty, CareGroupMember, FormingRun
from core.enrollment.forming.states import FORMING
from core.policy import service as policy
from core.policy.types import Objection


def objections_to(uow: UnitOfWork, at: Situation) -> list[Objection]:
    """What the rules say to the arrangement as it is: sizes, units, teachers, leaders, relay, teacher and place."""
    kinds = [found.kind for found in at.proposal.unmet]
    units = [at.run.mode] + (["cross_class"] if "against_mode" in kinds else [])
    rule = staffing_of(uow, at.run.alternate)
    missing = {k: [u.facts for u in at.proposal.unmet if u.kind == k] for k in ("no_duty_leader", "no_relay")}
    leaders = min((f["given"] for f in missing["no_duty_leader"]), default=max(rule.leaders, len(at.rows)))
    relay = min((f["given"] for f in missing["no_relay"]), default=rule.relay)
    manned = "no_teacher" not in kinds
    sizes = [f.facts["size"] for f in at.proposal.unmet if f.kind == "too_big"]
    asked: list[tuple[str, Mapping[str, Any]]] = [
        ("class.units", {"units": units}),
        (
            "class.size_max",
            {"size": max(sizes, default=1)},
        ),
        ("class.only_reviewed", {"reviewed": True}),
        ("staffing.fixed_teacher_and_place", {"fixed": manned and "no_room" not in kinds}),
        ("staffing.teachers_per_class", {"teachers": rule.teachers if manned else rule.teachers - 1}),
        ("staffing.classes_per_duty_leader", {"classes": len(at.rows), "duty_leaders": leaders}),
        ("staffing.duty_leaders_per_day", {"duty_leaders": leaders}),
        ("staffing.relay_teachers", {"relay_teachers": relay}),
        ("staffing.enough_on_duty", {"enough_on_duty": manned and not missing["no_duty_leader"]}),
        ("staffing.ab_alternate", {"alternating": at.run.alternate}),
        ("staffing.b_in_room", {"b_in_room": at.run.alternate and manned}),
    ]
    return list(policy.effective(uow).ask_all(asked).objections)


async def publish(uow: UnitOfWork, run_id: UUID, reason: str = "") -> None:
    """Put the arrangement in force from its first day: what held before ends the day before, lessons follow, it is
    posted, and families and staff are told.

    Raises NotPlaced, NotMixed, Objected, and what the database refuses as Conflict.
    """
    row = await uow.get(FormingRun, run_id, lock=True)
    uow.ctx.require("forming.manage")
    if row.state != "proposed":
        raise NotBeingFormed()
    await uow.hold(f"timetable/{row.term_id}")
    # Who joins or leaves now is placed afterwards, among the groups that then hold (keeping.follow_child).
    await uow.hold(*(f"forming/{id_}" for id_ in row.offering_ids))
    row.starts_on = max(row.starts_on, clock.today() + timedelta(days=1))  # today's lessons may have begun
    at = await situation(uow, row)
    for found in at.proposal.unmet:
        if found.kind == "unplaced":
            raise NotPlaced(n=len(found.facts["children"]))
    if await no_mixing.holds(uow, row.starts_on) and _several_classes(at):
        raise NotMixed()
    objections = objections_to(uow, at)
    if not await policy.decided(uow, "forming.publish", "forming_run", row.id, objections, reason):
        raise Objected(objections)
    row.reason = reason.strip() or row.reason
    await _replace(uow, row)
    row.published_at = (await uow.session.execute(text("select clock_timestamp()"))).scalar_one()
    payload = {"offerings": row.offering_ids, "title": row.title, "starts_on": row.starts_on, "term": row.term_id}
    await FORMING.transition(uow, row, "publish", payload=payload)
    await uow.session.flush()
    await told.posted(uow, at)
    await told.families_and_staff(uow, at)


def _several_classes(at: Situation) -> bool:
    """Whether a group has children of different classes."""
    for group in at.proposal.groups:
        inside = [at.students[UUID(key)] for key in group.children]
        if len({(child.grade, child.class_number) for child in inside}) > 1:
            return True
    return False


async def _replace(uow: UnitOfWork, row: FormingRun) -> None:
    """End what these offerings had, and hang the run's rows on the school's board: all or nothing."""
    here = uow.ctx.tenant_id
    mine = select(CareGroup.id).where(CareGroup.board == here, CareGroup.offering_id.in_(row.offering_ids))
    await _cut(uow, CareGroupMember, CareGroupMember.group_id.in_(mine), row.starts_on)
    await _cut(uow, CareGroupDuty, CareGroupDuty.group_id.in_(mine), row.starts_on)
    await _cut(uow, CareGroup, CareGroup.offering_id.in_(row.offering_ids), row.starts_on)
    query = select(FormingRun).where(FormingRun.term_id == row.term_id, FormingRun.state == "published")
    for old in (await uow.session.execute(query)).scalars():
        if set(old.offering_ids) <= set(row.offering_ids):
            of_days = and_(CareGroupDuty.run_id == old.id, CareGroupDuty.group_id.is_(None))
            await _cut(uow, CareGroupDuty, of_days, row.starts_on)
            await FORMING.transition(uow, old, "replace")
    await uow.session.flush()
    valid = await valid_for(uow, row)
    fresh = select(CareGroup.id).where(CareGroup.run_id == row.id)
    for table, which in (
        (CareGroup, CareGroup.run_id == row.id),
        (CareGroupMember, CareGroupMember.group_id.in_(fresh)),
        (CareGroupDuty, CareGroupDuty.run_id == row.id),
    ):
        await uow.session.execute(update(table).where(which).values(board=here, valid=valid))


async def _cut(
    uow: UnitOfWork, table: type[CareGroup | CareGroupMember | CareGroupDuty], which: Any, day: date
) -> None:
    """What is in force ends the day before; what had not begun yet never holds (an empty range)."""
    until = table.valid.op("*")(func.daterange(None, day))
    await uow.session.execute(
        update(table).where(table.board == uow.ctx.tenant_id, which).values(valid=until),
        execution_options={"synchronize_session": False},
    )
