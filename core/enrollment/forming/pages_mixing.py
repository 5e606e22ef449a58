"""The office's switch for days on which classes do not mix (R-171)."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from sqlalchemy import func, select

from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment.forming import no_mixing
from core.enrollment.forming.models import NoMixing
from core.enrollment.forming.states import MANAGE
from core.enrollment.schemas import Reason
from core.web.access import access
from core.web.forms import Form
from core.web.markup import Pager
from core.web.page import page, redirect

PATH = "/t/{tenant:str}/desk/forming/no-mixing"
MAY = access(MANAGE, face="desk")
SIZE = 20
MOST = 50
"""Items that one forming takes (RunForm)."""


async def _page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    form: Form[Reason],
    at: int = 1,
    mixed_at: int = 1,
    status: int = 200,
) -> Response[str]:
    total = (await uow.session.execute(select(func.count(NoMixing.id)))).scalar_one()
    pager = Pager(total, max(1, at), SIZE, param="at")
    query = select(NoMixing).order_by(NoMixing.starts_on.desc(), NoMixing.id.desc())
    rows = (await uow.session.execute(query.offset(pager.offset).limit(SIZE))).scalars().all()
    now = await no_mixing.closed(uow)
    mixed = await no_mixing.mixed(uow) if now else []
    shown = Pager(len(mixed), max(1, mixed_at), SIZE, query={"at": at} if at > 1 else {}, param="mixed")
    return await page(
        request,
        "enrollment/forming/no_mixing.html",
        uow,
        status=status,
        now=now,
        to_form=[item.offering_id for item in mixed if item.formable and item.run_id is None][:MOST],
        mixed=mixed[shown.offset : shown.offset + SIZE],
        shown=shown,
        rows=rows,
        pager=pager,
        form=form,
    )


@get(PATH, opt=MAY)
async def show(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    at: FromQuery[int] = 1,
    mixed: FromQuery[int] = 1,
) -> Response[str]:
    """Whether classes are kept apart now, by whom and why, what mixes them all the same, and when they were."""
    return await _page(request, uow, Form.blank(Reason), at, mixed)


@post(PATH, opt=MAY, status_code=200)
async def begin(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[Any]:
    """Keep classes apart from today on."""
    form = await Form.from_request(Reason, request)
    if form:
        async with form.attempt(uow):
            await no_mixing.begin(uow, form.value.reason)
            return redirect(f"/t/{uow.ctx.slug}/desk/forming/no-mixing", flash=_("从今天起不混班，编班只能按本班进行"))
    return await _page(request, uow, form, status=422)


@post(PATH + "/end", opt=MAY, status_code=200)
async def end(uow: NamedDependency[UnitOfWork]) -> Response[Any]:
    """Let classes mix again."""
    await no_mixing.end(uow)
    return redirect(f"/t/{uow.ctx.slug}/desk/forming/no-mixing", flash=_("已恢复，可以重新编班"))


HANDLERS = (show, begin, end)
