"""A school's figures for its bureau: counts and states, never a name, never a sentence that somebody typed."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, distinct, func, select

from core.api import Figure, UnitPrice
from core.base import clock
from core.base.text import gettext as _
from core.base.text import in_locale
from core.db.uow import UnitOfWork
from core.enrollment.models import Application, ApplicationItem, Enrolment, Offering, OfferingSeats
from core.enrollment.plan_service import plan_of
from core.enrollment.states import ON_MENU
from core.enrollment.waiting.lists import tallies
from core.lessons.models import Lesson
from core.notices.models import Notice
from core.people.models import Student
from tenants.publication import service as publication

TAKING_PART: Final = ("enrolled", "completed")
"""Enrolments that count: what a closed term completed was taken part in, as on the school's own board."""

NO_CLAUSE: Final = "-"
"""Refusals that name no clause are counted together: the words of the reason stay in the school."""


async def collect(uow: UnitOfWork, term_id: UUID) -> dict[str, Any]:
    """All figures of one term. Money is in fen, everything else counts whole things."""
    plan = await plan_of(uow, term_id)
    states = await _counted(uow, select(Application.state, func.count()).where(Application.term_id == term_id), 1)
    kinds = await _counted(
        uow,
        select(Offering.kind, func.count(distinct(Enrolment.student_id)))
        .join(Offering, (Offering.tenant_id == Enrolment.tenant_id) & (Offering.id == Enrolment.offering_id))
        .where(Enrolment.term_id == term_id, Enrolment.state.in_(TAKING_PART)),
        1,
    )
    refused = (
        select(func.coalesce(func.nullif(ApplicationItem.clause, ""), NO_CLAUSE).label("clause"), func.count())
        .join(
            Application,
            (Application.tenant_id == ApplicationItem.tenant_id) & (Application.id == ApplicationItem.application_id),
        )
        .where(Application.term_id == term_id, ApplicationItem.state == "refused")
    )
    refusals = {str(c)[:80]: n for c, n in (await uow.session.execute(refused.group_by("clause"))).all()}
    lessons = await _counted(uow, select(Lesson.state, func.count()).where(Lesson.term_id == term_id), 1)
    return {
        "plan": {
            "state": plan.state if plan else "",
            "version": plan.version if plan else 0,
            "number": plan.filing_number if plan else "",
        },
        "pupils": await _one(uow, select(func.count()).select_from(Student).where(Student.left_at.is_(None))),
        "applications": states,
        "enrolled": await _one(uow, _enrolled(term_id)),
        "enrolled_by_kind": kinds,
        "refusals": refusals,
        "refused": sum(refusals.values()),
        "unmet": await _one(uow, _unmet(term_id)),
        "lessons": lessons,
        **await _menu(uow, term_id),
        "posted": await _posted(uow),
        **await _priced(uow, term_id),
        "more": await _more(uow, term_id),
    }


def _enrolled(term_id: UUID) -> Select[Any]:
    return select(func.count(distinct(Enrolment.student_id))).where(
        Enrolment.term_id == term_id, Enrolment.state.in_(TAKING_PART)
    )


def _unmet(term_id: UUID) -> Select[Any]:
    """Children of whom something was refused, who take part in nothing and have no application on its way (R-024).

    Narrower than the school's own 尚未满足 (core.enrollment.figures), which also holds whoever only said so in the
    survey and whatever is being dealt with: the bureau looks for refusals that led to nothing.
    """
    taking_part = select(Enrolment.student_id).where(Enrolment.term_id == term_id, Enrolment.state.in_(TAKING_PART))
    refused = (
        select(Application.student_id)
        .join(
            ApplicationItem,
            (ApplicationItem.tenant_id == Application.tenant_id) & (ApplicationItem.application_id == Application.id),
        )
        .where(Application.term_id == term_id, ApplicationItem.state == "refused")
    )
    open_again = select(Application.student_id).where(
        Application.term_id == term_id,
        Application.state.in_(("submitted", "class_reviewed", "steered", "approved", "agreement_pending")),
    )
    return select(func.count(distinct(Student.id))).where(
        Student.left_at.is_(None),
        Student.id.in_(refused),
        Student.id.not_in(taking_part),
        Student.id.not_in(open_again),
    )


