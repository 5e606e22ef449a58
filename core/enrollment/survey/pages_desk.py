"""The school office: the term's need survey, its results by grade and class, reminders, and the way into the plan."""

from __future__ import annotations

from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Redirect

from core.base import clock
from core.base.context import TenantContext
from core.base.errors import KehouError, NotFound
from core.base.text import gettext as _
from core.base.text import ngettext
from core.db.states import history
from core.db.uow import UnitOfWork
from core.enrollment.draw.classes import priority_rule
from core.enrollment.survey import plan_link, results, service
from core.enrollment.survey.models import NeedSurvey
from core.enrollment.survey.schemas import SurveyForm
from core.enrollment.survey.states import MANAGE, SURVEY, TONES
from core.policy.vocab_people import MEANS
from core.terms.models import Term
from core.terms.service import current_term, term_title
from core.web.access import access
from core.web.forms import Form
from core.web.i18n import fdatetime
from core.web.markup import Pager
from core.web.page import page, redirect
from core.web.sheets import download, workbook_of

BASE = "/t/{tenant:str}/desk/survey"
MAY = access(MANAGE, face="desk")
SIZE = 20
USUAL = ("homework", "reading", "sport", "arts", "science", "labour")


def _here(uow: UnitOfWork) -> str:
    return f"/t/{uow.ctx.slug}/desk/survey"


async def _mine(uow: UnitOfWork) -> NeedSurvey:
    row = await service.survey_of(uow, (await current_term(uow)).id)
    if row is None:
        raise NotFound()
    return row


@get(BASE, opt=MAY)
async def show(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], at: FromQuery[int] = 1
) -> Response[str]:
    """The survey with its results; before there is one, what it is for."""
    term = await current_term(uow)
    row = await service.survey_of(uow, term.id)
    if row is None:
        return await page(
            request, "enrollment/survey/desk_none.html", uow, base=_here(uow), term_name=term_title(term.code)
        )
    found = await results.results(uow, row.id)
    page_at = max(1, at)
    said, many = await results.words(uow, row.id, offset=(page_at - 1) * SIZE, limit=SIZE)
    return await page(
        request,
        "enrollment/survey/desk_results.html",
        uow,
        base=_here(uow),
        row=row,
        term_name=term_title(term.code),
        found=found,
        bars=results.bars(row, found),
        chart=results.chart(found),
        grade_rows=[(line.title, line.wanting, line.unwilling, line.silent) for line in found.grades],
        said=said,
        pager=Pager(many, page_at, SIZE, param="at"),
        means=[str(MEANS.label(key)) for key in row.means],
        state=SURVEY.title(row.state),
        tone=TONES.get(row.state, ""),
        open=service.is_open(row),
        moved=await history(uow, SURVEY, row.id),
        titles={s: SURVEY.title(s) for s in SURVEY.states},
        rule=priority_rule(uow, {line.grade for line in found.classes} or {1}),
    )


@get(BASE + "/edit", opt=MAY)
async def edit(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Write the survey, or what of it can still be changed."""
    term = await current_term(uow)
    row = await service.survey_of(uow, term.id)
    if row is None:
        initial: dict[str, Any] = {
            "title": _("%(term)s课后服务意向调查", term=term_title(term.code)),
            "words": _("学校将按各家需要安排课后服务的时间、内容和师资。参加完全自愿，如实填写即可。"),
            "closes_at": clock.at_school(clock.today() + timedelta(days=7), 20),
            "kinds": list(USUAL),
            "segments": "\n".join([_("到 17:30"), _("到 18:00")]),
        }
    else:
        initial = {name: getattr(row, name) for name in ("title", "words", "closes_at", "kinds", "means")}
        initial["segments"] = "\n".join(row.segments)
    return await _form_page(request, uow, Form.blank(SurveyForm, initial), row, term)


async def _form_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    form: Form[SurveyForm],
    row: NeedSurvey | None,
    term: Term,
) -> Response[str]:
    return await page(
        request,
        "enrollment/survey/desk_form.html",
        uow,
        status=form.status,
        form=form,
        row=row,
        base=_here(uow),
        term_name=term_title(term.code),
    )


@post(BASE, opt=MAY, status_code=200)
async def save(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[Any]:
    """Keep the survey; the same form sent twice is one survey, the term has only one."""
    term = await current_term(uow)
    form = await Form.from_request(SurveyForm, request)
    if form:
        sent = form.value
        async with form.attempt(uow):
            await service.save(
                uow,
                term.id,
                title=sent.title,
                words=sent.words,
                closes_at=sent.closes_at,
                kinds=sent.kinds,
                segments=sent.segment_list(),
                means=sent.means,
            )
            return redirect(_here(uow), flash=_("已保存"))
    return await _form_page(request, uow, form, await service.survey_of(uow, term.id), term)


async def _tried(uow: UnitOfWork, deed: Awaitable[Any], done: str) -> Redirect:
    try:
        async with uow.session.begin_nested():
            await deed
    except KehouError as refused:
        if refused.status in (401, 403, 404):
            raise
        return redirect(_here(uow), flash=refused.message, level="bad")
    return redirect(_here(uow), flash=done)


@post(BASE + "/open", opt=MAY, status_code=200)
async def open_(uow: NamedDependency[UnitOfWork]) -> Redirect:
    """Send it to all families."""
    return await _tried(uow, service.open_survey(uow, (await _mine(uow)).id), _("已发给全体家庭"))


@post(BASE + "/close", opt=MAY, status_code=200)
async def close(uow: NamedDependency[UnitOfWork]) -> Redirect:
    """End it before its time."""
    return await _tried(uow, service.close_survey(uow, (await _mine(uow)).id), _("调查已结束"))


@post(BASE + "/remind", opt=MAY, status_code=200)
async def remind(uow: NamedDependency[UnitOfWork]) -> Redirect:
    """Remind those who have not answered."""
    row = await _mine(uow)
    try:
        told = await service.remind(uow, row.id)
    except KehouError as refused:
        return redirect(_here(uow), flash=refused.message, level="bad")
    if not told:
        return redirect(_here(uow), flash=_("今天已经提醒过，或没有未答的家庭"), level="info")
    return redirect(_here(uow), flash=ngettext("已提醒 %(num)s 位家长", "已提醒 %(num)s 位家长", told))


@post(BASE + "/plan", opt=MAY, status_code=200)
async def plan(uow: NamedDependency[UnitOfWork]) -> Redirect:
    """The figures go into the basis of the term's plan."""
    return await _tried(uow, plan_link.into_plan(uow, (await _mine(uow)).id), _("已写入服务方案的「方案依据」"))


@get(BASE + "/sheet", opt=MAY)
async def sheet(uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]) -> Response[bytes]:
    """The results as a workbook: counts alone."""
    row = await _mine(uow)
    found = await results.results(uow, row.id)
    notes = [f"{ctx.name} {row.title}", _("截至 %(at)s", at=fdatetime(clock.now(), "medium"))]
    return download(workbook_of(results.sheets(row, found, notes)), _("意向调查结果") + ".xlsx")


HANDLERS = (show, edit, save, open_, close, remind, plan, sheet)
