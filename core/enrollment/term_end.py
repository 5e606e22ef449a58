"""What a term's closing does here: lists and enrolments are completed, applications still open lapse, items end."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from core.base.text import gettext as _
from core.db.states import Machine
from core.db.uow import UnitOfWork
from core.enrollment.models import Agreement, Application, Enrolment, Offering
from core.enrollment.plan_models import ServicePlan
from core.enrollment.plan_states import PLAN
from core.enrollment.states import AGREEMENT, APPLICATION, ENROLMENT, OFFERING
from core.enrollment.waiting.carrying import end_lists
from core.terms.models import Term

OPEN = ("informed", "submitted", "steered", "class_reviewed", "approved", "agreement_pending")
"""Applications that nobody decided: with the term they lapse."""

CHUNK = 300

_ENDS: tuple[tuple[Machine, Any, tuple[str, ...], str], ...] = (
    (APPLICATION, Application, ("enrolled",), "complete"),
    (APPLICATION, Application, OPEN, "cancel"),
    (OFFERING, Offering, ("published", "open_for_choice", "running", "suspended"), "finish"),
    (PLAN, ServicePlan, ("published", "in_force", "amended"), "close"),
)


async def undecided(uow: UnitOfWork, term_id: UUID) -> int:
    """Applications of a term that are still open."""
    query = select(func.count()).select_from(Application)
    query = query.where(Application.term_id == term_id, Application.state.in_(OPEN))
    return int((await uow.session.execute(query)).scalar_one())


async def end_chunk(uow: UnitOfWork, term: Term) -> int:
    """End the next rows of a term that is being closed; how many, 0 when none is left."""
    waited = await end_lists(uow, term)
    if waited:
        return waited
    query = select(Enrolment).where(Enrolment.term_id == term.id, Enrolment.state == "enrolled")
    enrolments = (await uow.session.execute(query.limit(CHUNK).with_for_update())).scalars().all()
    for row in enrolments:
        await ENROLMENT.transition(uow, row, "complete")
        row.ends_on = row.ends_on or max(term.ends_on, row.starts_on)
    if enrolments:
        await uow.session.flush()
        return len(enrolments)
    agreements = (
        select(Agreement)
        .join(Application, (Application.id == Agreement.application_id))
        .where(Application.term_id == term.id, Agreement.state.in_(("in_force", "offered")))
    )
    signed = (await uow.session.execute(agreements.limit(CHUNK).with_for_update(of=Agreement))).scalars().all()
    for agreement in signed:
        await AGREEMENT.transition(uow, agreement, "end")
    if signed:
        await uow.session.flush()
        return len(signed)
    for machine, model, states, event in _ENDS:
        found = select(model).where(model.term_id == term.id, model.state.in_(states))
        rows = (await uow.session.execute(found.limit(CHUNK).with_for_update())).scalars().all()
        for one in rows:
            payload = {"term": term.code} if machine is PLAN else {"term": term.id}
            await machine.transition(uow, one, event, reason=_("学期结束"), payload=payload)
        if rows:
            await uow.session.flush()
            return len(rows)
    return 0
