"""Levels of children: the office's pages and the teacher's, which differ in whose offerings they show alone."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment.forming.states import MANAGE
from core.enrollment.levels import service
from core.enrollment.levels.errors import NotALevel, NotTakingPart
from core.enrollment.levels.schemas import WordsForm
from core.enrollment.words import when_line
from core.terms.service import NoTerm, current_term
from core.web.access import access
from core.web.forms import Form
from core.web.markup import Pager
from core.web.page import page, redirect

SIZE = 60
SHORT = 6
"""So many characters of all words fit as segments beside a name on a phone."""
DESK, TEACH = access(MANAGE, face="desk"), access(service.OWN, MANAGE, face="teach")
OFFERING = "/{offering_id:uuid}"
Asked = Request[Any, Any, Any]


async def _index(request: Asked, uow: UnitOfWork, face: str, at: int) -> Response[str]:
    try:
        views = await service.mine(uow, (await current_term(uow)).id)
    except NoTerm:
        views = []
    pager = Pager(len(views), max(1, at), SIZE, param="at")
    shown = views[pager.offset : pager.offset + SIZE]
    counts = await service.counts(uow, [view.id for view in shown])
    rows = [(view, when_line(view), *counts.get(view.id, (0, 0))) for view in shown]
    return await page(request, "enrollment/levels/index.html", uow, face=face, rows=rows, pager=pager)


async def _show(
    request: Asked,
    uow: UnitOfWork,
    face: str,
    offering_id: UUID,
    at: int = 1,
    form: Form[WordsForm] | None = None,
    chosen: Mapping[UUID, str] | None = None,
    error: str = "",
) -> Response[str]:
    row = await service.require(uow, offering_id)
    words = await service.words_of(uow, offering_id)
    lines = await service.lines(uow, offering_id)
    pager = Pager(len(lines), max(1, at), SIZE, param="at")
    shown = lines[pager.offset : pager.offset + SIZE]
    return await page(
        request,
        "enrollment/levels/show.html",
        uow,
        status=200 if form is None and not error else 422,
        face=face,
        row=row,
        words=words,
        lines=shown,
        chosen={line.student_id: line.word for line in shown} | dict(chosen or {}),
        error=error,
        short=sum(map(len, words)) <= SHORT,
        missing=sum(not line.word for line in lines),
        total=len(lines),
        past=await service.history(uow, offering_id, [line.student_id for line in shown]),
        pager=pager,
        form=Form.blank(WordsForm, {"words": "\n".join(words or service.DEFAULT)}) if form is None else form,
        sources={"desk": _("办公室"), "teach": _("教师"), "file": _("表格")},
    )


async def _words(request: Asked, uow: UnitOfWork, face: str, offering_id: UUID) -> Response[Any]:
    await service.require(uow, offering_id)
    form = await Form.from_request(WordsForm, request)
    if form:
        async with form.attempt(uow):
            await service.set_words(uow, offering_id, form.value.words.splitlines())
            return redirect(f"/t/{uow.ctx.slug}/{face}/levels/{offering_id}", flash=_("层级用语已保存"))
    return await _show(request, uow, face, offering_id, form=form)


async def _set(request: Asked, uow: UnitOfWork, face: str, offering_id: UUID) -> Response[Any]:
    await service.require(uow, offering_id)
    sent = await request.form()
    at = int(page_) if (page_ := str(sent.get("at", ""))).isdigit() else 1
    given = _given(sent)
    source: service.Source = "desk" if face == "desk" else "teach"
    try:
        async with uow.session.begin_nested():
            changed = await service.set_levels(uow, offering_id, given, source)
    except (NotALevel, NotTakingPart) as refused:
        return await _show(request, uow, face, offering_id, at, chosen=given, error=str(refused.message))
    here = f"/t/{uow.ctx.slug}/{face}/levels/{offering_id}" + (f"?at={at}" if at > 1 else "")
    return redirect(here, flash=_("已保存 %(n)s 名学生的层级", n=changed) if changed else _("没有改动"))


def _given(sent: Any) -> dict[UUID, str]:
    """What was changed on a page: s.<child>, where it is not what the page showed (was.<child>). What somebody else
    entered in the meantime stays."""
    found = {}
    for name in sent:
        if name.startswith("s.") and (word := str(sent[name])) != str(sent.get(f"was.{name[2:]}", "")):
            with suppress(ValueError):
                found[UUID(name[2:])] = word
    return found


@get("/t/{tenant:str}/desk/levels", opt=DESK)
async def desk_index(request: Asked, uow: NamedDependency[UnitOfWork], at: FromQuery[int] = 1) -> Response[str]:
    """All offerings, with how many children have a level."""
    return await _index(request, uow, "desk", at)


@get("/t/{tenant:str}/teach/levels", opt=TEACH)
async def teach_index(request: Asked, uow: NamedDependency[UnitOfWork], at: FromQuery[int] = 1) -> Response[str]:
    """The offerings that the acting person teaches."""
    return await _index(request, uow, "teach", at)


@get("/t/{tenant:str}/desk/levels" + OFFERING, opt=DESK)
async def desk_show(
    request: Asked, uow: NamedDependency[UnitOfWork], offering_id: FromPath[UUID], at: FromQuery[int] = 1
) -> Response[str]:
    """One offering: its words, its children with their levels and what they were before."""
    return await _show(request, uow, "desk", offering_id, at)


@get("/t/{tenant:str}/teach/levels" + OFFERING, opt=TEACH)
async def teach_show(
    request: Asked, uow: NamedDependency[UnitOfWork], offering_id: FromPath[UUID], at: FromQuery[int] = 1
) -> Response[str]:
    """The same, for whoever teaches it."""
    return await _show(request, uow, "teach", offering_id, at)


@post("/t/{tenant:str}/desk/levels" + OFFERING + "/words", opt=DESK, status_code=200)
async def desk_words(request: Asked, uow: NamedDependency[UnitOfWork], offering_id: FromPath[UUID]) -> Response[Any]:
    """Choose the words."""
    return await _words(request, uow, "desk", offering_id)


@post("/t/{tenant:str}/teach/levels" + OFFERING + "/words", opt=TEACH, status_code=200)
async def teach_words(request: Asked, uow: NamedDependency[UnitOfWork], offering_id: FromPath[UUID]) -> Response[Any]:
    """Choose the words."""
    return await _words(request, uow, "teach", offering_id)


@post("/t/{tenant:str}/desk/levels" + OFFERING, opt=DESK, status_code=200)
async def desk_set(request: Asked, uow: NamedDependency[UnitOfWork], offering_id: FromPath[UUID]) -> Response[Any]:
    """Enter the levels of the children on a page."""
    return await _set(request, uow, "desk", offering_id)


@post("/t/{tenant:str}/teach/levels" + OFFERING, opt=TEACH, status_code=200)
async def teach_set(request: Asked, uow: NamedDependency[UnitOfWork], offering_id: FromPath[UUID]) -> Response[Any]:
    """Enter the levels of the children on a page."""
    return await _set(request, uow, "teach", offering_id)


HANDLERS = (desk_index, teach_index, desk_show, teach_show, desk_words, teach_words, desk_set, teach_set)
