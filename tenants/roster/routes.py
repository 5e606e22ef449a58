"""The roster as JSON: upload a file, see its dry run, import it, take it back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from litestar import Request, get, post
from litestar.datastructures import UploadFile
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from core.base.errors import FieldError, Invalid
from core.base.text import lazy_gettext as _l
from core.db.idempotency import once
from core.db.kernel_tables import JobRun
from core.db.uow import UnitOfWork
from core.web.access import access
from tenants.roster import service
from tenants.roster.models import RosterImport
from tenants.roster.summary import read

MAY = "roster.import"
LINES = 200


@post("/api/t/{tenant:str}/desk/roster", opt=access(MAY), status_code=202)
async def post_file(request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork]) -> dict[str, Any]:
    """A multipart form with `file`; answers {id, state}. The check runs in a worker."""
    sent = (await request.form()).get("file")
    if not isinstance(sent, UploadFile):
        raise Invalid(fields=[FieldError("file", _l("请选择文件"), "missing")])
    body = await sent.read()

    async def act() -> dict[str, Any]:
        return {"id": (await service.upload(uow, sent.filename, body)).id}

    content = {"size": len(body), "name": sent.filename}
    done = await once(uow, "roster.upload", request.headers.get("idempotency-key"), content, act)
    return await _shown(uow, UUID(str(done["id"])))


@get("/api/t/{tenant:str}/desk/roster/{import_id:uuid}", opt=access(MAY))
async def get_import(uow: NamedDependency[UnitOfWork], import_id: FromPath[UUID]) -> dict[str, Any]:
    """State, progress, counts and problems of an upload."""
    return await _shown(uow, import_id)


@get("/api/t/{tenant:str}/desk/roster/{import_id:uuid}/lines", opt=access(MAY))
async def get_lines(
    uow: NamedDependency[UnitOfWork],
    import_id: FromPath[UUID],
    kind: FromQuery[str] = "error",
    offset: FromQuery[int] = 0,
) -> dict[str, Any]:
    """Lines of the dry run, 200 at a time; `kind` is error, doubt, changed or left."""
    await uow.get(RosterImport, import_id)
    rows = await service.page_of_lines(uow, import_id, kind, max(0, offset), LINES)
    listed = [{"sheet": r.sheet, "row": r.row, "title": r.title, "text": read(r.text)} for r in rows]
    return {"total": (await service.line_counts(uow, import_id)).get(kind, 0), "lines": listed}


@post("/api/t/{tenant:str}/desk/roster/{import_id:uuid}/import", opt=access(MAY), status_code=202)
async def post_import(
    uow: NamedDependency[UnitOfWork], import_id: FromPath[UUID], mark_left: FromQuery[bool] = False
) -> dict[str, Any]:
    """Import an accepted file; asked twice it is done once."""
    await service.begin_import(uow, import_id, mark_left=mark_left)
    return await _shown(uow, import_id)


@post("/api/t/{tenant:str}/desk/roster/{import_id:uuid}/undo", opt=access(MAY), status_code=200)
async def post_undo(uow: NamedDependency[UnitOfWork], import_id: FromPath[UUID]) -> dict[str, Any]:
    """Take an import back."""
    count = await service.undo(uow, import_id)
    return {**await _shown(uow, import_id), "restored": count}


async def _shown(uow: UnitOfWork, import_id: UUID) -> dict[str, Any]:
    row = await uow.get(RosterImport, import_id)
    run = await uow.find(JobRun, row.run_id) if row.run_id else None
    summary = {k: v for k, v in row.summary.items() if k not in ("problems", "previews", "preview")}
    return {
        "id": row.id,
        "file_name": row.file_name,
        "state": row.state,
        "accepted": row.accepted,
        "summary": summary,
        "problems": [{"severity": p["severity"], "text": read(p["text"])} for p in row.summary.get("problems", [])],
        "progress": {"state": run.state, "done": run.done, "total": run.total} if run else None,
    }


HANDLERS = (post_file, get_import, get_lines, post_import, post_undo)
