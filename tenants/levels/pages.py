"""Filling in levels by a table: the list to take out, the upload, and the table back with its mistakes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath
from pydantic import BaseModel, ConfigDict
from sqlalchemy import delete, select

from core.base.context import TenantContext
from core.base.errors import NotFound
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.base.text import ngettext
from core.db.house import House
from core.db.uow import UnitOfWork
from core.enrollment.forming.states import MANAGE
from core.enrollment.levels import service
from core.web.access import access
from core.web.fields import Ui
from core.web.forms import Form
from core.web.page import page, redirect
from core.web.sheets import download
from tenants.levels import reading
from tenants.levels.models import LevelUpload

SHOWN = 50
"""So many different mistakes are shown; the table that comes back has all."""
NAMED = 10
FACES = ("desk", "teach")
MAY = access(MANAGE, service.OWN)
FILE = "/levels/{offering_id:uuid}/file"
Asked = Request[Any, Any, Any]


class Upload(BaseModel):
    """A table of levels."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    file: Annotated[
        UploadFile,
        Ui(
            _l("填好的表格"),
            help=_l(".xlsx、.xls、.ods 或 .csv。整张表先检查，有一处错误就一行也不保存"),
            kind="file",
            accept=".xlsx,.xls,.ods,.csv,text/csv",
        ),
    ]


def _face(request: Asked) -> str:
    """Whose page it is: the path's own part after the school."""
    return "desk" if request.url.path.split("/")[3] == "desk" else "teach"


async def _kept(uow: UnitOfWork, offering_id: UUID) -> LevelUpload | None:
    query = select(LevelUpload).where(
        LevelUpload.offering_id == offering_id, LevelUpload.account_id == uow.ctx.actor.account_id
    )
    return (await uow.session.execute(query)).scalar_one_or_none()


async def _page(
    request: Asked, uow: UnitOfWork, offering_id: UUID, form: Form[Upload], table: reading.Table | None = None
) -> Response[str]:
    row = await service.require(uow, offering_id)
    return await page(
        request,
        "levels/upload.html",
        uow,
        status=200 if table is None and not form.errors else 422,
        face=_face(request),
        row=row,
        words=await service.words_of(uow, offering_id),
        form=form,
        table=table,
        wrong=[(_row_numbers(numbers), reasons) for numbers, reasons in table.told[:SHOWN]] if table else [],
        kept=await _kept(uow, offering_id) is not None,
    )


def _row_numbers(numbers: Sequence[int]) -> str:
    """Rows with the same mistakes, in words; of many the first, and how many there are."""
    shown = _("、").join(str(n) for n in numbers[:NAMED])
    if len(numbers) > NAMED:
        return _("第 %(n)s 等 %(all)s 行", n=shown, all=len(numbers))
    return _("第 %(n)s 行", n=shown)


@get([f"/t/{{tenant:str}}/{face}{FILE}" for face in FACES], opt=MAY)
async def show(request: Asked, uow: NamedDependency[UnitOfWork], offering_id: FromPath[UUID]) -> Response[str]:
    """Take the list out, bring it back filled in."""
    return await _page(request, uow, offering_id, Form.blank(Upload))


@get([f"/t/{{tenant:str}}/{face}{FILE}/list.xlsx" for face in FACES], opt=MAY)
async def blank(uow: NamedDependency[UnitOfWork], offering_id: FromPath[UUID]) -> Response[bytes]:
    """The list of children with the levels they have."""
    row = await service.require(uow, offering_id)
    lines = await service.lines(uow, offering_id)
    await uow.audit("levels.export", "offering", offering_id, what="list", children=len(lines))
    body = reading.blank(lines, row.title)
    return download(body, _("%(title)s_学生层级.xlsx", title=row.title))


@get([f"/t/{{tenant:str}}/{face}{FILE}/wrong.xlsx" for face in FACES], opt=MAY)
async def wrong(uow: NamedDependency[UnitOfWork], offering_id: FromPath[UUID]) -> Response[bytes]:
    """The last table of the acting person that was not accepted, with the reasons beside its rows."""
    await service.require(uow, offering_id)
    kept = await _kept(uow, offering_id)
    if kept is None:
        raise NotFound()
    await uow.audit("levels.export", "offering", offering_id, what="wrong")
    return download(kept.body, kept.name)


@post([f"/t/{{tenant:str}}/{face}{FILE}" for face in FACES], opt=MAY, status_code=200)
async def upload(
    request: Asked,
    house: NamedDependency[House],
    ctx: NamedDependency[TenantContext],
    offering_id: FromPath[UUID],
) -> Response[Any]:
    """Check the whole table, then save all of it or nothing. The same table twice changes nothing."""
    form = await Form.from_request(Upload, request)
    async with house.unit(ctx) as uow:
        row = await service.require(uow, offering_id)
        if not form:
            return await _page(request, uow, offering_id, form)
        children, words = await service.lines(uow, offering_id), await service.words_of(uow, offering_id)
    sent = form.value.file
    body = await sent.read()
    # Outside of any transaction: a hostile file may take seconds.
    table = await asyncio.to_thread(reading.check, body, sent.filename, children, words)
    form.data.pop("file", None)
    async with house.unit(ctx) as uow:
        own = (LevelUpload.offering_id == offering_id) & (LevelUpload.account_id == ctx.actor.account_id)
        await uow.session.execute(delete(LevelUpload).where(own))
        if table.accepted:
            async with form.attempt(uow):
                n = await service.set_levels(uow, offering_id, table.given, "file")
                done = ngettext("已保存，%(num)s 名学生的层级有变化", "已保存，%(num)s 名学生的层级有变化", n)
                return redirect(f"/t/{ctx.slug}/{_face(request)}/levels/{offering_id}", flash=done)
        elif table.rows and ctx.actor.account_id is not None:
            fixed = reading.corrected(table, row.title)
            name = _("%(title)s_待更正.xlsx", title=row.title)
            uow.session.add(
                LevelUpload(offering_id=offering_id, account_id=ctx.actor.account_id, name=name, body=fixed)
            )
            await uow.session.flush()
        return await _page(request, uow, offering_id, form, table)


HANDLERS = (show, blank, wrong, upload)
