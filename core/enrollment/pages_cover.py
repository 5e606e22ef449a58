"""The cover of an offering: uploaded by the office, shown to the members of the school."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath
from litestar.response import Redirect
from pydantic import BaseModel, ConfigDict, Field

from core.base.context import TenantContext
from core.base.errors import KehouError
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork
from core.enrollment import covers
from core.enrollment.offerings_service import offering
from core.enrollment.pages_desk import MANAGE
from core.web.access import access
from core.web.fields import Ui
from core.web.forms import Form
from core.web.page import page, redirect

BASE = "/t/{tenant:str}/desk/offerings/{offering_id:uuid}/cover"


class CoverForm(BaseModel):
    """A picture and what it shows."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    file: Annotated[
        UploadFile,
        Ui(
            _l("图片"),
            help=_l("JPG 或 PNG，不超过 2 MB，横向 4:3 最合适。拍摄地点等信息会自动去掉；不要用能认出孩子的照片"),
            kind="file",
            accept="image/jpeg,image/png",
        ),
    ]
    alt: Annotated[
        str,
        Field(min_length=1, max_length=80),
        Ui(_l("图片说明"), help=_l("给看不见图片的人，例如：孩子们在下围棋")),
    ]


@get(BASE, opt=MANAGE)
async def edit(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], offering_id: FromPath[UUID]
) -> Response[str]:
    """Choose a picture."""
    return await _page(request, uow, offering_id, Form.blank(CoverForm))


async def _page(
    request: Request[Any, Any, Any], uow: UnitOfWork, offering_id: UUID, form: Form[CoverForm], status: int = 200
) -> Response[str]:
    view = await offering(uow, offering_id)
    cover = (await covers.covers(uow, [offering_id])).get(offering_id)
    return await page(request, "enrollment/desk_cover.html", uow, status=status, view=view, cover=cover, form=form)


@post(BASE, opt=MANAGE, status_code=200)
async def save(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    offering_id: FromPath[UUID],
) -> Response[Any]:
    """Keep the picture; the same one again changes nothing that anybody sees."""
    form = await Form.from_request(CoverForm, request)
    status = 422
    if form:
        body = await form.value.file.read()
        try:
            async with uow.session.begin_nested():
                await covers.set_cover(uow, offering_id, body, form.value.alt)
            return redirect(f"/t/{ctx.slug}/desk/offerings/{offering_id}", flash=_("封面已保存"))
        except KehouError as refused:
            if refused.status in (401, 403, 404):
                raise
            form.add_error("file", refused.message)
            status = refused.status
    form.data.pop("file", None)
    return await _page(request, uow, offering_id, form, status)


@post(BASE + "/remove", opt=MANAGE, status_code=200)
async def remove(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], offering_id: FromPath[UUID]
) -> Redirect:
    """Back to the drawn tile."""
    await covers.drop_cover(uow, offering_id)
    return redirect(f"/t/{ctx.slug}/desk/offerings/{offering_id}", flash=_("封面已去掉"))


@get("/t/{tenant:str}/covers/{offering_id:uuid}/{version:str}", opt=access())
async def picture(
    uow: NamedDependency[UnitOfWork], offering_id: FromPath[UUID], version: FromPath[str]
) -> Response[bytes]:
    """The picture, for members of the school; its address changes when it does."""
    row = await covers.picture_of(uow, offering_id, version)
    headers = {"cache-control": "private, max-age=31536000, immutable"}
    return Response(row.body, media_type=row.media_type, headers=headers)


HANDLERS = (edit, save, remove, picture)
