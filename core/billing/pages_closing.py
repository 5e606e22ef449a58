"""Closing a term on the desk: what must be done first, the button, the bar, and what came of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from core.base.context import TenantContext
from core.base.errors import KehouError
from core.base.text import gettext as _
from core.billing import closing
from core.db.kernel_tables import JobRun
from core.db.uow import UnitOfWork
from core.terms.models import Term
from core.terms.service import term_title
from core.terms.states import CLOSE, TERM
from core.web.access import access
from core.web.page import page, redirect

VIEW = "terms.view"


@get("/t/{tenant:str}/desk/terms/{term_id:uuid}/closing", opt=access(VIEW))
async def show(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], term_id: FromPath[UUID]
) -> Response[str]:
    """The list before the closing, its bar while it runs, and what it came to."""
    term = await uow.get(Term, term_id)
    points = await closing.points(uow, term) if term.state == "open" else []
    return await page(
        request,
        "billing/closing.html",
        uow,
        term=term,
        name=term_title(term.code),
        state=TERM.title(term.state),
        points=points,
        ready=not any(p.stops and p.open for p in points),
        job=await _job(uow, term),
        result=await _result(uow, term),
        may=uow.ctx.may(CLOSE),
    )


async def _job(uow: UnitOfWork, term: Term) -> dict[str, Any] | None:
    """What the bar shows; None when nothing runs."""
    bar = await uow.find(JobRun, term.closing_job) if term.closing_job else None
    if term.state != "closing":
        return None
    failed = ""
    if bar is not None and bar.state == "failed":
        failed = _("后台没有做完。已结清的都在，再按一次「学期结账」会接着做")
    return {
        "value": bar.done if bar else 0,
        "total": bar.total if bar else 0,
        "label": bar.note if bar and bar.note else _("等待开始"),
        "poll": f"/t/{uow.ctx.slug}/desk/terms/{term.id}/closing/progress",
        "failed": failed,
    }


async def _result(uow: UnitOfWork, term: Term) -> dict[str, Any] | None:
    if term.state != "closed" or term.closing_job is None:
        return None
    bar = await uow.find(JobRun, term.closing_job)
    return dict(bar.result) if bar and bar.result else None


@get("/t/{tenant:str}/desk/terms/{term_id:uuid}/closing/progress", opt=access(VIEW))
async def progress(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], term_id: FromPath[UUID]
) -> Response[Any]:
    """The bar alone; when the term is closed, the whole page is asked for again."""
    job = await _job(uow, await uow.get(Term, term_id))
    if job is None:
        return Response("", headers={"HX-Refresh": "true"})
    return await page(request, "billing/_progress.html", uow, job=job)


@post("/t/{tenant:str}/desk/terms/{term_id:uuid}/closing", opt=access(CLOSE), status_code=200)
async def start(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], term_id: FromPath[UUID]
) -> Response[Any]:
    """Close the term; pressed twice, it is one closing."""
    back = f"/t/{ctx.slug}/desk/terms/{term_id}/closing"
    try:
        await closing.start(uow, term_id)
    except KehouError as refused:
        return redirect(back, flash=refused.message, level="bad")
    return redirect(back)


@get("/api/t/{tenant:str}/desk/terms/{term_id:uuid}/closing", opt=access(VIEW))
async def api_show(uow: NamedDependency[UnitOfWork], term_id: FromPath[UUID]) -> dict[str, Any]:
    """The state of the term, the list before its closing, and what the closing came to, in fen."""
    term = await uow.get(Term, term_id)
    points = await closing.points(uow, term) if term.state == "open" else []
    return {
        "state": term.state,
        "closed_at": term.closed_at,
        "closed_by": term.closed_by,
        "points": [{"key": p.key, "title": str(p.title), "count": p.count, "stops": p.stops} for p in points],
        "result": await _result(uow, term),
    }


@post("/api/t/{tenant:str}/desk/terms/{term_id:uuid}/closing", opt=access(CLOSE), status_code=202)
async def api_start(uow: NamedDependency[UnitOfWork], term_id: FromPath[UUID]) -> dict[str, Any]:
    """Close the term. 409 with what is still open; a term that is closing or closed stays as it is."""
    return {"state": (await closing.start(uow, term_id)).state}


HANDLERS = (show, progress, start, api_show, api_start)
