"""What time alone moves: choice opens, offerings run and end, unfinished places lapse, new wordings are offered."""

from __future__ import annotations

from sqlalchemy import select

from core.base import clock
from core.db.delivery import Delivery
from core.enrollment import agreements, departures, menu_service, seats
from core.enrollment.models import Application, Enrolment
from core.enrollment.moved import TURN
from core.enrollment.shown.service import keep_present
from core.enrollment.states import APPLICATION, ENROLMENT
from core.terms.models import Term

__all__ = ["TURN", "turn"]


async def turn(delivery: Delivery) -> None:
    """One pass over a school's menu; a repeated pass finds nothing left to do."""
    uow = delivery.uow
    await departures.look(uow)
    await seats.sweep(uow)
    terms = (await uow.session.execute(select(Term))).scalars().all()
    for term in terms:
        await menu_service.turn(uow, term.id)
        await keep_present(uow, term)
    for term in terms:
        if term.ends_on < clock.today():
            await _complete(delivery, term)
    await agreements.renew_outdated(uow)


async def _complete(delivery: Delivery, term: Term) -> None:
    """R-148: an enrolment lasts one term."""
    uow = delivery.uow
    rows = select(Enrolment).where(Enrolment.term_id == term.id, Enrolment.state == "enrolled").limit(500)
    for row in (await uow.session.execute(rows.with_for_update())).scalars().all():
        await ENROLMENT.transition(uow, row, "complete")
        row.ends_on = term.ends_on
    done = select(Application).where(Application.term_id == term.id, Application.state == "enrolled").limit(500)
    for application in (await uow.session.execute(done.with_for_update())).scalars().all():
        await APPLICATION.transition(uow, application, "complete")
        await agreements.end_agreements(uow, application.id)
