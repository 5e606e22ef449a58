"""The class teacher's phone: one missing child, whom to call, what was said, what came of it (R-222 to R-225)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from core.base.context import TenantContext
from core.base.errors import NotFound
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.lessons import absences
from core.lessons.pages_teach import TEACH
from core.lessons.schemas import ContactForm
from core.lessons.states import ABSENCE
from core.people.service import class_ids_taught, collectors, relation_name
from core.web.access import access
from core.web.forms import Form
from core.web.page import page, redirect


@get("/t/{tenant:str}/teach/absences/{case_id:uuid}", opt=access(TEACH))
async def show_absence(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], case_id: FromPath[UUID]
) -> Response[str]:
    """One missing child of my class: whom to call, what was said."""
    return await _absence_page(request, uow, case_id, Form.blank(ContactForm))


async def _absence_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, case_id: UUID, form: Form[ContactForm], status: int = 200
) -> Response[str]:
    found = await absences.listed(
        uow,
        states=tuple(ABSENCE.states),
        class_ids=await class_ids_taught(uow),
        case_id=case_id,
        with_contacts=True,
    )
    if not found:
        raise NotFound()
    case = found[0]
    return await page(
        request,
        "lessons/absence.html",
        uow,
        status=status,
        case=case,
        people=await _guardians(uow, case.student.id),
        form=form,
        states=ABSENCE,
        said=relation_name,
        open_states=absences.OPEN,
        subject=None,
    )


async def _guardians(uow: UnitOfWork, student_id: UUID) -> list[Any]:
    return [c for c in await collectors(uow, student_id) if c.key.startswith("guardian:")]


@post("/t/{tenant:str}/teach/absences/{case_id:uuid}", opt=access(TEACH), status_code=200)
async def follow_absence(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    case_id: FromPath[UUID],
) -> Response[Any]:
    """Log a contact, or close the case with its cause."""
    form = await Form.from_request(ContactForm, request)
    if not await absences.listed(uow, class_ids=await class_ids_taught(uow), case_id=case_id):
        raise NotFound()
    if form:
        async with form.attempt(uow):
            await follow(uow, case_id, form.value)
            return redirect(f"/t/{ctx.slug}/teach", flash=_("已记录"))
    return await _absence_page(request, uow, case_id, form, status=422)


async def follow(uow: UnitOfWork, case_id: UUID, given: ContactForm) -> None:
    """What teacher and office do alike."""
    if given.outcome == "contact":
        await absences.contact(uow, case_id, given.words)
    else:
        await absences.explain(uow, case_id, given.words, incident=given.outcome == "report", told=given.told)


HANDLERS = (show_absence, follow_absence)
