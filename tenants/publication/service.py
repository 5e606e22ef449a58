"""Gathers what a school has published, and says what is missing: on its own to-do list and in its report."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, or_, select

from core.base import clock
from core.base.clock import school_time
from core.billing.models import FundStatement
from core.billing.refunds import owed_back
from core.db.uow import UnitOfWork
from core.enrollment import menu_service, plan_service
from core.enrollment.models import Offering
from core.enrollment.plan_check import sections_named
from core.enrollment.plan_schemas import PlanContent
from core.enrollment.views import OfferingView
from core.lessons.models import Lesson
from core.notices.models import Notice
from core.policy import service as policy
from core.policy.service import EffectivePack
from core.terms.models import Term
from core.terms.service import NoTerm, current_term
from tenants.publication.duties import Duty, Facts, duties

TOLD = ("publication.before_choice", "publication.catalogue", "publication.family_duties")
ACCOUNTS = ("publication.accounts_each_term", "publication.spending_regularly", "publication.accounts_yearly")
MENU = (*TOLD, "publication.menu_before_term", "publication.timetable_first", "publication.channels")


async def of_school(uow: UnitOfWork) -> list[Duty]:
    """Every publication that the school's documents demand, as it stands today; nothing before there is a term."""
    today = clock.today()
    try:
        term = await current_term(uow)
    except NoTerm:
        return []
    pack = policy.effective(uow)
    return duties(pack, await gather(uow, pack, term, today), today)


async def missing(uow: UnitOfWork) -> int:
    """How many the school has still to do: the badge of its to-do list."""
    return sum(duty.missing for duty in await of_school(uow))


async def broken(uow: UnitOfWork) -> int:
    """How many are missing or came too late: what the bureau is told."""
    return sum(duty.broken for duty in await of_school(uow))


async def gather(uow: UnitOfWork, pack: EffectivePack, term: Term, today: date) -> Facts:
    """What the system knows of what was published. Only what the pack's questions need is read: the count of what is
    missing stands on every page of the desk."""

    def wanted(*rules: str) -> bool:
        return any(pack.speaks_of(rule) for rule in rules)

    plan_on, told = await _plan(uow, term.id) if wanted("publication.plan", *TOLD) else (None, set[str]())
    menu = await menu_service.menu_of(uow, term.id) if wanted(*MENU) else None
    menu_on = school_time(menu.published_at).date() if menu and menu.published_at else None
    statements = await _statements(uow) if wanted(*ACCOUNTS, *TOLD) else ()
    if wanted(*TOLD):
        told |= _told(menu, await menu_service.on_menu(uow, term.id)) if menu is not None and menu_on else set()
        told |= {"spending"} if statements else set()
    channels = frozenset[str]()
    if wanted("publication.channels"):
        channels = await _channels(uow, today, on_platform=menu_on is not None)
    terms = (await uow.session.execute(select(Term).order_by(Term.starts_on))).scalars().all()
    over = [t for t in terms if t.ends_on < today]
    return Facts(
        starts_on=term.starts_on,
        plan_on=plan_on,
        menu_on=menu_on,
        told=frozenset(told),
        channels=channels,
        late_items=await _late_items(uow, term.id) if wanted("publication.timetable_first") else 0,
        statements=statements,
        ended=(over[-1].starts_on, over[-1].ends_on) if over else None,
        first_day=terms[0].starts_on if terms else None,
        owed_back=len(await owed_back(uow, over[-1].id)) if over else 0,
    )


async def _plan(uow: UnitOfWork, term_id: UUID) -> tuple[date | None, set[str]]:
    """When the plan that families see was shown, and the parts that it says something about."""
    shown = await plan_service.shown_plan(uow, term_id)
    if shown is None:
        return None, set()
    plan, version = shown
    on = school_time(plan.published_at).date() if plan.published_at else None
    return on, set(sections_named(PlanContent.model_validate(version.content))) if on else set()


def _told(menu: Any, views: list[OfferingView]) -> set[str]:
    """What the published menu tells of every item on it. What it costs always stands there: without a posted price
    nothing can be published."""
    timed = [v for v in views if v.kind not in ("lunch", "insurance")]
    said = {
        "times": all(v.periods for v in timed),
        "timetable": all(v.periods for v in timed),
        "contents": all(v.content or v.summary for v in timed),
        "places": all(v.room_id for v in timed),
        "teachers": all(v.teacher_id or v.vendor_id for v in timed),
        "mode": bool(menu.mode),
        "safety": bool(menu.safety),
    }
    return {"fees", *(name for name, there in said.items() if there and timed)} if views else set()


async def _channels(uow: UnitOfWork, today: date, *, on_platform: bool) -> frozenset[str]:
    """Where what stands on the board was shown; families read the menu itself on this platform."""
    query = select(Notice.channels).where(
        Notice.state == "published", or_(Notice.shown_to.is_(None), Notice.shown_to >= today)
    )
    rows = (await uow.session.execute(query)).scalars().all()
    used = {str(channel) for channels in rows for channel in channels}
    return frozenset(used | ({"home_school_platform"} if on_platform else set()))


async def _late_items(uow: UnitOfWork, term_id: UUID) -> int:
    """Items of which a lesson lies on or before the day on which families could first read of them."""
    query = (
        select(Offering.published_at, func.min(Lesson.day))
        .join(Lesson, (Lesson.tenant_id == Offering.tenant_id) & (Lesson.offering_id == Offering.id))
        .where(Offering.term_id == term_id, Offering.published_at.is_not(None))
        .group_by(Offering.id, Offering.published_at)
    )
    rows = (await uow.session.execute(query)).all()
    return sum(first <= school_time(published_at).date() for published_at, first in rows if published_at)


async def _statements(uow: UnitOfWork) -> tuple[tuple[date, date, date], ...]:
    query = select(Term.starts_on, Term.ends_on, FundStatement.published_at).join(
        FundStatement, (FundStatement.tenant_id == Term.tenant_id) & (FundStatement.term_id == Term.id)
    )
    rows = (await uow.session.execute(query.order_by(FundStatement.published_at))).all()
    return tuple((first, last, school_time(at).date()) for first, last, at in rows)
