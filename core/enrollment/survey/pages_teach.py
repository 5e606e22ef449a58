"""The class teacher: who of the own class has answered, reminders, and answers told on paper or by phone (R-086)."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from core.base.context import TenantContext
from core.base.errors import KehouError, NotFound
from core.base.text import gettext as _
from core.base.text import ngettext
from core.db.uow import UnitOfWork
from core.enrollment.draw.classes import priority_rule
from core.enrollment.survey import results, service
from core.enrollment.survey.models import NeedSurvey
from core.enrollment.survey.pages_home import ask, given_of, initial_of
from core.enrollment.survey.results import Pupil
from core.enrollment.survey.schemas import KeyedForm
from core.enrollment.survey.states import OF_CLASS
from core.people.service import class_ids_taught
from core.terms.service import NoTerm, current_term
from core.web.access import access
from core.web.forms import Form
from core.web.page import page, redirect

TEACHER = access(OF_CLASS, face="teach")
BASE = "/t/{tenant:str}/teach/survey"


async def _survey(uow: UnitOfWork) -> NeedSurvey | None:
    try:
        row = await service.survey_of(uow, (await current_term(uow)).id)
    except NoTerm:
        return None
    return row if row is not None and row.state != "draft" else None


async def _pupils(uow: UnitOfWork, row: NeedSurvey) -> list[Pupil]:
    return await results.pupils(uow, row.id, await class_ids_taught(uow))


@get(BASE, opt=TEACHER)
async def index(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """The own class: those without an answer first."""
    row = await _survey(uow)
    return await page(
        request,
        "enrollment/survey/teach.html",
        uow,
        row=row,
        open=service.is_open(row),
        pupils=await _pupils(uow, row) if row else [],
    )


@get(BASE + "/{student_id:uuid}", opt=TEACHER)
async def one(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], student_id: FromPath[UUID]
) -> Response[str]:
    """Key in one child's answer."""
    return await _one_page(request, uow, student_id)


async def _one_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    student_id: UUID,
    form: Form[KeyedForm] | None = None,
) -> Response[str]:
    row = await _survey(uow)
    pupil = next((p for p in await _pupils(uow, row) if p.id == student_id), None) if row else None
    if row is None or pupil is None:
        raise NotFound()
    if form is None:
        initial = initial_of(pupil.answer, student_id)
        if pupil.answer is not None and pupil.answer.source != "app":
            initial["source"] = pupil.answer.source
        form = Form.blank(KeyedForm, initial)
    ask(form, row)
    return await page(
        request,
        "enrollment/survey/teach_answer.html",
        uow,
        status=form.status,
        row=row,
        open=service.is_open(row),
        pupil=pupil,
        form=form,
        rule=priority_rule(uow, {pupil.grade}),
    )


@post(BASE + "/{student_id:uuid}", opt=TEACHER, status_code=200)
async def key_in(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    student_id: FromPath[UUID],
) -> Response[Any]:
    """Keep what the family told."""
    row = await _survey(uow)
    if row is None:
        raise NotFound()
    form = await Form.from_request(KeyedForm, request)
    if form:
        async with form.attempt(uow):
            await service.key_in(uow, row.id, student_id, given_of(form.value), form.value.source)
            return redirect(f"/t/{ctx.slug}/teach/survey", flash=_("已录入"))
    return await _one_page(request, uow, student_id, form)


@post(BASE + "/remind", opt=TEACHER, status_code=200)
async def remind(uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]) -> Response[Any]:
    """Remind the families of the own class that have not answered."""
    back = f"/t/{ctx.slug}/teach/survey"
    row = await _survey(uow)
    if row is None:
        raise NotFound()
    try:
        told = await service.remind_my_class(uow, row.id)
    except KehouError as refused:
        if refused.status in (401, 403, 404):
            raise
        return redirect(back, flash=refused.message, level="bad")
    if not told:
        return redirect(back, flash=_("今天已经提醒过，或没有未答的家庭"), level="info")
    return redirect(back, flash=ngettext("已提醒 %(num)s 位家长", "已提醒 %(num)s 位家长", told))


async def badge(uow: UnitOfWork) -> int:
    """How many children of the own class are without an answer while the survey runs."""
    row = await _survey(uow)
    if row is None or not service.is_open(row):
        return 0
    return await results.silent(uow, row.id, await class_ids_taught(uow))


HANDLERS = (index, remind, one, key_in)
