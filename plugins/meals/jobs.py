"""At the cut-off the day's number of meals is fixed, so that kitchen, school and caterer speak of one number."""

from __future__ import annotations

from core.api import Delivery, RetryLater, now, today
from core.api.terms import NoTerm, current_term
from plugins.meals import days


async def close_day(job: Delivery) -> None:
    """The job "meals.close_day": close today's count; comes back when the school's own cut-off is later."""
    uow = job.uow
    try:
        lunch = await days.lunch_of(uow, (await current_term(uow)).id)
    except NoTerm:
        return
    if lunch is None:
        return
    day = today()
    until = await days.cutoff(uow, day)
    wait = int((until - now()).total_seconds())
    if wait > 0:
        raise RetryLater(wait + 1, "the day may still be cancelled")
    await days.close_count(uow, lunch, day)
