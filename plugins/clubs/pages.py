"""Pages of clubs: the office's list and form, a teacher's own clubs, and the panel on a child's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.api import (
    Pager,
    Panel,
    TenantContext,
    UnitOfWork,
    access,
    page,
    redirect,
)
from core.api import gettext as _
from core.api.enrollment import enrolments_of
from core.api.forms import Form
from core.api.people import StudentView, room_choices, staff_choices
from core.api.terms import current_term, term_title
from plugins.clubs import service
from plugins.clubs.schemas import LEVELS, TONES, ClubForm

ROWS = 30


@get("/t/{tenant:str}/desk/clubs", opt=access("clubs.write"))
async def index(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], page_no: FromQuery[int] = 1
) -> Response[str]:
    """The term's clubs."""
    term = await current_term(uow)
    found = await service.clubs(uow, term.id)
    pager = Pager(len(found), max(1, page_no), ROWS, param="page_no")
    return await page(
        request,
        "clubs/index.html",
        uow,
        term=term_title(term.code),
        clubs=found[pager.offset : pager.offset + ROWS],
        pager=pager,
        tones=TONES,
        levels=LEVELS,
    )


@get("/t/{tenant:str}/desk/clubs/new", opt=access("clubs.write"))
async def new(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """A blank form."""
    return await _form_page(request, uow, Form.blank(ClubForm))


@post("/t/{tenant:str}/desk/clubs", opt=access("clubs.write"), status_code=200)
async def create(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Put a club forward."""
    form = await Form.from_request(ClubForm, request)
    if form:
        async with form.attempt(uow):
            term = await current_term(uow)
            made = await form.once(uow, "clubs.create", lambda: service.propose_club(uow, term.id, form.value))
            return redirect(f"/t/{ctx.slug}/desk/clubs/{made}", flash=_("已提交内容审核"))
    return await _form_page(request, uow, form, status=422)


@get("/t/{tenant:str}/desk/clubs/{club_id:uuid}", opt=access("clubs.write"))
async def show(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], club_id: FromPath[UUID]
) -> Response[str]:
    """A club's file: what it is, its plan, its children."""
    view = await service.club(uow, club_id)
    rooms = dict(await room_choices(uow))
    return await page(
        request,
        "clubs/show.html",
        uow,
        club=view,
        room=rooms.get(view.offering.room_id, "") if view.offering.room_id else "",
        children=await service.roll(uow, view),
        tones=TONES,
        levels=LEVELS,
    )


@get("/t/{tenant:str}/desk/clubs/{club_id:uuid}/edit", opt=access("clubs.write"))
async def edit(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], club_id: FromPath[UUID]
) -> Response[str]:
    """The form with what stands."""
    view = await service.club(uow, club_id)
    return await _form_page(request, uow, Form.blank(ClubForm, service.form_of(view)), club=view)


@post("/t/{tenant:str}/desk/clubs/{club_id:uuid}", opt=access("clubs.write"), status_code=200)
async def change(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    club_id: FromPath[UUID],
) -> Response[Any]:
    """Change a club."""
    form = await Form.from_request(ClubForm, request)
    view = await service.club(uow, club_id)
    if form:
        async with form.attempt(uow):
            await service.change_club(uow, club_id, form.value)
            return redirect(f"/t/{ctx.slug}/desk/clubs/{club_id}", flash=_("已保存"))
    return await _form_page(request, uow, form, club=view, status=422)


async def _form_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    form: Form[ClubForm],
    *,
    club: service.ClubView | None = None,
    status: int = 200,
) -> Response[str]:
    form.choose("teacher_id", await staff_choices(uow)).choose("room_id", await room_choices(uow))
    return await page(request, "clubs/form.html", uow, form=form, club=club, status=status)


@get("/t/{tenant:str}/teach/clubs", opt=access("clubs.teach"))
async def mine(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """The clubs that the teacher leads."""
    term = await current_term(uow)
    return await page(
        request, "clubs/mine.html", uow, clubs=await service.my_clubs(uow, term.id), tones=TONES, levels=LEVELS
    )


@get("/t/{tenant:str}/teach/clubs/{club_id:uuid}", opt=access("clubs.teach"))
async def one_of_mine(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    club_id: FromPath[UUID],
) -> Response[str]:
    """A club that the teacher leads, with its children."""
    view = await service.club(uow, club_id)
    await service.refuse_stranger(uow, view)
    rooms = dict(await room_choices(uow))
    return await page(
        request,
        "clubs/one.html",
        uow,
        club=view,
        room=rooms.get(view.offering.room_id, "") if view.offering.room_id else "",
        children=await service.roll(uow, view),
        levels=LEVELS,
        back=f"/t/{ctx.slug}/teach/clubs",
    )


async def panels_of(uow: UnitOfWork, slot: str, subject: Any) -> list[Panel]:
    """A child's clubs on the school's page of the child; a club's plan on the family's page of the item."""
    if slot == "people/student" and isinstance(subject, StudentView):
        items = [e.offering for e in await enrolments_of(uow, subject.id) if e.offering.plugin == service.KEY]
        return [Panel("clubs/_panel.html", {"clubs": items})] if items else []
    if slot == "enrollment/offering" and isinstance(subject, Mapping):
        view = await service.club_of_offering(uow, subject["offering_id"])
        return [Panel("clubs/_plan.html", {"club": view, "levels": LEVELS})] if view else []
    return []


HANDLERS = [index, new, create, show, edit, change, mine, one_of_mine]