async def _menu(uow: UnitOfWork, term_id: UUID) -> dict[str, int]:
    """What is on the menu. `taken` counts places of offerings with a limit (`seats`), so that the two compare;
    `unlimited` counts the children who take part where there is none."""
    limited = OfferingSeats.capacity.is_not(None)
    query = (
        select(func.count(), func.sum(OfferingSeats.capacity), func.sum(OfferingSeats.taken).filter(limited))
        .select_from(Offering)
        .join(OfferingSeats, (OfferingSeats.tenant_id == Offering.tenant_id) & (OfferingSeats.id == Offering.id))
        .where(Offering.term_id == term_id, Offering.state.in_(ON_MENU))
    )
    offered, seats, taken = (await uow.session.execute(query)).one()
    unlimited = (
        select(func.count(distinct(Enrolment.student_id)))
        .join(
            OfferingSeats,
            (OfferingSeats.tenant_id == Enrolment.tenant_id) & (OfferingSeats.id == Enrolment.offering_id),
        )
        .join(Offering, (Offering.tenant_id == Enrolment.tenant_id) & (Offering.id == Enrolment.offering_id))
        .where(
            Enrolment.term_id == term_id,
            Enrolment.state.in_(TAKING_PART),
            Offering.state.in_(ON_MENU),
            OfferingSeats.capacity.is_(None),
        )
    )
    return {
        "offerings": int(offered),
        "seats": int(seats or 0),
        "taken": int(taken or 0),
        "unlimited": await _one(uow, unlimited),
    }


async def _posted(uow: UnitOfWork) -> dict[str, int]:
    """How many postings of each kind the board shows."""
    return await _counted(uow, select(Notice.kind, func.count()).where(Notice.state == "published"), 1)


async def _priced(uow: UnitOfWork, term_id: UUID) -> dict[str, int]:
    """Services on the menu that cost something, and how many of them have a standard that is approved and posted."""
    query = select(distinct(Offering.service)).where(
        Offering.term_id == term_id, Offering.state.in_(ON_MENU), Offering.service.is_not(None)
    )
    services = tuple(sorted(name for name in (await uow.session.execute(query)).scalars() if name))
    if not services:
        return {"chargeable": 0, "priced": 0}
    prices = await uow.hooks.present("unit_prices", uow.ctx, UnitPrice, uow=uow, services=services, on=clock.today())
    return {"chargeable": len(services), "priced": len({price.service for price in prices} & set(services))}


async def _more(uow: UnitOfWork, term_id: UUID) -> list[dict[str, Any]]:
    """What plugins add; a plugin that fails is left out."""
    with in_locale("zh_CN"):
        shown = await uow.hooks.present("figures", uow.ctx, Figure, uow=uow, term_id=term_id)
        unpublished = await publication.broken(uow)
        shown = [Figure("publication.broken", _("应公开而未公开或公开晚了"), unpublished, _("项")), *shown]
        lists = (await tallies(uow, term_id)).values()
        if lists:
            shown.append(Figure("waiting.children", _("正在候补"), sum(n.waiting for n in lists), _("人次")))
            jumps = sum(many for n in lists for many in n.jumps.values())
            shown.append(Figure("waiting.jumps", _("候补名单提前安排"), jumps, _("次")))
        return [
            {"key": f.key[:60], "title": str(f.title)[:60], "value": int(f.value), "unit": f.unit[:12]} for f in shown
        ][:40]


async def _counted(uow: UnitOfWork, query: Any, by: int) -> dict[str, int]:
    rows = await uow.session.execute(query.group_by(query.selected_columns[0]).order_by(query.selected_columns[0]))
    return {str(row[0]): int(row[by]) for row in rows.all()}


async def _one(uow: UnitOfWork, query: Any) -> int:
    return int((await uow.session.execute(query)).scalar_one() or 0)
