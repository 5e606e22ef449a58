"""The guardian's own page: the children, who may collect them, who looked at what is sealed, the way out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from pydantic import ValidationError

from core.base.context import TenantContext
from core.base.errors import FieldError, Invalid
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.people import family
from core.people.schemas import NewCollector
from core.people.service import collectors, my_child, my_children, relation_name
from core.web.access import access
from core.web.forms import Form
from core.web.i18n import mask_phone
from core.web.messages import sentences
from core.web.page import page, redirect

MINE = "family.own"


@get("/t/{tenant:str}/home/me", opt=access(MINE))
async def me(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Children, collectors, looks, language, sign-out."""
    children = await my_children(uow)
    people = {child.id: await collectors(uow, child.id) for child in children}
    return await page(
        request,
        "people/me.html",
        uow,
        children=children,
        people=people,
        looks=await family.who_looked(uow, [child.id for child in children]),
        names={child.id: child.name for child in children},
        subject=None,
        said=relation_name,
    )


@get("/t/{tenant:str}/home/me/{student_id:uuid}/collectors", opt=access(MINE))
async def ask_collector(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], student_id: FromPath[UUID]
) -> Response[str]:
    """Name somebody who may collect the child."""
    child = await my_child(uow, student_id)
    return await page(request, "people/collector.html", uow, child=child, form=Form.blank(NewCollector))


@post("/t/{tenant:str}/home/me/{student_id:uuid}/collectors", opt=access(MINE), status_code=200)
async def add_collector(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    student_id: FromPath[UUID],
) -> Response[Any]:
    """The same phone twice is one person."""
    child = await my_child(uow, student_id)
    form = await Form.from_request(NewCollector, request)
    if form:
        given = form.value
        async with form.attempt(uow):
            await family.add_collector(uow, child.id, given.name, given.phone, given.relation)
            return redirect(f"/t/{ctx.slug}/home/me", flash=_("%(name)s可以接孩子了", name=given.name))
    return await page(request, "people/collector.html", uow, child=child, form=form, status=422)


@post("/t/{tenant:str}/home/me/{student_id:uuid}/collectors/{collector_id:uuid}/end", opt=access(MINE), status_code=200)
async def end_collector(
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    student_id: FromPath[UUID],
    collector_id: FromPath[UUID],
) -> Response[Any]:
    """The person may not collect the child any more."""
    child = await my_child(uow, student_id)
    await family.end_collector(uow, child.id, collector_id)
    return redirect(f"/t/{ctx.slug}/home/me", flash=_("已取消这位接送人"))


@get("/api/t/{tenant:str}/home/me", opt=access(MINE))
async def api_me(uow: NamedDependency[UnitOfWork]) -> dict[str, Any]:
    """The guardian's children, each with those who may collect it."""
    listed = [
        {
            "id": child.id,
            "name": child.name,
            "grade": child.grade,
            "class_number": child.class_number,
            "collectors": [
                {"key": c.key, "name": c.name, "phone": mask_phone(c.phone), "relation": c.relation}
                for c in await collectors(uow, child.id)
            ],
        }
        for child in await my_children(uow)
    ]
    return {"children": listed}


@post("/api/t/{tenant:str}/home/me/{student_id:uuid}/collectors", opt=access(MINE), status_code=201)
async def api_add_collector(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], student_id: FromPath[UUID]
) -> dict[str, Any]:
    """{"name", "phone", "relation"} → {"id"}; the same phone again gives the same id."""
    child = await my_child(uow, student_id)
    try:
        given = NewCollector.model_validate_json(await request.body())
    except ValidationError as error:
        found = sentences(NewCollector, error)
        raise Invalid(fields=[FieldError(name, text) for name, texts in found.items() for text in texts]) from error
    row = await family.add_collector(uow, child.id, given.name, given.phone, given.relation)
    return {"id": row.id}


@delete("/api/t/{tenant:str}/home/me/{student_id:uuid}/collectors/{collector_id:uuid}", opt=access(MINE))
async def api_end_collector(
    uow: NamedDependency[UnitOfWork], student_id: FromPath[UUID], collector_id: FromPath[UUID]
) -> None:
    """End a named collector."""
    child = await my_child(uow, student_id)
    await family.end_collector(uow, child.id, collector_id)


HANDLERS = (me, ask_collector, add_collector, end_collector, api_me, api_add_collector, api_end_collector)
