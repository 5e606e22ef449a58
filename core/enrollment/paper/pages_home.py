"""A guardian who has a phone sees what was keyed in in the family's name, and may say no with one tap."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from core.base.context import TenantContext
from core.base.errors import KehouError, NotFound
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment.paper import service
from core.enrollment.paper.models import PaperForm
from core.enrollment.paper.pages_teach import chosen_lines
from core.enrollment.paper.states import PAPER
from core.people.service import my_child
from core.web.access import access
from core.web.page import page, redirect
from core.web.uploads import scan_response

GUARDIAN = access("enrollment.apply", face="home")


@get("/t/{tenant:str}/home/papers/{paper_id:uuid}", opt=GUARDIAN)
async def one(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], paper_id: FromPath[UUID]
) -> Response[str]:
    """What the school keyed in from paper for one's child."""
    row = await uow.get(PaperForm, paper_id)
    child = await my_child(uow, row.student_id)
    return await page(
        request,
        "enrollment/paper/home_paper.html",
        uow,
        row=row,
        child=child,
        chosen=await chosen_lines(uow, row),
        machine=PAPER,
    )


@get("/t/{tenant:str}/home/papers/{paper_id:uuid}/scan", opt=GUARDIAN)
async def scan(uow: NamedDependency[UnitOfWork], paper_id: FromPath[UUID]) -> Response[bytes]:
    """The scan that bears the family's signature."""
    row = await uow.get(PaperForm, paper_id)
    await my_child(uow, row.student_id)
    row, body = await service.scan_of(uow, paper_id)
    return scan_response(body, row.scan_type)


@post("/t/{tenant:str}/home/papers/{paper_id:uuid}/object", opt=GUARDIAN, status_code=200)
async def object_to(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], paper_id: FromPath[UUID]
) -> Response[Any]:
    """This is not our wish; no reason is demanded."""
    try:
        await service.object_to(uow, paper_id)
    except KehouError as refused:
        if isinstance(refused, NotFound):
            raise
        return redirect(f"/t/{ctx.slug}/home/papers/{paper_id}", flash=refused.message, level="bad")
    return redirect(f"/t/{ctx.slug}/home/papers/{paper_id}", flash=_("已告诉学校，这份材料不会生效"))


HANDLERS = (one, scan, object_to)
