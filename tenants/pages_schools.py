"""The bureau's schools: set one up, see which stand under it."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency

from core.base import clock
from core.base.context import TenantContext
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.db.idempotency import once
from core.db.uow import UnitOfWork
from core.policy.library import PackLibrary
from core.web.access import access
from core.web.forms import Form
from core.web.page import page, redirect
from tenants import schools
from tenants.schemas import NewSchool

MAY = "tenants.provision"
LEVELS = {"primary": _l("小学"), "junior": _l("初中"), "nine_year": _l("九年一贯制")}
STATES = {"active": _l("使用中"), "suspended": _l("已停用"), "provisioning": _l("正在建立"), "closed": _l("已关闭")}


def pack_titles(uow: UnitOfWork) -> dict[str, str]:
    """Packs in force today by key, the bureau's own first."""
    try:
        library = uow.house.get(PackLibrary)
    except LookupError:
        return {}
    ours = (None, uow.ctx.tenant_id)
    found = {pack.key: pack.title for pack in library.choices(on=clock.today()) if pack.organisation_id in ours}
    mine = uow.ctx.pack
    return dict(sorted(found.items(), key=lambda item: (item[0] != mine, item[1])))


@get("/t/{tenant:str}/bureau/schools", opt=access(MAY))
async def index(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """The schools under this bureau, by name."""
    return await page(
        request,
        "tenants/schools.html",
        uow,
        schools=await schools.schools_under(uow),
        packs=pack_titles(uow),
        levels=LEVELS,
        states=STATES,
    )


@get("/t/{tenant:str}/bureau/schools/new", opt=access(MAY))
async def ask(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """The form for a new school."""
    plugins = schools.switchable(uow.house, "school")
    return await _form_page(request, uow, Form.blank(NewSchool, {"pack": uow.ctx.pack, "plugins": plugins}))


async def _form_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, form: Form[NewSchool], status: int = 200
) -> Response[str]:
    loaded = uow.house.plugins.loaded
    titles = {r.key: str(r.plugin.manifest.title) for r in loaded if r.plugin}
    form.choose("plugins", [(key, titles[key]) for key in schools.switchable(uow.house, "school")])
    form.choose("pack", list(pack_titles(uow).items()))
    return await page(request, "tenants/school_new.html", uow, status=status, form=form)


@post("/t/{tenant:str}/bureau/schools", opt=access(MAY), status_code=200)
async def create(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Have the installation set up the school."""
    form = await Form.from_request(NewSchool, request)
    if form:
        given = form.value
        if given.pack is not None and given.pack not in pack_titles(uow):
            form.add_error("pack", _("请从列出的选项中选择"))
        if bool(given.office_name) != bool(given.office_phone):
            form.add_error("office_phone" if given.office_name else "office_name", _("姓名和手机号要一起填"))
        if given.office_phone is not None and given.office_phone == given.principal_phone:
            form.add_error("office_phone", _("和校长的手机号相同，请填经办人自己的"))
    if form:

        async def act() -> dict[str, Any]:
            made = await schools.provision_school(
                uow,
                slug=form.value.slug,
                name=form.value.name,
                level=form.value.level,
                pack=form.value.pack,
                plugins=form.value.plugins,
                people=people_of(form.value),
            )
            return {"id": made.tenant_id}

        async with form.attempt(uow):
            await once(uow, "tenants.provision", form.key, form.value.model_dump(), act)
            return redirect(f"/t/{ctx.slug}/bureau/schools", flash=_("「%(name)s」已建立", name=form.value.name))
    return await _form_page(request, uow, form, status=422)


def people_of(given: NewSchool) -> list[schools.FirstPerson]:
    """Who begins in the school that the form describes."""
    found = [schools.FirstPerson(given.principal_name, given.principal_phone, "principal")]
    if given.office_phone is not None:
        found.append(schools.FirstPerson(given.office_name, given.office_phone, "office"))
    return found


HANDLERS = (index, ask, create)
