"""Members and roles of an organisation, in the face of its kind."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base.context import TenantContext
from core.base.text import gettext as _
from core.db.idempotency import once
from core.db.uow import UnitOfWork
from core.web.access import access
from core.web.forms import Form
from core.web.markup import Pager
from core.web.page import page, redirect
from tenants import members
from tenants.roles import STANDARD_ROLES
from tenants.schemas import MemberRoles, NewMember

MAY = members.KEEPER
ROWS = 30
AREAS = {"school": "desk", "bureau": "bureau", "vendor": "vendor"}


def _paths(tail: str) -> list[str]:
    return [f"/t/{{tenant:str}}/{area}/members{tail}" for area in AREAS.values()]


def _base(ctx: TenantContext) -> str:
    return f"/t/{ctx.slug}/{AREAS[ctx.kind]}/members"


async def _options(uow: UnitOfWork) -> list[tuple[str, str]]:
    titles = STANDARD_ROLES[uow.ctx.kind]
    return [(role.key, str(titles.get(role.key, role.name))) for role in await members.roles(uow)]


@get(_paths(""), opt=access(MAY))
async def index(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    q: FromQuery[str] = "",
    page_no: FromQuery[int] = 1,
) -> Response[str]:
    """Everybody who works here, with their roles; what each role may do."""
    return await _index(request, uow, ctx, q[:40], max(1, page_no))


async def _index(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    ctx: TenantContext,
    q: str = "",
    number: int = 1,
    form: Form[NewMember] | None = None,
) -> Response[str]:
    rows, total = await members.members(uow, words=q, offset=(number - 1) * ROWS, limit=ROWS)
    options = await _options(uow)
    registry = uow.house.registry
    explained = [
        (
            dict(options)[role.key],
            [
                str(owned.item.title)
                for key in role.permissions
                if (owned := registry.permissions.get(key)) and (owned.plugin is None or owned.plugin in ctx.plugins)
            ],
        )
        for role in await members.roles(uow)
    ]
    shown = Form.blank(NewMember) if form is None else form
    return await page(
        request,
        "tenants/members.html",
        uow,
        status=200 if form is None else 422,
        base=_base(ctx),
        rows=rows,
        titles=dict(options) | {members.FAMILY: _("家长")},
        pager=Pager(total, number, ROWS, {"q": q}, param="page_no"),
        q=q,
        form=shown.choose("roles", options),
        explained=explained,
    )


@post(_paths(""), opt=access(MAY), status_code=200)
async def add(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Make somebody a member."""
    form = await Form.from_request(NewMember, request)
    if form:
        given = form.value

        async def act() -> dict[str, Any]:
            return {"account": await members.add(uow, given.phone, given.name, given.roles)}

        async with form.attempt(uow, shows=members.RoleAbove):
            await once(uow, "members.add", form.key, given.model_dump(), act)
            return redirect(_base(ctx), flash=_("已添加%(name)s", name=given.name))
    return await _index(request, uow, ctx, form=form)


@get(_paths("/{account_id:uuid}"), opt=access(MAY))
async def edit(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    account_id: FromPath[UUID],
) -> Response[str]:
    """The roles of one member."""
    member = await members.member(uow, account_id)
    form = Form.blank(MemberRoles, {"roles": [key for key in member.roles if key != members.FAMILY]})
    return await _edit(request, uow, ctx, member, form)


async def _edit(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    ctx: TenantContext,
    member: members.Member,
    form: Form[MemberRoles],
    status: int = 200,
) -> Response[str]:
    shown = form.choose("roles", await _options(uow))
    return await page(request, "tenants/member.html", uow, status=status, base=_base(ctx), member=member, form=shown)


@post(_paths("/{account_id:uuid}"), opt=access(MAY), status_code=200)
async def save(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    account_id: FromPath[UUID],
) -> Response[Any]:
    """Give exactly these roles."""
    member = await members.member(uow, account_id)
    form = await Form.from_request(MemberRoles, request)
    if form:
        async with form.attempt(uow, shows=members.RoleAbove):
            await members.set_roles(uow, account_id, form.value.roles)
            return redirect(_base(ctx), flash=_("已保存%(name)s的角色", name=member.name))
    return await _edit(request, uow, ctx, member, form, status=422)


HANDLERS = (index, add, edit, save)
