"""A draft: its rules with their clauses, its faults, what it would change, and the way to publication."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath

from core.base.context import TenantContext
from core.base.errors import KehouError, NotFound
from core.base.text import gettext as _
from core.base.text import ngettext
from core.db.idempotency import once
from core.db.states import history
from core.db.uow import UnitOfWork, plain
from core.policy import published
from core.policy.catalogue import GROUPS
from core.policy.errors import PackProblem
from core.policy.library import NOTHING
from core.policy.types import Level
from core.policy.versions import days_of
from core.web.access import access
from core.web.forms import Form
from core.web.i18n import fdate
from core.web.page import page, redirect
from tenants.editor import letters, service, views
from tenants.editor.models import PackDraft
from tenants.editor.pages import BASE
from tenants.editor.schemas import Head, Reason, SourceFile
from tenants.editor.states import DRAFT, PUBLISH, TONES, WRITE

DRAFT_PATH = BASE + "/drafts/{draft_id:uuid}"
MOST_BYTES = 20_000_000


def edition_of(sent: Any) -> int | None:
    """The edition that a form was drawn from, as it was sent; None when it says none."""
    given = str(sent.get("edition", ""))
    return int(given) if given.isascii() and given.isdigit() else None


@get(DRAFT_PATH, opt=access(WRITE, PUBLISH))
async def show(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], draft_id: FromPath[UUID]
) -> Response[str]:
    """The whole draft."""
    row = await uow.get(PackDraft, draft_id)
    return await _draft_page(request, uow, row, Form.blank(Reason))


async def _draft_page(
    request: Request[Any, Any, Any], uow: UnitOfWork, row: PackDraft, form: Form[Reason], status: int = 200
) -> Response[str]:
    packs = service.library(uow)
    still_open = row.state != "published"
    found = await service.problems(uow, row) if still_open else []
    unread: list[PackProblem] = []
    pack = published.read_draft(row.content, packs.catalogue, unread)
    changed = views.changes_of(uow, row, pack)
    parent = row.content.get("parent")
    actor = uow.ctx.actor.account_id
    return await page(
        request,
        "editor/draft.html",
        uow,
        status=status,
        row=row,
        form=form,
        head=row.content,
        starts=views.starts_of(row),
        days=days_of(replace(NOTHING, valid_from=views.starts_of(row), valid_to=views.ends_of(row))),
        level=Level(row.content["level"]).label if row.content.get("level") in set(Level) else "",
        parent=service.version_shown(packs, parent) if parent and parent in packs else None,
        groups=views.rule_groups(uow, row, found, changed),
        many=len(service.rules_of(row)),
        faults=views.faults(found, packs.catalogue),
        changed=changed,
        is_new=row.key not in packs,
        trial=views.progress(await letters.trials(uow, row)),
        concerned=await letters.schools_concerned(uow, packs, row.key, parent),
        history=await history(uow, DRAFT, row.id),
        state=DRAFT.title(row.state),
        tone=TONES[row.state],
        editable=row.state == "drafted" and uow.ctx.may(WRITE),
        may_write=uow.ctx.may(WRITE),
        may_publish=uow.ctx.may(PUBLISH),
        same_person=actor in (row.proposed_by_id, row.edited_by_id),
        title_of={(name): move.title for (_source, name), move in DRAFT.moves.items()},
        catalogue=[
            (title, [r for r in packs.catalogue if r.group == key]) for key, title in GROUPS.items()
        ],
        show_value=lambda entry: packs.catalogue[entry.key].kind.show(entry.value),
        digest=published.digest(row.content),
    )  # fmt: skip


# ---- the head -----------------------------------------------------------------------------------------------

SINGLE = ("title", "issuer", "territory", "valid_from", "valid_to", "stages", "ownership", "provisional", "summary")


@get(DRAFT_PATH + "/head", opt=access(WRITE))
async def ask_head(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], draft_id: FromPath[UUID]
) -> Response[str]:
    """Issuer, days and documents."""
    row = await uow.get(PackDraft, draft_id)
    given = {name: row.content.get(name) for name in (*SINGLE, "source") if row.content.get(name) is not None}
    given["unruled"] = "\n".join(row.content.get("unruled", ()))
    return await _head_page(request, uow, row, Form.blank(Head, given))


async def _head_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    row: PackDraft,
    form: Form[Head],
    upload: Form[SourceFile] | None = None,
    status: int = 200,
) -> Response[str]:
    found = [p for p in await service.problems(uow, row) if not (p.at and p.at[0] == "rule" and len(p.at) > 1)]
    return await page(
        request,
        "editor/head.html",
        uow,
        status=status,
        row=row,
        form=form,
        upload=upload
        if upload is not None
        else Form.blank(SourceFile, {"ref": str(len(row.content.get("source", ())) + 1)}),
        faults=views.faults(found, service.library(uow).catalogue),
    )


@post(DRAFT_PATH + "/head", opt=access(WRITE), status_code=200)
async def save_head(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    draft_id: FromPath[UUID],
) -> Response[Any]:
    """Keep the head."""
    sent = await request.form()
    dropped = {name[: -len("drop")] for name in sent if name.endswith(".drop")}
    kept = {n: sent.getall(n) if "." in n or n in ("stages", "ownership") else sent[n] for n in sent}
    form = Form.read(Head, {n: v for n, v in kept.items() if not any(n.startswith(prefix) for prefix in dropped)})
    if form:
        async with form.attempt(uow):
            row = await service.open_draft(uow, draft_id, edition_of(sent))
            content = {**row.content, **_head(form.value)}
            if form.value.valid_to is None:
                content.pop("valid_to", None)
            _refuse_head(form, [p for p in await service.problems(uow, row, content) if p.at])
            if form:
                await service.save(uow, row, content, "head")
                return redirect(f"/t/{ctx.slug}/bureau/packs/drafts/{draft_id}", flash=_("已保存"))
    row = await uow.get(PackDraft, draft_id)
    return await _head_page(request, uow, row, form, status=422)


def _head(given: Head) -> dict[str, Any]:
    values = {name: getattr(given, name) for name in SINGLE if getattr(given, name) is not None}
    values["unruled"] = [line.strip() for line in given.unruled.splitlines() if line.strip()]
    values["source"] = [{k: v for k, v in one.model_dump().items() if v or k != "lines"} for one in given.source]
    return dict(plain(values))


def _refuse_head(form: Form[Head], found: list[PackProblem]) -> None:
    """Faults of the days belong beside their fields. An own document may still be missing in a draft."""
    for problem in found:
        if problem.at[0] in ("valid_from", "valid_to") and problem.code:
            form.add_error(str(problem.at[0]), str(views.FAULTS[problem.code]) % _dates(problem))


def _dates(problem: PackProblem) -> dict[str, Any]:
    return {name: fdate(day) if hasattr(day, "year") else day for name, day in problem.told.items()}


@post(DRAFT_PATH + "/source", opt=access(WRITE), status_code=200)
async def add_source(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    draft_id: FromPath[UUID],
) -> Response[Any]:
    """Add a document by its file, of which only the SHA-256 is kept."""
    sent = await request.form()
    form = Form.read(SourceFile, sent)
    paper = form.data.get("paper")
    body = await paper.read(MOST_BYTES + 1) if isinstance(paper, UploadFile) and paper.filename else b""
    if form and not body:
        form.add_error("paper", _("请选择文件"))
    if form and len(body) > MOST_BYTES:
        form.add_error("paper", _("文件不能超过 20 MB"))
    if form and isinstance(paper, UploadFile):
        async with form.attempt(uow):
            row = await service.open_draft(uow, draft_id, edition_of(sent))
            digest = hashlib.sha256(body).hexdigest()
            name = paper.filename.replace("\\", "/").rpartition("/")[2][:120]
            source = {"ref": form.value.ref, "document": form.value.document, "file": name, "sha256": digest}
            content = {**row.content, "source": [*row.content.get("source", ()), source]}
            await service.save(uow, row, content, "source", sha256=digest)
            return redirect(f"/t/{ctx.slug}/bureau/packs/drafts/{draft_id}/head", flash=_("依据文件已加上"))
    row = await uow.get(PackDraft, draft_id)
    given = {name: row.content.get(name) for name in (*SINGLE, "source") if row.content.get(name) is not None}
    given["unruled"] = "\n".join(row.content.get("unruled", ()))
    return await _head_page(request, uow, row, Form.blank(Head, given), form, status=422)


# ---- what would change --------------------------------------------------------------------------------------


@post(DRAFT_PATH + "/try", opt=access(WRITE), status_code=200)
async def try_out(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    draft_id: FromPath[UUID],
) -> Response[Any]:
    """Ask the schools what would change there."""
    sent = await request.form()
    back = f"/t/{ctx.slug}/bureau/packs/drafts/{draft_id}"
    row = await uow.get(PackDraft, draft_id)

    async def act() -> dict[str, Any]:
        return {"many": await letters.ask_schools(uow, draft_id)}

    try:
        async with uow.session.begin_nested():
            content = {"draft": draft_id, "sha256": published.digest(row.content)}
            done = await once(uow, "packs.try", str(sent.get("_key", "")), content, act)
    except KehouError as refused:
        return redirect(back, flash=refused.message, level="bad")
    if not done["many"]:
        return redirect(back, flash=_("还没有学校适用这个规则包，没有可以测算的"), level="warn")
    return redirect(f"{back}#trial")


@get(DRAFT_PATH + "/trials", opt=access(WRITE, PUBLISH))
async def trial_part(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], draft_id: FromPath[UUID]
) -> Response[str]:
    """The bar and the schools' answers so far, for a page that waits."""
    row = await uow.get(PackDraft, draft_id)
    return await page(request, "editor/_trial.html", uow, row=row, trial=views.progress(await letters.trials(uow, row)))


