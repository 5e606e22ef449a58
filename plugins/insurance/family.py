"""The family's page of insurance: the school's own, each child's, and the way to say no."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from core.api import TenantContext, UnitOfWork, access, page, redirect, today
from core.api import gettext as _
from core.api.enrollment import ON_MENU
from core.api.people import my_child, my_children
from core.api.terms import current_term
from plugins.insurance import service


@get("/t/{tenant:str}/home/insurance", opt=access("insurance.answer"))
async def index(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """What covers the child, and what the family may add of its own will."""
    term = await current_term(uow)
    view = await service.accident(uow, term.id)
    if view is not None and view.item.state not in ON_MENU:
        view = None
    children = await my_children(uow)
    return await page(
        request,
        "insurance/family.html",
        uow,
        liability=await service.in_force(uow, "liability", today()),
        accident=view,
        children=[(child, await service.status_of(uow, child.id, view)) for child in children],
    )


@post("/t/{tenant:str}/home/insurance/{student_id:uuid}/decline", opt=access("insurance.answer"), status_code=200)
async def decline(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], student_id: FromPath[UUID]
) -> Response[Any]:
    """Say no; nothing else changes."""
    child = await my_child(uow, student_id)
    await service.decline(uow, (await current_term(uow)).id, child.id)
    return redirect(f"/t/{ctx.slug}/home/insurance", flash=_("已记下，不影响孩子参加任何项目"))


HANDLERS = [index, decline]
