"""The office picks a day and sees what families saw then; and the list of who must act after a change."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from sqlalchemy import select

from core.base import clock
from core.db.uow import UnitOfWork
from core.enrollment.shown import service
from core.enrollment.states import AGREEMENT
from core.enrollment.words import SAY
from core.people.models import Student
from core.people.service import student, students_by_id
from core.policy import service as policy
from core.terms.service import NoTerm, current_term
from core.web.access import access
from core.web.i18n import class_name
from core.web.page import page

READ = access("application.read", "application.approve", face="desk")


@get("/t/{tenant:str}/desk/texts", opt=READ)
async def on_a_day(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    day: FromQuery[date | None] = None,
    name: FromQuery[str] = "",
    child: FromQuery[UUID | None] = None,
) -> Response[str]:
    """The letter of a day; with a child, what the family had read and its agreements as they stood."""
    asked = min(day or clock.today(), clock.today())
    term = await current_term(uow)
    pupil = await student(uow, child) if child else None
    found = []
    if name.strip() and pupil is None:
        query = select(Student.id).where(Student.name.contains(name.strip()[:40], autoescape=True))
        ids = list((await uow.session.execute(query.order_by(Student.name_sort).limit(20))).scalars())
        known = await students_by_id(uow, ids)
        found = [(known[i], class_name(known[i].grade, known[i].class_number)) for i in ids]
    return await page(
        request,
        "enrollment/shown/day.html",
        uow,
        day=asked,
        name=name.strip()[:40],
        found=found,
        pupil=pupil,
        letters=await service.letters_on(uow, term.id, asked),
        agreements=await service.agreements_on(uow, pupil.id, asked) if pupil else [],
        readings=await service.readings_on(uow, pupil.id, asked) if pupil else [],
        machine=AGREEMENT,
    )


@get("/t/{tenant:str}/desk/renewals", opt=READ)
async def renewals(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """After a text or the rules changed in mid-term: whose signature is missing, which items must be changed."""
    term = await current_term(uow)
    return await page(
        request,
        "enrollment/shown/renewals.html",
        uow,
        waiting=await service.renewals(uow, term.id),
        touched=await service.touched(uow, term.id),
        pack=policy.effective(uow).pack,
        **SAY,
    )


async def badge(uow: UnitOfWork) -> int:
    """Families whose signature under the present text is missing."""
    try:
        return await service.count_renewals(uow, (await current_term(uow)).id)
    except NoTerm:
        return 0


HANDLERS = (on_a_day, renewals)
