"""Uploads of a roster: kept, checked by a worker, imported whole, taken back whole."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.orm import undefer

from core.base import clock
from core.base.errors import Conflict, FieldError, Invalid, NotFound
from core.base.ids import new_id
from core.base.text import DEFAULT, in_locale
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.db.house import House
from core.db.kernel_tables import JobRun
from core.db.resolve import worker_context
from core.db.uow import UnitOfWork
from tenants.roster.apply import Applied, Say, apply
from tenants.roster.dryrun import check, previews
from tenants.roster.encodings import ENCODINGS
from tenants.roster.images import UndoRefused, take_back
from tenants.roster.known import known_roster
from tenants.roster.models import RosterChange, RosterImport, RosterLine
from tenants.roster.states import IMPORT
from tenants.roster.summary import lines, summarise
from tenants.roster.types import KnownRoster, Report
from tenants.roster.workbook import error_workbook
from tenants.service import find_organisation

CHECK, APPLY, TIDY = "roster.check", "roster.import", "roster.tidy"
UNDO_DAYS = 30
KEEP_DAYS = 7
"""How long a file that nobody imported is kept: it is full of children's names."""
GRANT = "roles.assign"
"""Whoever may give roles anyway may give the governing ones by importing, too."""


class NotAccepted(Conflict):
    code = "roster_not_accepted"
    text = _l("文件还有错误，没有导入任何内容。请改好以后重新上传")


class UndoTooLate(UndoRefused):
    text = _l("导入已经超过 %(days)s 天，不能再撤销。请直接改正名册")


class UndoOutOfOrder(UndoRefused):
    text = _l("在这次之后还导入过「%(name)s」。请先撤销那一次")


class NotASchool(NotFound):
    code = "roster_not_a_school"
    text = _l("%(slug)s 不是学校，没有花名册")


class StillRunning(Conflict):
    code = "roster_still_importing"
    text = _l("正在导入，不能放弃。导入完成后可以撤销")


class FileGone(Conflict):
    code = "roster_file_gone"
    text = _l("上传的文件已经清除（含有个人信息，只保留 7 天）。请重新上传")


async def upload(uow: UnitOfWork, file_name: str, body: bytes) -> RosterImport:
    """Keep a file and have a worker check it. Raises Invalid for an empty file."""
    if not body:
        raise Invalid(fields=[FieldError("file", _l("文件是空的。请重新导出，确认能打开后再上传"), "empty")])
    row = RosterImport(
        file_name=Path(file_name.replace("\\", "/")).name[:200] or "roster",
        size=len(body),
        body=body,
        uploaded_by=uow.ctx.actor.name,
        grant_roles=uow.ctx.may(GRANT),
        state="uploaded",
    )
    uow.session.add(row)
    await uow.session.flush()
    row.run_id = await uow.enqueue(CHECK, {"import_id": row.id, "locale": uow.ctx.locale}, label=row.file_name)
    await uow.audit("roster.upload", "roster_import", row.id, file=row.file_name, size=row.size)
    return row


async def check_again(uow: UnitOfWork, import_id: UUID, encoding: str | None) -> RosterImport:
    """Check the same file anew, read with another encoding. Raises Invalid, FileGone, MoveRefused."""
    row = await uow.get(RosterImport, import_id, lock=True)
    if encoding is not None and encoding not in ENCODINGS:
        raise Invalid(fields=[FieldError("encoding", _l("请从列出的选项中选择"), "choice")])
    if not await has_body(uow, import_id):
        raise FileGone()
    await IMPORT.transition(uow, row, "check_again")
    row.encoding, row.error = encoding, ""
    row.run_id = await uow.enqueue(CHECK, {"import_id": row.id, "locale": uow.ctx.locale}, label=row.file_name)
    return row


@dataclass(frozen=True, slots=True)
class Checked:
    """What the worker made of a file: the report, the workbook to correct (None: nothing to correct, or unreadable),
    and the first rows of a CSV in each encoding that fits."""

    report: Report
    workbook: bytes | None = None
    previews: dict[str, list[list[str]]] = field(default_factory=dict)


def examine(body: bytes, row_name: str, encoding: str | None, known: KnownRoster, locale: str) -> Checked:
    """Everything that reads the foreign file. Blocking: for a worker's thread."""
    report = check(body, row_name, encoding=encoding, known=known)
    with in_locale(locale):
        book = error_workbook(report) if report.file is not None and (report.errors or report.problems) else None
    seen = {name: [[cell[:40] for cell in row[:8]] for row in rows] for name, rows in previews(body, row_name).items()}
    return Checked(report, book, seen)