# ---- deciding -----------------------------------------------------------------------------------------------


@post(DRAFT_PATH + "/propose", opt=access(WRITE), status_code=200)
async def propose(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], draft_id: FromPath[UUID]
) -> Response[Any]:
    """Put it before a second person."""
    back = f"/t/{ctx.slug}/bureau/packs/drafts/{draft_id}"
    try:
        async with uow.session.begin_nested():
            await service.propose(uow, draft_id)
    except KehouError as refused:
        return redirect(back, flash=refused.message, level="bad")
    return redirect(back, flash=_("已提交，等待另一位同事审核发布"))


@post(DRAFT_PATH + "/publish", opt=access(PUBLISH), status_code=200)
async def publish(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], draft_id: FromPath[UUID]
) -> Response[Any]:
    """Publish; the schools are told."""
    back = f"/t/{ctx.slug}/bureau/packs/drafts/{draft_id}"
    try:
        async with uow.session.begin_nested():
            row = await service.publish(uow, draft_id)
            many = await letters.tell_schools(uow, row)
    except KehouError as refused:
        if refused.status == NotFound.status:
            raise
        return redirect(back, flash=refused.message, level="bad")
    told = ngettext("已发布，并通知了 %(num)s 所学校", "已发布，并通知了 %(num)s 所学校", many)
    return redirect(back, flash=told)


