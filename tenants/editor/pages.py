"""The bureau's packs: the list, one pack with its versions, copying one, putting schools under one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base import clock
from core.base.context import TenantContext
from core.base.errors import NotFound
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.base.text import ngettext
from core.db.correspondence import children
from core.db.idempotency import once
from core.db.uow import UnitOfWork
from core.policy.ask import EffectivePack
from core.policy.explain import explain
from core.policy.kinds import Forbidden
from core.policy.library import PackLibrary
from core.policy.pages import groups_of, replaced
from core.policy.types import Pack
from core.policy.versions import days_of, state_of, versions_of
from core.web.access import access
from core.web.forms import Form
from core.web.i18n import fdate
from core.web.markup import Pager
from core.web.page import page, redirect
from tenants.editor import letters, service, views
from tenants.editor.models import PackDraft
from tenants.editor.schemas import Binding, NewDraft
from tenants.editor.states import DRAFT, PUBLISH, TONES, WRITE

BASE = "/t/{tenant:str}/bureau/packs"
SIZE = 20
ORIGINS = {True: _l("随产品提供"), False: _l("本局发布")}


@dataclass(frozen=True, slots=True)
class PackRow:
    """One pack of the list, by the version that counts today."""

    pack: Pack
    days: str
    state: str
    tone: str
    schools: int
    coming: str
    origin: str


async def _bound(uow: UnitOfWork) -> dict[str, int]:
    """How many schools under this bureau follow each pack."""
    found: dict[str, int] = {}
    for school in await children(uow):
        if school.pack:
            found[school.pack] = found.get(school.pack, 0) + 1
    return found


def _row(packs: PackLibrary, pack: Pack, schools: int) -> PackRow:
    today = clock.today()
    state, tone = state_of(pack, today)
    later = [p.valid_from for p in packs if p.key == pack.key and p.valid_from and p.valid_from > today and p != pack]
    return PackRow(
        pack=pack,
        days=days_of(pack),
        state=state,
        tone=tone,
        schools=schools,
        coming=_("%(day)s 起有新版本", day=fdate(min(later))) if later else "",
        origin=str(ORIGINS[pack.organisation_id is None]),
    )


@get(BASE, opt=access(WRITE, PUBLISH))
async def index(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    q: FromQuery[str] = "",
    at: FromQuery[int] = 1,
    drafts_at: FromQuery[int] = 1,
) -> Response[str]:
    """Drafts, then packs: those that bind schools here first."""
    packs, bound = service.library(uow), await _bound(uow)
    word = q.strip().casefold()
    keys = [key for key in packs.keys() if any(p.key == key and service.visible(uow, p) for p in packs)]  # noqa: SIM118
    shown = [service.version_shown(packs, key) for key in keys]
    shown = [p for p in shown if word in f"{p.title} {p.key} {p.issuer} {p.territory}".casefold()]
    shown.sort(key=lambda p: (-bound.get(p.key, 0), p.key != uow.ctx.pack, p.level.rank, p.key))
    pager = Pager(len(shown), max(1, at), SIZE, {"q": q}, "at")
    some = shown[pager.offset : pager.offset + SIZE]
    draft_pager = Pager(0, max(1, drafts_at), SIZE, {"q": q}, "drafts_at")
    total, rows = await service.drafts(uow, offset=draft_pager.offset, limit=SIZE)
    return await page(
        request,
        "editor/index.html",
        uow,
        rows=[_row(packs, p, bound.get(p.key, 0)) for p in some],
        pager=pager,
        q=q,
        drafts=rows,
        draft_pager=Pager(total, max(1, drafts_at), SIZE, {"q": q}, "drafts_at"),
        state_title=DRAFT.title,
        tones=TONES,
        starts_of=views.starts_of,
        may_write=uow.ctx.may(WRITE),
    )


@get(BASE + "/key/{key:str}", opt=access(WRITE, PUBLISH))
async def show(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], key: FromPath[str]) -> Response[str]:
    """One pack: its versions, what each changed, and the schools that follow it."""
    return await _pack_page(request, uow, key, Form.blank(Binding))


async def _pack_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, key: str, form: Form[Binding], status: int = 200
) -> Response[str]:
    packs = service.library(uow)
    pack = service.version_shown(packs, key)
    if not service.visible(uow, pack):
        raise NotFound()
    below = await children(uow)
    titles = {p.key: p.title for p in packs}
    others = [s for s in below if s.pack != key]
    form.choose("schools", [(s.id, f"{s.name}（{titles.get(s.pack or '', _('没有规则包'))}）") for s in others])
    return await page(
        request,
        "editor/pack.html",
        uow,
        status=status,
        pack=pack,
        days=days_of(pack),
        state=state_of(pack, clock.today()),
        versions=versions_of(packs, key),
        groups=groups_of(explain(_on_its_days(packs, pack), defaults=False)),
        replaced=lambda entries: replaced(uow, entries),
        forbidden=frozenset(rule.key for rule in packs.catalogue if isinstance(rule.kind, Forbidden)),
        parent=service.version_shown(packs, pack.parent) if pack.parent in packs and pack.parent else None,
        below=[p for p in packs if p.parent == key and service.visible(uow, p)],
        followers=[s for s in below if s.pack == key],
        form=form,
        may_write=uow.ctx.may(WRITE),
        may_bind=uow.ctx.may(PUBLISH) and bool(others),
        ours=await service.is_ours(uow, packs, key),
        origin=ORIGINS[pack.organisation_id is None],
    )


def _on_its_days(packs: PackLibrary, pack: Pack) -> EffectivePack:
    """The pack with its upper levels, today or on the first day on which it counts."""
    day = clock.today()
    return packs.effective(pack.key, day if pack.valid_on(day) else pack.valid_from or pack.valid_to or day)


@post(BASE + "/key/{key:str}/schools", opt=access(PUBLISH), status_code=200)
async def bind(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    key: FromPath[str],
) -> Response[Any]:
    """Put schools under this pack from now on."""
    pack = service.version_shown(service.library(uow), key)
    if not service.visible(uow, pack):
        raise NotFound()
    form = await Form.from_request(Binding, request)
    if form and not pack.valid_on(clock.today()):
        form.add_error("schools", _("这个规则包还没有生效，生效以后才能让学校改用"))
    if not form:
        return await _pack_page(request, uow, key, form, status=422)

    async def act() -> dict[str, Any]:
        return {"many": await letters.bind(uow, key, form.value.schools)}

    done = await once(uow, "packs.bind", form.key, {"key": key, **form.value.model_dump()}, act)
    told = ngettext("%(num)s 所学校改用这个规则包", "%(num)s 所学校改用这个规则包", int(done["many"]))
    return redirect(f"/t/{ctx.slug}/bureau/packs/key/{key}", flash=told)


@get(BASE + "/key/{key:str}/copy", opt=access(WRITE))
async def ask_copy(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], key: FromPath[str]
) -> Response[str]:
    """What the copy is to be: the next version, or a pack below."""
    return await _copy_page(request, uow, key, Form.blank(NewDraft, {"how": "version"}))


async def _copy_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, key: str, form: Form[NewDraft], status: int = 200
) -> Response[str]:
    packs = service.library(uow)
    pack = service.version_shown(packs, key)
    if not service.visible(uow, pack):
        raise NotFound()
    ours = await service.is_ours(uow, packs, key)
    return await page(request, "editor/copy.html", uow, status=status, pack=pack, form=form, ours=ours)


@post(BASE + "/key/{key:str}/copy", opt=access(WRITE), status_code=200)
async def copy(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    key: FromPath[str],
) -> Response[Any]:
    """Begin the draft."""
    form = await Form.from_request(NewDraft, request)
    if form and form.value.valid_from < clock.today():
        form.add_error("valid_from", str(views.FAULTS["past"]))
    if form:
        given = form.value

        async def make() -> PackDraft:
            if given.how == "version":
                return await service.copy_version(uow, key, given.valid_from)
            return await service.copy_below(
                uow,
                key,
                valid_from=given.valid_from,
                new_key=given.key,
                title=given.title,
                level=given.level or "",
                bring=given.bring,
            )

        async with form.attempt(uow):
            made = await form.once(uow, "packs.copy", make, {"from": key, **given.model_dump()})
            return redirect(f"/t/{ctx.slug}/bureau/packs/drafts/{made}")
    return await _copy_page(request, uow, key, form, status=422)


HANDLERS = (index, show, bind, ask_copy, copy)
