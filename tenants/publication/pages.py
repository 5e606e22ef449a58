"""The office's list of what has to be made public, with the clause of each."""

from __future__ import annotations

from typing import Any, Final

from litestar import Request, Response, get
from litestar.di import NamedDependency

from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork
from core.policy import service as policy
from core.web.access import access
from core.web.page import page
from tenants.publication import service

READ: Final = "publication.read"
STATES: Final = {
    "done": (_l("已公开"), "ok"),
    "coming": (_l("未到时间"), ""),
    "todo": (_l("未公开"), "bad"),
    "late": (_l("公开晚了"), "warn"),
    "advised": (_l("建议公开"), "info"),
}


@get("/t/{tenant:str}/desk/publication", opt=access(READ))
async def show(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Every publication that the school's documents demand, missing ones first."""
    pack = policy.effective(uow)
    found = await service.of_school(uow)
    order = ["todo", "late", "advised", "coming", "done"]
    return await page(
        request,
        "publication/list.html",
        uow,
        rows=[(d, pack.get(d.rule)) for d in sorted(found, key=lambda d: order.index(d.state))],
        states=STATES,
        missing=sum(d.missing for d in found),
    )


HANDLERS = (show,)
