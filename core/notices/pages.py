"""The publicity board: its public pages, and the office's desk behind it."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect
from pydantic import BaseModel, Field
from sqlalchemy import func, or_, select

from core.base import clock
from core.base.context import TenantContext
from core.base.errors import KehouError, NotFound
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork
from core.notices import service
from core.notices.models import Notice, NoticeObjection
from core.notices.words import NOTICE_KINDS
from core.policy.vocab_people import MEANS
from core.web.access import access, public
from core.web.fields import Ui
from core.web.forms import Form
from core.web.markup import Pager
from core.web.page import page, redirect

SIZE = 20
PUBLISH = service.PUBLISH


class Posting(BaseModel):
    """A posting as the office writes it. Names go in a field of their own, one a line, and are masked."""

    kind: Annotated[
        str, Ui(_l("类别"), options=lambda: [(k, t) for k, t in NOTICE_KINDS.items() if k not in ("plan", "draw")])
    ]
    title: Annotated[str, Field(min_length=2, max_length=80), Ui(_l("标题"))]
    body: Annotated[str, Field(max_length=8000), Ui(_l("正文"), kind="textarea", rows=10)] = ""
    names: Annotated[
        str,
        Field(max_length=20_000),
        Ui(
            _l("名单"),
            help=_l("每行一个姓名。公示时自动隐去中间的字，例如 张*三，系统不保存全名"),
            kind="textarea",
            rows=4,
        ),
    ] = ""
    shown_from: Annotated[date, Ui(_l("公示开始"))]
    shown_to: Annotated[date | None, Ui(_l("公示结束"), help=_l("不填表示长期公示"))] = None
    contact: Annotated[str, Field(max_length=120), Ui(_l("监督电话"), kind="tel")] = ""
    channels: Annotated[
        list[str], Ui(_l("同时还在哪里公布"), help=_l("留作公示记录"), options=lambda: list(MEANS.labels.items()))
    ] = Field(default_factory=list)
    objections: Annotated[bool, Ui(_l("接受意见"), kind="checkbox")] = True

    def draft(self) -> service.Draft:
        return service.Draft(
            kind=self.kind,
            title=self.title,
            body=self.body,
            names=[line.strip() for line in self.names.splitlines() if line.strip()],
            contact=self.contact,
            channels=self.channels,
            shown_from=self.shown_from,
            shown_to=self.shown_to,
            objections=self.objections,
        )


class Words(BaseModel):
    """What a reader has to say."""

    words: Annotated[str, Field(min_length=2, max_length=2000), Ui(_l("你的意见"), kind="textarea", rows=4)]


class TakeDown(BaseModel):
    """Why a posting goes."""

    why: Annotated[str, Field(min_length=1, max_length=500), Ui(_l("撤下的原因"), kind="textarea", rows=2)]


class Answer(BaseModel):
    """What the school answers."""

    answer: Annotated[str, Field(min_length=1, max_length=2000), Ui(_l("答复"), kind="textarea", rows=3)]


# ---- everyone -----------------------------------------------------------------------------------------------


@get("/t/{tenant:str}/board", opt=public())
async def board(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], kind: FromQuery[str] = "", at: FromQuery[int] = 1
) -> Response[str]:
    """What is posted now; older postings below it."""
    today = clock.today()
    query = select(Notice).where(Notice.state == "published", Notice.shown_from <= today)
    if kind in NOTICE_KINDS:
        query = query.where(Notice.kind == kind)
    total = (await uow.session.execute(select(func.count()).select_from(query.subquery()))).scalar_one()
    pager = Pager(total, max(1, at), SIZE, {"kind": kind}, "at")
    over = Notice.shown_to < today
    rows = await uow.session.execute(
        query.order_by(over.asc().nulls_first(), Notice.published_at.desc()).offset(pager.offset).limit(SIZE)
    )
    present = await uow.session.execute(
        select(Notice.kind).where(Notice.state == "published", Notice.shown_from <= today).distinct()
    )
    kinds = set(present.scalars().all())
    return await page(
        request,
        "notices/board.html",
        uow,
        rows=[(row, service.is_shown(row)) for row in rows.scalars().all()],
        pager=pager,
        kind=kind,
        kinds=[(key, title) for key, title in NOTICE_KINDS.items() if key in kinds],
        titles=NOTICE_KINDS,
        org=uow.ctx.name,
    )


@get("/t/{tenant:str}/board/{notice_id:uuid}", opt=public())
async def posting(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], notice_id: FromPath[UUID]
) -> Response[str]:
    """One posting, for anybody; who is signed in may object."""
    return await _posting_page(request, uow, await _public(uow, notice_id), Form.blank(Words))


async def _public(uow: UnitOfWork, notice_id: UUID) -> Notice:
    row = await uow.get(Notice, notice_id)
    if row.state == "draft" or row.shown_from > clock.today():
        raise NotFound()
    return row


async def _posting_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, row: Notice, form: Form[Words], status: int = 200
) -> Response[str]:
    person = request.state.get("person")
    mine: list[NoticeObjection] = []
    if person is not None:
        asked = select(NoticeObjection).where(
            NoticeObjection.notice_id == row.id, NoticeObjection.account_id == person.account_id
        )
        mine = list((await uow.session.execute(asked.order_by(NoticeObjection.created_at))).scalars().all())
    return await page(
        request,
        "notices/posting.html",
        uow,
        status=status,
        row=row,
        shown=service.is_shown(row),
        form=form,
        mine=mine,
        person=person,
        titles=NOTICE_KINDS,
        means=MEANS,
        org=uow.ctx.name,
        url=f"{uow.house.settings.public_url}/t/{uow.ctx.slug}/board/{row.id}",
    )


@post("/t/{tenant:str}/board/{notice_id:uuid}", opt=access(), status_code=200)
async def object_to(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    notice_id: FromPath[UUID],
) -> Response[Any]:
    """A member of the school objects to a posting, or asks about it."""
    row = await _public(uow, notice_id)
    form = await Form.from_request(Words, request)
    if form:
        async with form.attempt(uow):
            await service.object_to(uow, notice_id, form.value.words, ctx.actor.name)
            return redirect(f"/t/{ctx.slug}/board/{notice_id}", flash=_("意见已提交，学校答复后会发消息给你"))
    return await _posting_page(request, uow, row, form, status=422)


# ---- the office ---------------------------------------------------------------------------------------------


@get("/t/{tenant:str}/desk/notices", opt=access(PUBLISH))
async def desk(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    show: FromQuery[str] = "",
    q: FromQuery[str] = "",
    at: FromQuery[int] = 1,
) -> Response[str]:
    """All postings with their open objections."""
    waiting = (
        select(func.count())
        .where(
            NoticeObjection.tenant_id == Notice.tenant_id,
            NoticeObjection.notice_id == Notice.id,
            NoticeObjection.state == "open",
        )
        .scalar_subquery()
    )
    query = select(Notice, waiting.label("waiting"))
    if show in ("draft", "published", "withdrawn"):
        query = query.where(Notice.state == show)
    if q.strip():
        words = q.strip()
        query = query.where(
            or_(Notice.title.contains(words, autoescape=True), Notice.body.contains(words, autoescape=True))
        )
    total = (await uow.session.execute(select(func.count()).select_from(query.subquery()))).scalar_one()
    pager = Pager(total, max(1, at), SIZE, {"show": show, "q": q}, "at")
    rows = await uow.session.execute(query.order_by(Notice.created_at.desc()).offset(pager.offset).limit(SIZE))
    listed = [(row, waits, service.is_shown(row)) for row, waits in rows.all()]
    return await page(request, "notices/desk.html", uow, rows=listed, pager=pager, show=show, q=q, titles=NOTICE_KINDS)


@get("/t/{tenant:str}/desk/notices/new", opt=access(PUBLISH))
async def new(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Write a posting."""
    form = Form.blank(Posting, {"shown_from": clock.today(), "objections": True})
    return await page(request, "notices/edit.html", uow, form=form, row=None)


