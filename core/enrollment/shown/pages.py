"""The office picks a day and sees what families saw then; and the list of who must act after a change."""

from __future__ import annotations

from datetime import date
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from sqlalchemy import select

from core.base import clock
from core.base.errors import NotFound
from core.db.uow import UnitOfWork
from core.enrollment.shown import service
from core.enrollment.states import AGREEMENT
from core.enrollment.words import SAY
from core.people.models import Student
from core.people.service import student, students_by_id
from core.policy import service as policy
from core.terms.service import NoTerm, current_term, term_title, terms
from core.web.access import access
from core.web.i18n import class_name
from core.web.markup import Pager
from core.web.page import page

SIZE = 30
READ = access("application.read", "application.approve", face="desk")


@get("/t/{tenant:str}/desk/texts", opt=READ)
async def on_a_day(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    day: FromQuery[date | None] = None,
    name: FromQuery[str] = "",
    child: FromQuery[UUID | None] = None,
    term: FromQuery[str] = "",
) -> Response[str]:
    """The letters of a day, of the terms that ran or were to come, or of one `term` (an id), past ones too; with a
    child, what the family had read and its agreements as they stood."""
    known = await terms(uow)
    chosen = next((row for row in known if str(row.id) == term), None)
    if term and chosen is None:
        raise NotFound()
    latest = min(clock.today(), chosen.ends_on) if chosen else clock.today()
    asked = min(day or latest, clock.today())
    pupil = await student(uow, child) if child else None
    found = []
    if name.strip() and pupil is None:
        query = select(Student.id).where(Student.name.contains(name.strip()[:40], autoescape=True))
        ids = list((await uow.session.execute(query.order_by(Student.name_sort).limit(20))).scalars())
        pupils = await students_by_id(uow, ids)
        found = [(pupils[i], class_name(pupils[i].grade, pupils[i].class_number)) for i in ids]
    shown = [chosen] if chosen else await service.terms_on(uow, asked)
    query_string = {"day": asked.isoformat()} | ({"term": term} if chosen else {})
    return await page(
        request,
        "enrollment/shown/day.html",
        uow,
        day=asked,
        name=name.strip()[:40],
        found=found,
        pupil=pupil,
        term=term,
        terms=[(str(row.id), term_title(row.code)) for row in known],
        here=urlencode(query_string),
        letters=[
            (term_title(row.code), seen) for row in shown for seen in await service.letters_on(uow, row.id, asked)
        ],
        agreements=await service.agreements_on(uow, pupil.id, asked) if pupil else [],
        readings=await service.readings_on(uow, pupil.id, asked) if pupil else [],
        machine=AGREEMENT,
    )


@get("/t/{tenant:str}/desk/renewals", opt=READ)
async def renewals(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], at: FromQuery[int] = 1
) -> Response[str]:
    """After a text or the rules changed in mid-term: whose signature is missing, which items must be changed."""
    term = await current_term(uow)
    pager = Pager(await service.count_renewals(uow, term.id), max(1, at), SIZE, param="at")
    return await page(
        request,
        "enrollment/shown/renewals.html",
        uow,
        waiting=await service.renewals(uow, term.id, SIZE, pager.offset),
        pager=pager,
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
