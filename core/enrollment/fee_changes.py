"""A fee standard that replaces another reaches the families whose children are in what it prices."""

from __future__ import annotations

from datetime import date

from sqlalchemy import select

from core.base import clock
from core.db.delivery import Delivery
from core.enrollment.announce import SHOWN
from core.enrollment.fee_told import Price, tell
from core.enrollment.offerings_service import offerings
from core.terms.models import Term


async def on_standard(job: Delivery) -> None:
    """Subscriber of "fees.standard_in_force": {service, now, before, starts_on}; nothing where none was in force."""
    told = job.payload
    old, new = Price.read(told.get("before")), Price.read(told.get("now"))
    if old is None or new is None or old == new:
        return
    since = date.fromisoformat(told["starts_on"])
    terms = await job.uow.session.execute(select(Term.id).where(Term.ends_on >= clock.today()))
    for term_id in terms.scalars().all():
        for view in await offerings(job.uow, term_id, states=SHOWN):
            if view.service == told["service"]:
                await tell(job.uow, view, old, new, since, f"fee/{job.id}")
