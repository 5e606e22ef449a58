"""Plugins, members and a bureau's schools as JSON: the same services as the pages."""

from __future__ import annotations

from typing import Any, TypeVar
from uuid import UUID

from litestar import Request, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from pydantic import BaseModel, ValidationError

from core.base.errors import FieldError, Invalid
from core.base.text import lazy_gettext as _l
from core.db.idempotency import once
from core.db.uow import UnitOfWork
from core.web.access import access
from core.web.i18n import mask_phone
from core.web.messages import field_errors
from tenants import members, schools, service
from tenants.pages_members import AREAS
from tenants.pages_plugins import broken
from tenants.pages_schools import pack_titles, people_of
from tenants.schemas import MemberRoles, NewMember, NewSchool

M = TypeVar("M", bound=BaseModel)


class Switch(BaseModel):
    """On or off."""

    on: bool


async def _body(request: Request[Any, Any, Any], model: type[M]) -> M:
    """The JSON body as `model`. Raises Invalid, naming each wrong field."""
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        raise Invalid(fields=field_errors(model, error)) from error


def _key(request: Request[Any, Any, Any]) -> str | None:
    return request.headers.get("idempotency-key")


def _members(tail: str = "") -> list[str]:
    return [f"/api/t/{{tenant:str}}/{area}/members{tail}" for area in AREAS.values()]


@get("/api/t/{tenant:str}/desk/plugins", opt=access("plugins.switch"))
async def get_plugins(uow: NamedDependency[UnitOfWork]) -> dict[str, Any]:
    """Plugins that this school may use, on or off, and those that did not load."""
    enabled = await service.enabled_plugins(uow)
    listed = [
        {
            "key": r.key,
            "title": str(r.plugin.manifest.title),
            "version": r.plugin.manifest.version,
            "on": r.key in enabled,
        }
        for r in uow.house.plugins.loaded
        if r.plugin is not None and uow.ctx.kind in r.plugin.manifest.kinds
    ]
    return {"plugins": listed, "not_loaded": [{"key": k, "why": w, "reason": r} for k, w, r in broken(uow)]}


@put("/api/t/{tenant:str}/desk/plugins/{key:str}", opt=access("plugins.switch"))
async def put_plugin(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], key: FromPath[str]
) -> dict[str, Any]:
    """{"on": true} or {"on": false}."""
    switch = await _body(request, Switch)
    await service.switch_plugin(uow, key, on=switch.on)
    return {"key": key, "on": switch.on}


@get(_members(), opt=access(members.KEEPER))
async def get_members(
    uow: NamedDependency[UnitOfWork], q: FromQuery[str] = "", offset: FromQuery[int] = 0
) -> dict[str, Any]:
    """Members with their roles, 100 at a time; phones masked."""
    rows, total = await members.members(uow, words=q[:40], offset=max(0, offset), limit=100)
    listed = [
        {"account": m.account_id, "name": m.name, "phone": mask_phone(m.phone), "roles": list(m.roles)} for m in rows
    ]
    return {"total": total, "members": listed}


@post(_members(), opt=access(members.KEEPER), status_code=201)
async def post_member(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> dict[str, Any]:
    """{"name", "phone", "roles"} → {"account"}; wants an Idempotency-Key."""
    given = await _body(request, NewMember)

    async def act() -> dict[str, Any]:
        return {"account": await members.add(uow, given.phone, given.name, given.roles)}

    return await once(uow, "members.add", _key(request), given.model_dump(), act)


@put(_members("/{account_id:uuid}"), opt=access(members.KEEPER))
async def put_member(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], account_id: FromPath[UUID]
) -> dict[str, Any]:
    """{"roles": […]}: exactly these; none ends the membership."""
    given = await _body(request, MemberRoles)
    await members.set_roles(uow, account_id, given.roles)
    return {"account": account_id, "roles": given.roles}


@get("/api/t/{tenant:str}/bureau/schools", opt=access("tenants.provision"))
async def get_schools(uow: NamedDependency[UnitOfWork]) -> dict[str, Any]:
    """The schools under this bureau, by name."""
    listed = [
        {"slug": s.slug, "name": s.name, "level": s.level, "pack": s.pack, "state": s.state}
        for s in await schools.schools_under(uow)
    ]
    return {"schools": listed}


@post("/api/t/{tenant:str}/bureau/schools", opt=access("tenants.provision"), status_code=201)
async def post_school(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> dict[str, Any]:
    """A school with its first people → {"id", "slug"}; wants an Idempotency-Key."""
    given = await _body(request, NewSchool)
    if given.pack is not None and given.pack not in pack_titles(uow):
        raise Invalid(fields=[FieldError("pack", _l("请从列出的选项中选择"), "choice")])

    async def act() -> dict[str, Any]:
        made = await schools.provision_school(
            uow,
            slug=given.slug,
            name=given.name,
            level=given.level,
            pack=given.pack,
            plugins=given.plugins,
            people=people_of(given),
        )
        return {"id": made.tenant_id, "slug": made.slug}

    return await once(uow, "tenants.provision", _key(request), given.model_dump(), act)


HANDLERS = (get_plugins, put_plugin, get_members, post_member, put_member, get_schools, post_school)