@post(DRAFT_PATH + "/reject", opt=access(PUBLISH), status_code=200)
async def reject(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    draft_id: FromPath[UUID],
) -> Response[Any]:
    """Send it back with a reason."""
    form = await Form.from_request(Reason, request)
    if form:
        async with form.attempt(uow):
            await service.move(uow, draft_id, "reject", form.value.reason)
            return redirect(f"/t/{ctx.slug}/bureau/packs/drafts/{draft_id}", flash=_("已退回"))
    row = await uow.get(PackDraft, draft_id)
    return await _draft_page(request, uow, row, form, status=422)


@post(DRAFT_PATH + "/move/{event:str}", opt=access(WRITE), status_code=200)
async def move(
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    draft_id: FromPath[UUID],
    event: FromPath[str],
) -> Response[Any]:
    """Withdraw, drop or revise."""
    if event not in ("withdraw", "drop", "revise"):
        raise NotFound()
    back = f"/t/{ctx.slug}/bureau/packs/drafts/{draft_id}"
    try:
        async with uow.session.begin_nested():
            await service.move(uow, draft_id, event)
    except KehouError as refused:
        if refused.status == NotFound.status:
            raise
        return redirect(back, flash=refused.message, level="bad")
    return redirect(back)


HANDLERS = (show, ask_head, save_head, add_source, try_out, trial_part, propose, publish, reject, move)
