"""Plugins of an organisation: what is there, on or off, with its settings; and what did not load."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath
from pydantic import BaseModel

from core.base.context import TenantContext
from core.base.ids import new_id
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.db.switches import plugin_settings
from core.db.uow import UnitOfWork
from core.host.loader import PluginReport
from core.web.access import access
from core.web.fields import submodel
from core.web.forms import Form
from core.web.page import page, redirect
from tenants import service

MAY = "plugins.switch"
WHY = {
    "blocked": _l("系统管理员没有允许使用"),
    "incompatible": _l("为别的版本编写，这里不能用"),
    "broken": _l("出错，没有加载"),
    "missing_requirement": _l("缺少它依赖的扩展"),
    "duplicate": _l("有两个同名的扩展，都没有加载"),
}


@dataclass(frozen=True, slots=True)
class Shown:
    """A plugin as its card shows it."""

    key: str
    title: str
    version: str
    description: str
    icon: str
    on: bool
    settings: bool
    pages: tuple[str, ...]
    needs: tuple[str, ...]


@get("/t/{tenant:str}/desk/plugins", opt=access(MAY))
async def index(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """All plugins of this installation that a school may use, and those that did not load."""
    return await page(
        request, "tenants/plugins.html", uow, plugins=await _shown(uow), broken=broken(uow), key=str(new_id())
    )


@get("/t/{tenant:str}/bureau/plugins", opt=access("tenants.provision"))
async def report(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """What this installation offers to schools and vendors, and what did not load."""
    listed = [
        (
            str(r.plugin.manifest.title),
            r.plugin.manifest.version,
            str(r.plugin.manifest.description),
            r.plugin.manifest.icon,
            sorted(r.plugin.manifest.kinds),
        )
        for r in uow.house.plugins.loaded
        if r.plugin
    ]
    return await page(request, "tenants/plugin_report.html", uow, plugins=listed, broken=broken(uow))


async def _shown(uow: UnitOfWork) -> list[Shown]:
    enabled = await service.enabled_plugins(uow)
    titles = {r.key: str(r.plugin.manifest.title) for r in uow.house.plugins.loaded if r.plugin}
    found: list[Shown] = []
    for one in uow.house.plugins.loaded:
        if one.plugin is None or uow.ctx.kind not in one.plugin.manifest.kinds:
            continue
        manifest = one.plugin.manifest
        found.append(
            Shown(
                key=one.key,
                title=str(manifest.title),
                version=manifest.version,
                description=str(manifest.description),
                icon=manifest.icon,
                on=one.key in enabled,
                settings=manifest.settings is not None and bool(_fields(manifest.settings)),
                pages=_pages(one),
                needs=tuple(titles.get(key, key) for key in manifest.requires),
            )
        )
    return found


def _pages(one: PluginReport) -> tuple[str, ...]:
    """The places in navigation that a plugin brings, named once each."""
    items = one.contribution.nav if one.contribution else ()
    return tuple(dict.fromkeys(str(item.label) for item in items))


def broken(uow: UnitOfWork) -> list[tuple[str, str, str]]:
    """(key, what is the matter, the technical reason) of each plugin that did not load."""
    return [
        (r.key, str(WHY.get(r.status, r.status)), r.reason) for r in uow.house.plugins.reports if r.status != "loaded"
    ]


def _loaded(uow: UnitOfWork, key: str) -> PluginReport:
    """The report of a plugin that this organisation may use. Raises UnknownPlugin."""
    one = uow.house.plugins.report(key)
    if one is None or one.status != "loaded" or one.plugin is None or uow.ctx.kind not in one.plugin.manifest.kinds:
        raise service.UnknownPlugin()
    return one


def _fields(model: type[BaseModel]) -> list[str]:
    """The settings that a plain form can hold."""
    return [name for name, info in model.model_fields.items() if submodel(info.annotation) is None]


@post("/t/{tenant:str}/desk/plugins/{key:str}/on", opt=access(MAY), status_code=200)
async def switch_on(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], key: FromPath[str]
) -> Response[Any]:
    """Switch on; twice is harmless."""
    return await _switch(uow, ctx, key, on=True)


@get("/t/{tenant:str}/desk/plugins/{key:str}/off", opt=access(MAY))
async def ask_off(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    key: FromPath[str],
) -> Response[str]:
    """Say what switching off does before it is done."""
    one = _loaded(uow, key)
    assert one.plugin is not None
    title = str(one.plugin.manifest.title)
    base = f"/t/{ctx.slug}/desk/plugins"
    return await page(
        request,
        "confirm.html",
        uow,
        title=_("关闭「%(title)s」", title=title),
        text=_(
            "关闭后，它的页面打不开，家长看不到它，后台工作停下，以后的账单不再算它的费用。已有的资料都保留，再打开就回来。"
        ),
        facts=[(_("不再出现的页面"), "、".join(_pages(one)) or "—")],
        action=f"{base}/{key}/off",
        key=str(new_id()),
        cancel=base,
        verb=_("关闭"),
        tone="bad",
    )


@post("/t/{tenant:str}/desk/plugins/{key:str}/off", opt=access(MAY), status_code=200)
async def switch_off(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], key: FromPath[str]
) -> Response[Any]:
    """Switch off; the data stays."""
    return await _switch(uow, ctx, key, on=False)


async def _switch(uow: UnitOfWork, ctx: TenantContext, key: str, *, on: bool) -> Response[Any]:
    here = f"/t/{ctx.slug}/desk/plugins"
    title = str(_loaded(uow, key).plugin.manifest.title)  # type: ignore[union-attr]
    try:
        await service.switch_plugin(uow, key, on=on)
    except service.PluginNeeded as refused:
        return redirect(here, flash=refused.message, level="bad")
    text = _("已打开「%(title)s」", title=title) if on else _("已关闭「%(title)s」", title=title)
    return redirect(here, flash=text)


@get("/t/{tenant:str}/desk/plugins/{key:str}/settings", opt=access(MAY))
async def settings(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], key: FromPath[str]
) -> Response[str]:
    """The form that the plugin's settings model makes."""
    one = _loaded(uow, key)
    model = _model(one)
    form = Form.blank(model, await plugin_settings(uow, key, model))
    return await _settings_page(request, uow, one, form)


