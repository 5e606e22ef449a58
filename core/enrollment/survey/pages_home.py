"""Guardians on the phone: the term's need survey for one child, to be changed until it ends."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery

from core.base.context import TenantContext
from core.base.errors import NotFound
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment.draw.classes import priority_rule
from core.enrollment.survey import service
from core.enrollment.survey.models import NeedSurvey, SurveyAnswer
from core.enrollment.survey.schemas import AnswerForm
from core.enrollment.survey.service import Given
from core.people.service import StudentView, my_children
from core.policy.vocab import KINDS as CONTENT_KINDS
from core.terms.service import NoTerm, current_term
from core.web.access import access
from core.web.forms import Form
from core.web.page import page, redirect

GUARDIAN = access("enrollment.apply", face="home")


def initial_of(known: SurveyAnswer | None, child: UUID) -> dict[str, Any]:
    """What the form shows: the answer as it stands; nothing is ticked beforehand."""
    if known is None:
        return {"child": child}
    names = ("weekdays", "kinds", "segment", "extra_care", "priority", "words")
    return {"child": child, "wants": "yes" if known.wants else "no", **{name: getattr(known, name) for name in names}}


def ask(form: Form[Any], row: NeedSurvey) -> None:
    """Put the survey's own choices into the form."""
    form.choose("kinds", [(kind, str(CONTENT_KINDS.label(kind))) for kind in row.kinds])
    form.choose("segment", [(segment, segment) for segment in row.segments])


def given_of(sent: AnswerForm) -> Given:
    return Given(
        wants=sent.wants == "yes",
        weekdays=tuple(sent.weekdays),
        kinds=tuple(sent.kinds),
        segment=sent.segment,
        extra_care=sent.extra_care,
        priority=sent.priority,
        words=sent.words,
    )


async def _survey(uow: UnitOfWork) -> NeedSurvey | None:
    try:
        row = await service.survey_of(uow, (await current_term(uow)).id)
    except NoTerm:
        return None
    return row if row is not None and row.state != "draft" else None


async def _child(uow: UnitOfWork, child_id: UUID | None) -> tuple[StudentView, list[StudentView]]:
    children = await my_children(uow)
    child = next((c for c in children if child_id in (None, c.id)), None)
    if child is None:
        raise NotFound()
    return child, children


@get("/t/{tenant:str}/home/survey", opt=GUARDIAN)
async def show(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], child: FromQuery[UUID | None] = None
) -> Response[str]:
    """The survey for one child; without a name, the first one that has no answer yet."""
    row = await _survey(uow)
    if row is not None and child is None:
        open_ = [c.id for c in await my_children(uow) if await service.answer_of(uow, row.id, c.id) is None]
        child = open_[0] if open_ else None
    return await _page(request, uow, row, child)


async def _page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    row: NeedSurvey | None,
    child_id: UUID | None,
    form: Form[AnswerForm] | None = None,
) -> Response[str]:
    child, children = await _child(uow, child_id)
    known = await service.answer_of(uow, row.id, child.id) if row else None
    form = Form.blank(AnswerForm, initial_of(known, child.id)) if form is None else form
    if row is not None:
        ask(form, row)
    return await page(
        request,
        "enrollment/survey/home.html",
        uow,
        status=form.status,
        row=row,
        open=service.is_open(row),
        child=child,
        children=children,
        known=known,
        form=form,
        rule=priority_rule(uow, {child.grade}),
        labels={kind: str(CONTENT_KINDS.label(kind)) for kind in row.kinds} if row else {},
    )


@post("/t/{tenant:str}/home/survey", opt=GUARDIAN, status_code=200)
async def send(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Answer for one child; the same answer again changes nothing."""
    row = await _survey(uow)
    form = await Form.from_request(AnswerForm, request)
    sent = str(form.data.get("child") or "")
    try:
        child = UUID(sent)
    except ValueError:
        raise NotFound() from None
    if row is None:
        raise NotFound()
    if form:
        async with form.attempt(uow):
            await service.answer(uow, row.id, child, given_of(form.value))
            return redirect(f"/t/{ctx.slug}/home/survey?child={child}", flash=_("已提交，谢谢！截止前可以修改"))
    return await _page(request, uow, row, child, form)


HANDLERS = (show, send)
