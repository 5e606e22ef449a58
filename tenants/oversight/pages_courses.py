"""The bureau's pages of offerings under review: the queue, one offering, passing and returning."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base.errors import KehouError
from core.base.text import gettext as _
from core.db.idempotency import once
from core.db.states import history
from core.db.uow import UnitOfWork
from core.enrollment.vetting.documents import OfferingContent
from core.enrollment.words import grades_line, kind_title
from core.policy.vocab import KINDS, PROVIDERS
from core.terms.service import term_title
from core.web.access import access
from core.web.forms import KEY, Form
from core.web.markup import Pager
from core.web.page import page, redirect
from tenants.oversight import courses
from tenants.oversight.models import ReceivedOffering
from tenants.oversight.pages import Return
from tenants.oversight.states import COURSE, READ, REVIEW, tone

BASE = "/t/{tenant:str}/bureau/courses"
SIZE = 20


@get(BASE, opt=access(READ, face="bureau"))
async def index(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    show: FromQuery[str] = "",
    at: FromQuery[int] = 1,
) -> Response[str]:
    """The queue: offerings that wait, then those decided."""
    chosen = show if show in COURSE.states else ""
    start = Pager(0, max(1, at), SIZE, {"show": chosen}, "at").offset
    total, rows = await courses.listed(uow, state=chosen, offset=start, size=SIZE)
    return await page(
        request,
        "oversight/courses.html",
        uow,
        rows=rows,
        pager=Pager(total, max(1, at), SIZE, {"show": chosen}, "at"),
        show=chosen,
        waiting=await courses.waiting(uow),
        states={name: COURSE.title(name) for name in COURSE.states},
        tone=tone,
        term_title=term_title,
    )


@get(BASE + "/{course_id:uuid}", opt=access(READ, face="bureau"))
async def show(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], course_id: FromPath[UUID]
) -> Response[str]:
    """One offering as the school sent it, its rounds, and the decision."""
    return await _page(request, uow, await uow.get(ReceivedOffering, course_id), Form.blank(Return))


async def _page(
    request: Request[Any, Any, Any], uow: UnitOfWork, row: ReceivedOffering, form: Form[Return], status: int = 200
) -> Response[str]:
    content = OfferingContent.model_validate(row.content)
    return await page(
        request,
        "oversight/course.html",
        uow,
        status=status,
        row=row,
        content=content,
        kind=kind_title(content.kind),
        grades=grades_line(content.grades),
        kinds=[str(KINDS.label(kind)) for kind in content.content if kind in KINDS.labels],
        provider=str(PROVIDERS.label(content.provider)) if content.provider in PROVIDERS.labels else content.provider,
        state=COURSE.title(row.state),
        machine=COURSE,
        tone=tone,
        waits=row.state == "received" and uow.ctx.may(REVIEW),
        rounds=await courses.rounds_of(uow, row),
        moves=await history(uow, COURSE, row.id),
        term_name=term_title(row.term_code),
        form=form,
    )


@post(BASE + "/{course_id:uuid}/pass", opt=access(REVIEW, face="bureau"), status_code=200)
async def pass_course(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], course_id: FromPath[UUID]
) -> Response[Any]:
    """Pass it; the same form sent twice passes once."""
    sent = await request.form()

    async def act() -> Mapping[str, Any]:
        return {"number": (await courses.decide(uow, course_id, passed=True)).number}

    path = f"/t/{uow.ctx.slug}/bureau/courses/{course_id}"
    try:
        async with uow.session.begin_nested():
            said = await once(uow, "course.pass", str(sent.get(KEY, "")), {"course": course_id}, act)
    except KehouError as refused:
        if refused.status in (401, 403, 404):
            raise
        return redirect(path, flash=refused.message, level="bad")
    return redirect(path, flash=_("已通过，文号 %(number)s，学校会收到通知", number=said["number"]))


@post(BASE + "/{course_id:uuid}/return", opt=access(REVIEW, face="bureau"), status_code=200)
async def return_course(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], course_id: FromPath[UUID]
) -> Response[Any]:
    """Send it back with a reason."""
    row = await uow.get(ReceivedOffering, course_id)
    form = await Form.from_request(Return, request)
    if form:
        async with form.attempt(uow):
            await courses.decide(uow, course_id, passed=False, reason=form.value.reason)
            done = _("已退回%(school)s，理由已告知学校", school=row.school_name)
            return redirect(f"/t/{uow.ctx.slug}/bureau/courses", flash=done)
    await uow.session.refresh(row)
    return await _page(request, uow, row, form, status=422)


HANDLERS = (index, show, pass_course, return_course)
