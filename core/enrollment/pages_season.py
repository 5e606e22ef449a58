"""Winter times (or another season's) of an offering of any kind that has hours: care, clubs, courses, lunch."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from pydantic import BaseModel, Field, model_validator

from core.base.errors import NotFound
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork
from core.enrollment.offerings_service import change_offering, draft_of, offering
from core.enrollment.seasons import Season, in_season, season_of, usual_hours
from core.enrollment.views import OfferingView
from core.enrollment.words import SAY
from core.web.access import access
from core.web.fields import Ui
from core.web.forms import Form
from core.web.page import page, redirect

PATH = "/t/{tenant:str}/desk/offerings/{offering_id:uuid}/season"
MANAGE = access("offering.manage", face="desk")


class SeasonForm(BaseModel):
    """The season's hours; with everything left empty there is no season."""

    first: Annotated[date | None, Ui(_l("从哪天起"), help=_l("全部留空表示没有另一季的时间"))] = None
    last: Annotated[date | None, Ui(_l("到（留空为学期末）"))] = None
    starts_at: Annotated[time | None, Ui(_l("这一季的开始时间"))] = None
    ends_at: Annotated[time | None, Ui(_l("这一季的结束时间"))] = None
    reason: Annotated[str, Field(max_length=300), Ui(_l("说明理由（有提醒事项时填写）"), kind="textarea")] = ""

    @model_validator(mode="after")
    def _whole(self) -> SeasonForm:
        given = (self.first, self.starts_at, self.ends_at)
        if (any(given) or self.last) and not all(given):
            raise ValueError(_("另一季的时间要填全：从哪天起、开始和结束时间"))
        if self.starts_at and self.ends_at and self.ends_at <= self.starts_at:
            raise ValueError(_("结束时间应晚于开始时间"))
        if self.first and self.last and self.last < self.first:
            raise ValueError(_("结束日期要在开始日期之后"))
        return self

    def season(self) -> Season | None:
        if not (self.first and self.starts_at and self.ends_at):
            return None
        return Season(self.first, self.last, self.starts_at, self.ends_at)


async def _view(uow: UnitOfWork, offering_id: UUID) -> OfferingView:
    view = await offering(uow, offering_id)
    if not view.periods:
        raise NotFound()
    return view


async def _page(
    request: Request[Any, Any, Any], uow: UnitOfWork, view: OfferingView, form: Form[SeasonForm]
) -> Response[str]:
    return await page(
        request,
        "enrollment/desk_season.html",
        uow,
        status=422 if form.errors else 200,
        view=view,
        form=form,
        objections=form.objections,
        **SAY,
    )


@get(PATH, opt=MANAGE)
async def show(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], offering_id: FromPath[UUID]
) -> Response[str]:
    """The season that the offering has, to be changed or taken away."""
    view = await _view(uow, offering_id)
    season = season_of(view.periods)[1]
    names = ("first", "last", "starts_at", "ends_at")
    initial = {name: getattr(season, name) for name in names} if season else {}
    return await _page(request, uow, view, Form.blank(SeasonForm, {**initial, "reason": view.reason}))


@post(PATH, opt=MANAGE, status_code=200)
async def save(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], offering_id: FromPath[UUID]
) -> Response[Any]:
    """Change the hours; rules and clashes are asked, and families with a place are told as of any change."""
    view = await _view(uow, offering_id)
    form = await Form.from_request(SeasonForm, request)
    if form:
        async with form.attempt(uow):
            periods = in_season(usual_hours(view.periods), form.value.season())
            draft = replace(draft_of(view), periods=periods, reason=form.value.reason or view.reason)
            await change_offering(uow, offering_id, draft, whole_hours=True)
            return redirect(f"/t/{uow.ctx.slug}/desk/offerings/{offering_id}", flash=_("时间已保存"))
    return await _page(request, uow, view, form)


HANDLERS = (show, save)
