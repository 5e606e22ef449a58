"""A teacher's own pay on the phone: lines of approved lists, with the lessons behind each."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from core.api import NotFound, UnitOfWork, access, page
from core.api.people import me_as_staff
from plugins.pay import lists, making
from plugins.pay.schemas import KINDS
from plugins.pay.states import LIST, LIST_TONES


@get("/t/{tenant:str}/teach/pay", opt=access("pay.mine"))
async def mine(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """The reader's own lines, newest month first."""
    me = await me_as_staff(uow)
    return await page(
        request,
        "pay/mine.html",
        uow,
        rows=await lists.lines_for(uow, me.id) if me else [],
        waiting=await making.outstanding(uow, me.id) if me else [],
        machine=LIST,
        tones=LIST_TONES,
    )


@get("/t/{tenant:str}/teach/pay/{line_id:uuid}", opt=access("pay.mine"))
async def mine_line(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], line_id: FromPath[UUID]
) -> Response[str]:
    """The lessons behind one of the reader's own lines; another's line does not exist."""
    me = await me_as_staff(uow)
    line, row, items = await lists.line(uow, line_id)
    if me is None or line.staff_id != me.id or row.state not in making.DONE:
        raise NotFound()
    return await page(request, "pay/mine_line.html", uow, line=line, row=row, items=items, kinds=KINDS)


HANDLERS = (mine, mine_line)
