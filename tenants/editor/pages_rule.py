"""One rule of a draft: its form by its kind, with every refusal beside its field."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from core.base.context import TenantContext
from core.base.errors import KehouError, NotFound
from core.base.text import gettext as _
from core.db.uow import UnitOfWork
from core.policy.catalogue import RuleDef
from core.policy.errors import PackProblem
from core.policy.explain import scope_in_words
from core.policy.kinds_sets import Steps
from core.web.access import access
from core.web.forms import Form
from core.web.page import page, redirect
from tenants.editor import service, views
from tenants.editor.fields import SCOPES, RuleForm, control, form_of, from_form, to_form
from tenants.editor.models import PackDraft
from tenants.editor.pages_draft import DRAFT_PATH, edition_of
from tenants.editor.states import WRITE

FIELDS = {"value": "value", "force": "force", "clause": "clause", "quote": "quote", "note": "note", "when": "stages"}
"""Where a fault of a rule's field is shown."""


def _definition(uow: UnitOfWork, key: str) -> RuleDef:
    catalogue = service.library(uow).catalogue
    if key not in catalogue:
        raise NotFound()
    return catalogue[key]


def _place(row: PackDraft, place: int) -> dict[str, Any]:
    rules = service.rules_of(row)
    if not 0 <= place < len(rules):
        raise NotFound()
    return rules[place]


@get(DRAFT_PATH + "/rules/{place:int}", opt=access(WRITE))
async def edit(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], draft_id: FromPath[UUID], place: FromPath[int]
) -> Response[str]:
    """A rule as it stands."""
    row = await uow.get(PackDraft, draft_id)
    raw = _place(row, place)
    rule = _definition(uow, str(raw.get("key", "")))
    form = Form.blank(form_of(rule), to_form(rule, raw))
    for problem in service.of_rule(await service.problems(uow, row), place):
        _refuse(uow, form, [problem])
    return await _rule_page(request, uow, row, rule, form, place)


@get(DRAFT_PATH + "/add", opt=access(WRITE))
async def choose(
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    draft_id: FromPath[UUID],
    key: FromQuery[str] = "",
) -> Redirect:
    """From the list of keys to the key's form."""
    await uow.get(PackDraft, draft_id)
    back = f"/t/{ctx.slug}/bureau/packs/drafts/{draft_id}"
    if key not in service.library(uow).catalogue:
        return redirect(back, flash=_("请从目录里选一条规则"), level="warn")
    return redirect(f"{back}/add/{key}")


@get(DRAFT_PATH + "/add/{key:str}", opt=access(WRITE))
async def ask_new(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], draft_id: FromPath[UUID], key: FromPath[str]
) -> Response[str]:
    """A rule to be added; where an upper level has one, its value stands there to be narrowed."""
    row = await uow.get(PackDraft, draft_id)
    rule = _definition(uow, key)
    upper = _raw_above(uow, row, key)
    first = {**to_form(rule, upper), "clause": "", "quote": "", "note": ""} if upper else {"force": "block"}
    return await _rule_page(request, uow, row, rule, Form.blank(form_of(rule), first), None)


def _raw_above(uow: UnitOfWork, row: PackDraft, key: str) -> dict[str, Any] | None:
    """The nearest upper level's rule of a key as it was written."""
    packs = service.library(uow)
    parent = row.content.get("parent")
    if not parent or parent not in packs:
        return None
    try:
        chain = packs.chain(str(parent), views.first_day(row))
    except KehouError:
        return None
    rules = [raw for pack in reversed(chain) for raw in pack.raw.get("rule", ()) if raw.get("key") == key]
    return dict(rules[0]) if rules else None


@post(DRAFT_PATH + "/rules/{place:int}", opt=access(WRITE), status_code=200)
async def save(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    draft_id: FromPath[UUID],
    place: FromPath[int],
) -> Response[Any]:
    """Keep a rule."""
    row = await uow.get(PackDraft, draft_id)
    rule = _definition(uow, str(_place(row, place).get("key", "")))
    return await _save(request, uow, ctx, row, rule, place)