def _model(one: PluginReport) -> type[BaseModel]:
    model: type[BaseModel] | None = one.plugin.manifest.settings if one.plugin else None
    if model is None or not _fields(model):
        raise service.UnknownPlugin()
    return model


async def _settings_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, one: PluginReport, form: Form[Any], status: int = 200
) -> Response[str]:
    assert one.plugin is not None
    return await page(
        request,
        "tenants/plugin_settings.html",
        uow,
        status=status,
        key=one.key,
        name=str(one.plugin.manifest.title),
        form=form,
        fields=_fields(form.model),
    )


@post("/t/{tenant:str}/desk/plugins/{key:str}/settings", opt=access(MAY), status_code=200)
async def save_settings(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    key: FromPath[str],
) -> Response[Any]:
    """Keep the settings, whether the plugin is on or not; what no form holds stays as it is."""
    one = _loaded(uow, key)
    model = _model(one)
    form = await Form.from_request(model, request)
    if not form:
        return await _settings_page(request, uow, one, form, status=422)
    before = await plugin_settings(uow, key, model)
    sent = {name: getattr(form.value, name) for name in _fields(model)}
    merged = before.model_copy(update=sent).model_dump(mode="json")
    await service.save_settings(uow, key, merged)
    return redirect(f"/t/{ctx.slug}/desk/plugins", flash=_("设置已保存"))


HANDLERS = (index, report, switch_on, ask_off, switch_off, settings, save_settings)
