"""The school's button: send an offering to the authority."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Response, post
from litestar.di import NamedDependency
from litestar.params import FromPath

from core.base.errors import Forbidden, KehouError, NotFound
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.enrollment.vetting import service
from core.web.access import access
from core.web.page import redirect


@post(
    "/t/{tenant:str}/desk/offerings/{offering_id:uuid}/vetting/send",
    opt=access(service.REVIEW, face="desk"),
    status_code=200,
)
async def send(uow: NamedDependency[UnitOfWork], offering_id: FromPath[UUID]) -> Response[Any]:
    """Send it; while a round is open a second press sends nothing."""
    here = f"/t/{uow.ctx.slug}/desk/offerings/{offering_id}"
    try:
        async with uow.session.begin_nested():
            filing = await service.send(uow, offering_id)
    except (NotFound, Forbidden):
        raise
    except KehouError as refused:
        return redirect(here, flash=refused.message, level="bad")
    return redirect(here, flash=_("已报送%(bureau)s，审核结果会通知学校", bureau=filing.bureau_name))


HANDLERS = (send,)