async def store_check(uow: UnitOfWork, row: RosterImport, checked: Checked) -> None:
    """Write down what a check found, in place of what an earlier one did."""
    report = checked.report
    await uow.session.execute(delete(RosterLine).where(RosterLine.import_id == row.id))
    found = [{"tenant_id": uow.ctx.tenant_id, "id": new_id(), "import_id": row.id, **line} for line in lines(report)]
    if found:
        await uow.session.execute(insert(RosterLine), found)
    row.accepted = report.accepted
    row.workbook = checked.workbook
    row.summary = {**summarise(report, grant_roles=row.grant_roles), "previews": checked.previews}


async def read_and_check(uow: UnitOfWork, row: RosterImport, locale: str = DEFAULT) -> Checked:
    """An upload against the roster as it is now. Raises FileGone."""
    body = await body_of(uow, row.id)
    known = await known_roster(uow)
    return await asyncio.to_thread(examine, body, row.file_name, row.encoding, known, locale)


async def begin_import(uow: UnitOfWork, import_id: UUID, *, mark_left: bool) -> RosterImport:
    """Have a worker import an accepted file. Raises NotAccepted, FileGone, MoveRefused, Forbidden."""
    row = await uow.get(RosterImport, import_id, lock=True)
    if row.state == "importing":
        return row
    if row.state == "checked" and not row.accepted:
        raise NotAccepted()
    if row.state == "checked" and not await has_body(uow, import_id):
        raise FileGone()
    await IMPORT.transition(uow, row, "import")
    row.mark_left, row.error = mark_left, ""
    row.grant_roles = uow.ctx.may(GRANT)
    row.run_id = await uow.enqueue(APPLY, {"import_id": row.id}, label=row.file_name)
    return row


async def run_import(uow: UnitOfWork, row: RosterImport, say: Say) -> Applied | None:
    """Check once more, then write everything, in the caller's transaction; None when it is not accepted any more."""
    await uow.hold("roster", seconds=60)
    checked = await read_and_check(uow, row)
    report = checked.report
    if not report.accepted:
        await store_check(uow, row, checked)
        return None
    done = await apply(uow, row.id, report, mark_left=row.mark_left, grant_roles=row.grant_roles, say=say)
    row.imported_at = clock.now()
    row.summary = {**summarise(report, grant_roles=row.grant_roles), "done": asdict(done)}
    row.body = row.workbook = None
    await uow.session.execute(
        delete(RosterLine).where(RosterLine.import_id == row.id, RosterLine.kind.in_(("error", "left", "changed")))
    )
    return done


async def undo(uow: UnitOfWork, import_id: UUID) -> int:
    """Put everything back as it was before an import; returns how many rows.

    Raises UndoTooLate, UndoOutOfOrder, ChangedSince, DependedOn: each says what stands in the way.
    """
    await uow.hold("roster", seconds=10)
    row = await uow.get(RosterImport, import_id, lock=True)
    if row.state == "imported" and row.imported_at is not None:
        if clock.now() - row.imported_at > timedelta(days=UNDO_DAYS):
            raise UndoTooLate(days=UNDO_DAYS)
        later = select(RosterImport.file_name).where(
            RosterImport.state == "imported", RosterImport.imported_at > row.imported_at
        )
        if name := (await uow.session.execute(later.limit(1))).scalar_one_or_none():
            raise UndoOutOfOrder(name=name)
    await IMPORT.transition(uow, row, "undo")
    count = await take_back(uow, import_id)
    await uow.session.execute(delete(RosterChange).where(RosterChange.import_id == import_id))
    return count


async def drop(uow: UnitOfWork, import_id: UUID) -> None:
    """Throw an upload away, its personal data with it. Raises StillRunning while a worker imports it."""
    row = await uow.get(RosterImport, import_id, lock=True)
    if row.state == "importing":
        run = await uow.find(JobRun, row.run_id) if row.run_id else None
        if run is None or run.state != "failed":
            raise StillRunning()
    await IMPORT.transition(uow, row, "drop")
    row.body = row.workbook = None
    row.summary = {}
    await uow.session.execute(delete(RosterLine).where(RosterLine.import_id == import_id))


