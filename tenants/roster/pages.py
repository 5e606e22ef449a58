"""The office's pages of the roster: upload, dry run, import, undo."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery
from pydantic import BaseModel, ConfigDict

from core.base import clock
from core.base.context import TenantContext
from core.base.ids import new_id
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.db.kernel_tables import JobRun
from core.db.uow import UnitOfWork
from core.terms.service import NoTerm, current_term
from core.web.access import access
from core.web.fields import Ui
from core.web.forms import Form
from core.web.markup import Pager
from core.web.page import page, redirect
from tenants.roles import STANDARD_ROLES
from tenants.roster import service
from tenants.roster.images import UndoRefused
from tenants.roster.models import RosterImport, RosterLine
from tenants.roster.states import IMPORT
from tenants.roster.summary import read
from tenants.roster.template import file_name, template
from tenants.roster.workbook import MIME

ROWS = 25
MAY = "roster.import"
KINDS = {
    "error": _l("错误"),
    "doubt": _l("请核对"),
    "changed": _l("有变化的学生"),
    "left": _l("文件里没有的学生"),
}
STAGES = {
    "accounts": _l("准备登录账号"),
    "classes": _l("建立班级"),
    "staff": _l("写入教职工"),
    "students": _l("写入学生"),
    "guardians": _l("写入家长"),
    "collectors": _l("写入接送人"),
    "notes": _l("加密备注"),
    "roles": _l("发放登录身份"),
    "left": _l("标记离校"),
    "images": _l("记录修改前的样子"),
}
ENCODING_NAMES = {
    "utf-8": "UTF-8",
    "gb18030": "GB18030（GBK）",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 LE",
    "utf-16-be": "UTF-16 BE",
}


class Upload(BaseModel):
    """A roster file."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    file: Annotated[
        UploadFile,
        Ui(
            _l("花名册文件"),
            help=_l(".xlsx、.xls、.ods 或 .csv，最大 20 MB，每张工作表最多 20,000 行。先检查，不会马上保存"),
            kind="file",
            accept=".xlsx,.xls,.ods,.csv,text/csv",
        ),
    ]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the dry run in the reader's language."""

    sheet: str
    row: int | None
    title: str
    text: str


@get("/t/{tenant:str}/desk/roster", opt=access(MAY))
async def index(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> Response[str]:
    """Upload a roster; earlier ones below."""
    return await page(request, "roster/index.html", uow, form=Form.blank(Upload), imports=await _listed(uow))


async def _listed(uow: UnitOfWork) -> list[tuple[RosterImport, str, bool]]:
    return [(row, IMPORT.title(row.state), may_undo(row)) for row in await service.recent(uow)]


def may_undo(row: RosterImport) -> bool:
    """Whether the time to take an import back has not run out."""
    return (
        row.state == "imported"
        and row.imported_at is not None
        and clock.now() - row.imported_at <= timedelta(days=service.UNDO_DAYS)
    )


@get("/t/{tenant:str}/desk/roster/template", opt=access(MAY))
async def blank_template(uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]) -> Response[bytes]:
    """The blank workbook."""
    try:
        term = (await current_term(uow)).code
    except NoTerm:
        term = ""
    return download(template(), file_name(ctx.name, _("花名册模板"), term, clock.today()))


def download(body: bytes, name: str) -> Response[bytes]:
    """A workbook to save under a Chinese name."""
    from urllib.parse import quote

    disposition = f"attachment; filename=\"roster.xlsx\"; filename*=UTF-8''{quote(name)}"
    return Response(body, media_type=MIME, headers={"content-disposition": disposition})