@post("/t/{tenant:str}/desk/notices/new", opt=access(PUBLISH), status_code=200)
async def create(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Keep it as a draft; it is shown after a look at the preview."""
    return await _save(request, uow, ctx, None)


@get("/t/{tenant:str}/desk/notices/{notice_id:uuid}/edit", opt=access(PUBLISH))
async def edit(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], notice_id: FromPath[UUID]
) -> Response[str]:
    """Change a draft."""
    row = await uow.get(Notice, notice_id)
    if row.state != "draft":
        raise service.NoticeFixed()
    initial = {name: getattr(row, name) for name in Posting.model_fields if name != "names"}
    names = "\n".join(row.listing.get("names", []))
    return await page(request, "notices/edit.html", uow, form=Form.blank(Posting, {**initial, "names": names}), row=row)


@post("/t/{tenant:str}/desk/notices/{notice_id:uuid}/edit", opt=access(PUBLISH), status_code=200)
async def change(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    notice_id: FromPath[UUID],
) -> Response[Any]:
    """Keep a changed draft."""
    return await _save(request, uow, ctx, notice_id)


async def _save(
    request: Request[Any, Any, Any], uow: UnitOfWork, ctx: TenantContext, notice_id: UUID | None
) -> Response[Any]:
    form = await Form.from_request(Posting, request)
    if form:
        async with form.attempt(uow):
            row = await service.save_draft(uow, form.value.draft(), notice_id)
            return redirect(f"/t/{ctx.slug}/desk/notices/{row.id}", flash=_("草稿已保存，核对后即可公示"))
    known = await uow.get(Notice, notice_id) if notice_id else None
    return await page(request, "notices/edit.html", uow, form=form, row=known, status=422)


@get("/t/{tenant:str}/desk/notices/{notice_id:uuid}", opt=access(PUBLISH))
async def look(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], notice_id: FromPath[UUID]
) -> Response[str]:
    """A posting as it is shown, its proof, and what people said to it."""
    return await _look_page(request, uow, notice_id)


async def _look_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, notice_id: UUID, down: Form[TakeDown] | None = None
) -> Response[str]:
    row = await uow.get(Notice, notice_id)
    said = select(NoticeObjection).where(NoticeObjection.notice_id == row.id)
    objections = (
        await uow.session.execute(said.order_by(NoticeObjection.state.desc(), NoticeObjection.created_at))
    ).scalars()
    return await page(
        request,
        "notices/look.html",
        uow,
        row=row,
        shown=service.is_shown(row),
        objections=list(objections),
        titles=NOTICE_KINDS,
        means=MEANS,
        form=Form.blank(Answer),
        down=Form.blank(TakeDown) if down is None else down,
        status=200 if down is None else 422,
    )


@post("/t/{tenant:str}/desk/notices/{notice_id:uuid}/publish", opt=access(PUBLISH), status_code=200)
async def publish(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], notice_id: FromPath[UUID]
) -> Redirect:
    """Show it to everybody."""
    row = await uow.get(Notice, notice_id, lock=True)
    path = f"/t/{ctx.slug}/desk/notices/{notice_id}"
    if row.state == "published":
        return redirect(path)
    await service.publish(uow, row)
    return redirect(path, flash=_("已公示，家长会收到消息"))


@post("/t/{tenant:str}/desk/notices/{notice_id:uuid}/withdraw", opt=access(PUBLISH), status_code=200)
async def withdraw(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    notice_id: FromPath[UUID],
) -> Response[Any]:
    """Take it down, with the reason on record."""
    row = await uow.get(Notice, notice_id, lock=True)
    form = await Form.from_request(TakeDown, request)
    if form:
        async with form.attempt(uow):
            await service.take_down(uow, row, form.value.why)
            return redirect(f"/t/{ctx.slug}/desk/notices/{notice_id}", flash=_("已撤下，记录保留"))
    return await _look_page(request, uow, notice_id, form)


@post(
    "/t/{tenant:str}/desk/notices/{notice_id:uuid}/objections/{objection_id:uuid}",
    opt=access(PUBLISH),
    status_code=200,
)
async def answer(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    notice_id: FromPath[UUID],
    objection_id: FromPath[UUID],
) -> Redirect:
    """Answer an objection; whoever made it gets a message."""
    found = await uow.get(NoticeObjection, objection_id)
    if found.notice_id != notice_id:
        raise NotFound()
    sent = await request.form()
    path = f"/t/{ctx.slug}/desk/notices/{notice_id}"
    try:
        await service.answer(uow, objection_id, str(sent.get("answer", "")))
    except KehouError as refused:
        said = str(refused.fields[0].message) if refused.fields else refused.message
        return redirect(path, flash=said, level="bad")
    return redirect(path, flash=_("已答复，对方会收到消息"))


async def open_objections(uow: UnitOfWork) -> int:
    """How many objections wait for an answer: the badge."""
    query = select(func.count()).select_from(NoticeObjection).where(NoticeObjection.state == "open")
    return (await uow.session.execute(query)).scalar_one()


HANDLERS = (
    board,
    posting,
    object_to,
    desk,
    new,
    create,
    edit,
    change,
    look,
    publish,
    withdraw,
    answer,
)