@post(DRAFT_PATH + "/add/{key:str}", opt=access(WRITE), status_code=200)
async def add(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    draft_id: FromPath[UUID],
    key: FromPath[str],
) -> Response[Any]:
    """Add a rule."""
    row = await uow.get(PackDraft, draft_id)
    return await _save(request, uow, ctx, row, _definition(uow, key), None)


async def _save(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    ctx: TenantContext,
    row: PackDraft,
    rule: RuleDef,
    place: int | None,
) -> Response[Any]:
    sent = await request.form()
    form: Form[RuleForm] = Form.read(form_of(rule), sent)
    if form:
        raw = from_form(rule, form.value)
        async with form.attempt(uow):
            locked = await service.open_draft(uow, row.id, edition_of(sent))
            content = service.with_rule(locked, place, raw)
            at = len(content["rule"]) - 1 if place is None else place
            _refuse(uow, form, service.of_rule(await service.problems(uow, locked, content), at))
            if form:
                what = "rule_added" if place is None else "rule"
                await service.save(uow, locked, content, what, rule=rule.key)
                back = f"/t/{ctx.slug}/bureau/packs/drafts/{row.id}"
                return redirect(f"{back}#rule-{at}", flash=_("「%(rule)s」已保存", rule=str(rule.title)))
        await uow.session.refresh(row)
    return await _rule_page(request, uow, row, rule, form, place, status=422)


def _refuse(uow: UnitOfWork, form: Form[Any], found: Sequence[PackProblem]) -> None:
    """Each problem beside the field that it is about."""
    for problem in found:
        name = str(problem.at[2]) if len(problem.at) > 2 else "value"
        form.add_error(FIELDS.get(name, "value"), views.fault_text(problem, service.library(uow).catalogue))


async def _rule_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    row: PackDraft,
    rule: RuleDef,
    form: Form[Any],
    place: int | None,
    status: int = 200,
) -> Response[str]:
    if isinstance(rule.kind, Steps):
        form.choose("value.word", list(rule.kind.vocab.labels.items()))
    packs = service.library(uow)
    base = f"/t/{uow.ctx.slug}/bureau/packs/drafts/{row.id}"
    before = views.predecessor(packs, row.key, views.first_day(row), but=row.number)
    return await page(
        request,
        "editor/rule.html",
        uow,
        status=status,
        row=row,
        rule=rule,
        form=form,
        place=place,
        shape=control(rule.kind).shape,
        scopes=list(SCOPES),
        scoped=any(form.data.get(name) for name in SCOPES) or any(form.errors.get(name) for name in SCOPES),
        action=f"{base}/add/{rule.key}" if place is None else f"{base}/rules/{place}",
        back=base if place is None else f"{base}#rule-{place}",
        above=[e for e in views.above_of(uow, row) if e.key == rule.key],
        before=[e for e in before.entries if e.key == rule.key] if before else [],
        show_value=lambda entry: rule.kind.show(entry.value),
        show_when=lambda entry: scope_in_words(entry.when),
        default=rule.kind.show(rule.kind.parse(rule.default)) if rule.default is not None else "",
        sources=row.content.get("source", ()),
        editable=row.state == "drafted",
    )


@post(DRAFT_PATH + "/rules/{place:int}/remove", opt=access(WRITE), status_code=200)
async def remove(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    draft_id: FromPath[UUID],
    place: FromPath[int],
) -> Response[Any]:
    """Take a rule out. The edition must be the one that the page showed: places move."""
    sent = await request.form()
    back = f"/t/{ctx.slug}/bureau/packs/drafts/{draft_id}"
    try:
        async with uow.session.begin_nested():
            row = await service.open_draft(uow, draft_id, edition_of(sent) or 0)
            key = str(_place(row, place).get("key", ""))
            await service.save(uow, row, service.with_rule(row, place, None), "rule_removed", rule=key)
    except KehouError as refused:
        if refused.status == NotFound.status:
            raise
        return redirect(back, flash=refused.message, level="bad")
    return redirect(back, flash=_("已删除一条规则"))


HANDLERS = (edit, choose, ask_new, save, add, remove)