@post("/t/{tenant:str}/desk/roster", opt=access(MAY), status_code=200)
async def upload(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext]
) -> Response[Any]:
    """Keep the file and go to its page, where the check's bar runs."""
    form = await Form.from_request(Upload, request)
    if form:
        sent = form.value.file
        body = await sent.read()
        about = {"size": len(body), "name": sent.filename}
        async with form.attempt(uow):
            made = await form.once(uow, "roster.upload", lambda: service.upload(uow, sent.filename, body), about)
            return redirect(f"/t/{ctx.slug}/desk/roster/{made}")
    form.data.pop("file", None)
    return await page(request, "roster/index.html", uow, form=form, imports=await _listed(uow), status=422)


@get("/t/{tenant:str}/desk/roster/{import_id:uuid}", opt=access(MAY))
async def show(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    import_id: FromPath[UUID],
    show: FromQuery[str] = "",
    page_no: FromQuery[int] = 1,
) -> Response[str]:
    """One upload: its bar while a worker is at it, then what the file would change and what is wrong in it."""
    row = await uow.get(RosterImport, import_id)
    run = await uow.find(JobRun, row.run_id) if row.run_id else None
    counts = await service.line_counts(uow, import_id)
    kinds = [kind for kind in KINDS if counts.get(kind)]
    kind = show if show in kinds else (kinds[0] if kinds else "")
    pager = Pager(counts.get(kind, 0), max(1, page_no), ROWS, {"show": kind}, param="page_no")
    lines = await service.page_of_lines(uow, import_id, kind, pager.offset, ROWS) if kind else []
    base = request.url.path
    return await page(
        request,
        "roster/show.html",
        uow,
        row=row,
        summary=row.summary,
        state=IMPORT.title(row.state),
        job=_job(row, run, base),
        tabs_of=[(f"{KINDS[k]} {counts[k]}", f"{base}?show={k}", k == kind, 0) for k in kinds],
        kind=kind,
        lines=[_line(line) for line in lines],
        pager=pager,
        problems=[(p["severity"], read(p["text"])) for p in row.summary.get("problems", [])],
        roles=_roles(row.summary),
        previews=[
            (name, ENCODING_NAMES.get(name, name), rows) for name, rows in row.summary.get("previews", {}).items()
        ],
        may_undo=may_undo(row),
        undo_days=service.UNDO_DAYS,
        has_body=await service.has_body(uow, import_id),
        key=str(new_id()),
    )


def _line(line: RosterLine) -> Line:
    return Line(line.sheet, line.row, line.title, read(line.text))


def _roles(summary: dict[str, Any]) -> list[tuple[str, int, bool]]:
    """(role's name, how many would hold it, whether it is given)."""
    titles = STANDARD_ROLES["school"]
    given = summary.get("given", {})
    return [(str(titles[key]), n, key in given) for key, n in summary.get("roles", {}).items() if key in titles]


def _job(row: RosterImport, run: JobRun | None, base: str) -> dict[str, Any] | None:
    """What the bar shows; None when no worker is at it."""
    if row.state not in ("uploaded", "importing"):
        return None
    label = _("正在检查文件，可以离开这一页，检查好了再回来看") if row.state == "uploaded" else _("正在导入")
    note = str(STAGES.get(run.note, "")) if run and row.state == "importing" else ""
    failed = ""
    if run and run.state == "failed":
        failed = _("后台没有完成这项工作。请放弃这个文件，重新上传；如果再次出现，请联系系统管理员")
    return {
        "value": run.done if run else 0,
        "total": run.total if run else 0,
        "label": f"{label}{_('：') if note else ''}{note}",
        "poll": f"{base.removesuffix('/progress')}/progress",
        "failed": failed,
    }


@get("/t/{tenant:str}/desk/roster/{import_id:uuid}/progress", opt=access(MAY))
async def progress(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], import_id: FromPath[UUID]
) -> Response[Any]:
    """The bar alone; when the worker has finished, the whole page is asked for again."""
    row = await uow.get(RosterImport, import_id)
    run = await uow.find(JobRun, row.run_id) if row.run_id else None
    job = _job(row, run, request.url.path)
    if job is None:
        return Response("", headers={"HX-Refresh": "true"})
    return await page(request, "roster/_progress.html", uow, job=job)