async def tidy(uow: UnitOfWork) -> None:
    """Remove files that nobody imported, and images that no undo may use any more."""
    stale = clock.now() - timedelta(days=KEEP_DAYS)
    old = update(RosterImport).where(RosterImport.body.is_not(None), RosterImport.created_at < stale)
    ids = (await uow.session.execute(old.values(body=None, workbook=None).returning(RosterImport.id))).scalars().all()
    if ids:
        await uow.session.execute(delete(RosterLine).where(RosterLine.import_id.in_(ids)))
    done = select(RosterImport.id).where(RosterImport.imported_at < clock.now() - timedelta(days=UNDO_DAYS))
    await uow.session.execute(delete(RosterChange).where(RosterChange.import_id.in_(done)))


async def body_of(uow: UnitOfWork, import_id: UUID) -> bytes:
    """The uploaded bytes. Raises NotFound, FileGone."""
    query = select(RosterImport).where(RosterImport.id == import_id).options(undefer(RosterImport.body))
    row = (await uow.session.execute(query.execution_options(populate_existing=False))).scalar_one_or_none()
    if row is None:
        raise NotFound()
    if row.body is None:
        raise FileGone()
    return bytes(row.body)


async def workbook_of(uow: UnitOfWork, import_id: UUID) -> bytes:
    """The workbook to correct. Raises NotFound."""
    query = text("select workbook from roster_import where tenant_id = :t and id = :i")
    found = (await uow.session.execute(query, {"t": uow.ctx.tenant_id, "i": import_id})).scalar_one_or_none()
    if found is None:
        raise NotFound()
    return bytes(found)


async def has_body(uow: UnitOfWork, import_id: UUID) -> bool:
    """Whether the uploaded file is still there."""
    query = text("select body is not null from roster_import where tenant_id = :t and id = :i")
    return bool((await uow.session.execute(query, {"t": uow.ctx.tenant_id, "i": import_id})).scalar_one_or_none())


async def recent(uow: UnitOfWork, limit: int = 20) -> list[RosterImport]:
    """The newest uploads."""
    query = select(RosterImport).order_by(RosterImport.created_at.desc(), RosterImport.id.desc()).limit(limit)
    return list((await uow.session.execute(query)).scalars().all())


async def line_counts(uow: UnitOfWork, import_id: UUID) -> dict[str, int]:
    """How many lines of each kind are kept."""
    query = select(RosterLine.kind, func.count()).where(RosterLine.import_id == import_id).group_by(RosterLine.kind)
    return {row[0]: row[1] for row in (await uow.session.execute(query)).all()}


async def page_of_lines(uow: UnitOfWork, import_id: UUID, kind: str, offset: int, limit: int) -> list[RosterLine]:
    """One page of lines of one kind."""
    query = (
        select(RosterLine)
        .where(RosterLine.import_id == import_id, RosterLine.kind == kind)
        .order_by(RosterLine.place)
        .offset(offset)
        .limit(limit)
    )
    return list((await uow.session.execute(query)).scalars().all())


@dataclass(frozen=True, slots=True)
class FileResult:
    """What `kehou roster import` tells: the report, and what was done when it was asked for and accepted."""

    report: Report
    import_id: UUID | None = None
    applied: Applied | None = None
    detail: dict[str, Any] | None = None


async def import_file(
    house: House, slug: str, path: Path, apply: bool, *, encoding: str | None = None, by: str = ""
) -> FileResult:
    """Check a file for the organisation `slug`, and import it when `apply` and nothing is wrong (CLI; no worker).

    `by` stands in the list of imports as who uploaded it; without it, the operator of the installation does.
    The operator of the installation may give every role. Raises UnknownOrganisation, NotASchool, OSError.
    """
    organisation = await find_organisation(house, slug)
    if organisation.kind != "school":
        raise NotASchool(slug=slug)
    ctx = await worker_context(house, organisation.id)
    body = await asyncio.to_thread(path.read_bytes)

    async def quiet(done: int, total: int, note: str) -> None:
        """The command line shows the end alone."""

    async with house.unit(ctx) as uow:
        known = await known_roster(uow)
        report = await asyncio.to_thread(check, body, path.name, encoding=encoding, known=known)
        summary = summarise(report, grant_roles=True)
        if not apply or not report.accepted:
            return FileResult(report, detail=summary)
        row = RosterImport(
            file_name=path.name[:200], size=len(body), body=body, encoding=encoding, grant_roles=True,
            uploaded_by=by or _("系统管理员"), state="uploaded",
        )  # fmt: skip
        uow.session.add(row)
        await uow.session.flush()
        await store_check(uow, row, Checked(report))
        for event in ("check", "import"):
            await IMPORT.transition(uow, row, event)
        done = await run_import(uow, row, quiet)
        await IMPORT.transition(uow, row, "finish")
        return FileResult(report, row.id, done, dict(row.summary))
