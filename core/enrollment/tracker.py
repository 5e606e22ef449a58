"""The way of one application as its family follows it: each station with its date, and who is to act next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select

from core.base.text import gettext as _
from core.db.states import history
from core.db.uow import UnitOfWork
from core.enrollment.models import Application
from core.enrollment.review import Chain, chain_of
from core.enrollment.states import APPLICATION
from core.people.models import SchoolClass, Staff
from core.people.service import StudentView
from core.web.i18n import fdatetime
from core.web.markup import Step

BAD = ("refused", "withdrawn", "cancelled")


async def stations(uow: UnitOfWork, application: Application | None, child: StudentView) -> list[Step]:
    """The stations of a child's application; those behind it say when, the one it is at says whose turn it is."""
    chain = chain_of(uow)
    if application is None:
        return track(None, chain.by_class, chain.by_school)
    moves = await history(uow, APPLICATION, application.id)
    turn = await _whose_turn(uow, application.state, chain, child)
    return track(application, chain.by_class, chain.by_school, reached_at(moves), turn)


def reached_at(moves: Sequence[Any]) -> dict[str, datetime]:
    """When each state was entered on the present round: a new submission begins anew."""
    when: dict[str, datetime] = {}
    for move in moves:
        if move.event in ("submit", "change"):
            when.clear()
        when[move.target] = move.at
    return when


async def _whose_turn(uow: UnitOfWork, state: str, chain: Chain, child: StudentView) -> str:
    if state in ("steered", "agreement_pending", "informed"):
        return _("等你处理")
    if state == "submitted" and chain.by_class:
        query = (
            select(Staff.name)
            .join(SchoolClass, (SchoolClass.tenant_id == Staff.tenant_id) & (SchoolClass.class_teacher_id == Staff.id))
            .where(SchoolClass.id == child.class_id)
        )
        name = (await uow.session.execute(query)).scalar_one_or_none()
        return _("由班主任%(name)s处理", name=name) if name else _("由学校课后服务办公室处理")
    if state in ("submitted", "class_reviewed", "approved"):
        by_principal = "principal_decision" in chain.steps and state == "class_reviewed"
        return _("由校长审定") if by_principal else _("由学校课后服务办公室处理")
    return ""


def track(
    application: Application | None,
    by_class: bool = True,
    by_school: bool = True,
    when: Mapping[str, datetime] | None = None,
    turn: str = "",
) -> list[Step]:
    """The way of an application through its stations. `when` dates the states it was in; `turn` is whose it is now."""
    state = application.state if application else "informed"
    when = when or {}
    found = [("submitted", _("提交申请"))]
    if by_class:
        found.append(("class_reviewed", _("班主任审核")))
    if by_school:
        found.append(("approved", _("学校核准")))
    found += [("agreement_pending", _("签订协议")), ("enrolled", _("参加服务"))]
    reached = {
        "informed": 0,
        "submitted": 1,
        "steered": 1,
        "class_reviewed": 2 if by_class else 1,
        "approved": len(found) - 2,
        "agreement_pending": len(found) - 2,
        "enrolled": len(found),
        "completed": len(found),
        "refused": 2 if by_school and by_class else 1,
    }.get(state, 0)
    bad = state in BAD
    steps: list[Step] = []
    for number, (key, label) in enumerate(found):
        if number < reached:
            # An agreement is signed when the child takes part: being offered it is not yet the station's end.
            at = when.get("enrolled" if key == "agreement_pending" else key)
            steps.append(Step(label, "done", fdatetime(at) if at else ""))
        elif number == reached and application is not None:
            said = [APPLICATION.title(state), fdatetime(when[state]) if bad and state in when else turn]
            steps.append(Step(label, "now", " · ".join(filter(None, said)), tone="bad" if bad else ""))
        else:
            steps.append(Step(label))
    return steps