@get("/t/{tenant:str}/desk/roster/{import_id:uuid}/errors", opt=access(MAY))
async def errors(uow: NamedDependency[UnitOfWork], import_id: FromPath[UUID]) -> Response[bytes]:
    """The uploaded rows with the reasons in the last column."""
    row = await uow.get(RosterImport, import_id)
    body = await service.workbook_of(uow, import_id)
    await uow.audit("roster.errors", "roster_import", import_id)
    return download(body, file_name(row.file_name.rpartition(".")[0], _("错误原因"), "", clock.today()))


@post("/t/{tenant:str}/desk/roster/{import_id:uuid}/encoding", opt=access(MAY), status_code=200)
async def choose_encoding(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    import_id: FromPath[UUID],
) -> Response[Any]:
    """Read the CSV with another encoding."""
    sent = await request.form()
    await service.check_again(uow, import_id, str(sent.get("encoding", "")) or None)
    return redirect(f"/t/{ctx.slug}/desk/roster/{import_id}")


@post("/t/{tenant:str}/desk/roster/{import_id:uuid}/import", opt=access(MAY), status_code=200)
async def start_import(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    import_id: FromPath[UUID],
) -> Response[Any]:
    """Import it. The state of the upload makes a second press harmless."""
    sent = await request.form()
    await service.begin_import(uow, import_id, mark_left=sent.get("mark_left") == "true")
    return redirect(f"/t/{ctx.slug}/desk/roster/{import_id}")


@get("/t/{tenant:str}/desk/roster/{import_id:uuid}/undo", opt=access(MAY))
async def ask_undo(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    ctx: NamedDependency[TenantContext],
    import_id: FromPath[UUID],
) -> Response[str]:
    """Say what undoing does before it is done."""
    row = await uow.get(RosterImport, import_id)
    base = f"/t/{ctx.slug}/desk/roster/{import_id}"
    done = row.summary.get("done", {})
    return await page(
        request,
        "confirm.html",
        uow,
        title=_("撤销导入"),
        text=_("这次导入新增的学生、家长、教职工和登录身份会删除，改过的资料恢复成导入以前的样子。"),
        facts=[
            (_("文件"), row.file_name),
            (_("新增学生"), done.get("students_new", 0)),
            (_("修改学生"), done.get("students_changed", 0)),
            (_("新增家长"), done.get("guardians", 0)),
            (_("新增教职工"), done.get("staff", 0)),
        ],
        action=f"{base}/undo",
        key=str(new_id()),
        cancel=base,
        verb=_("撤销导入"),
        tone="bad",
    )


@post("/t/{tenant:str}/desk/roster/{import_id:uuid}/undo", opt=access(MAY), status_code=200)
async def undo(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], import_id: FromPath[UUID]
) -> Response[Any]:
    """Take an import back, or say what stands in the way."""
    here = f"/t/{ctx.slug}/desk/roster/{import_id}"
    try:
        async with uow.session.begin_nested():
            count = await service.undo(uow, import_id)
    except UndoRefused as refused:
        return redirect(here, flash=refused.message, level="bad")
    return redirect(here, flash=_("已撤销，%(n)s 条资料恢复原样", n=count))


@post("/t/{tenant:str}/desk/roster/{import_id:uuid}/drop", opt=access(MAY), status_code=200)
async def drop(
    uow: NamedDependency[UnitOfWork], ctx: NamedDependency[TenantContext], import_id: FromPath[UUID]
) -> Response[Any]:
    """Throw the upload away."""
    await service.drop(uow, import_id)
    return redirect(f"/t/{ctx.slug}/desk/roster", flash=_("已放弃，文件已删除"))


HANDLERS = (
    index, blank_template, upload, show, progress, errors, choose_encoding, start_import, ask_undo, undo, drop,
)  # fmt: skip
