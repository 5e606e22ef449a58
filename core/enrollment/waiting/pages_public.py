"""For everybody: how the lists are run, how many wait, and how often the school put somebody ahead, by reason."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery

from core.base.errors import NotFound
from core.db.uow import UnitOfWork
from core.enrollment.offerings_service import offerings_by_id
from core.enrollment.waiting import lists
from core.enrollment.waiting.words import SAY_WAITING
from core.terms.service import NoTerm, current_term, term_title
from core.web.access import public
from core.web.markup import Pager
from core.web.page import page

SIZE = 50


@get("/t/{tenant:str}/waiting", opt=public())
async def show(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], at: FromQuery[int] = 1
) -> Response[str]:
    """Counts of the term's lists. No child is named, and no note is shown."""
    try:
        term = await current_term(uow)
    except NoTerm:
        raise NotFound() from None
    counts = await lists.tallies(uow, term.id)
    views = await offerings_by_id(uow, counts.keys())
    order = sorted(views.values(), key=lambda view: (view.title, str(view.id)))
    pager = Pager(len(order), max(1, at), SIZE, param="at")
    return await page(
        request,
        "enrollment/waiting/public.html",
        uow,
        org=uow.ctx.name,
        term_name=term_title(term.code),
        counts=counts,
        views=order[pager.offset : pager.offset + SIZE],
        pager=pager,
        by_reason=lists.jumps_of(counts.values()),
        rule=await lists.rule_of(uow, term.id),
        **SAY_WAITING,
    )


HANDLERS = (show,)
