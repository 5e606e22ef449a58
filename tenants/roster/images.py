"""Rows before and after an import, and the way back.

A change is held as the row's JSON image; `jsonb_populate_record` puts it back with every column as it was, whatever
columns the table has. Rows made are deleted, rows changed get the changed columns back, rows removed return.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import insert, text
from sqlalchemy.exc import IntegrityError

from core.base.errors import Conflict
from core.base.ids import new_id
from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork
from tenants.roster.models import RosterChange, RosterImport, RosterLine

Image = dict[str, Any]

TABLES = {
    "campus": _l("校区"),
    "room": _l("教室"),
    "staff": _l("教职工"),
    "school_class": _l("班级"),
    "student": _l("学生"),
    "guardian": _l("家长"),
    "guardianship": _l("家长与孩子的关系"),
    "collector": _l("接送人"),
    "role_member": _l("角色"),
    "membership": _l("登录身份"),
}
"""The tables that an import writes, parents first, with the words for people."""

_OWN = frozenset({*TABLES, RosterImport.__tablename__, RosterLine.__tablename__, RosterChange.__tablename__})
_NAMES = {
    "student": ("student_id", "child_id", "pupil_id"),
    "guardian": ("guardian_id",),
    "staff": ("staff_id", "teacher_id", "class_teacher_id"),
    "school_class": ("class_id", "school_class_id"),
    "room": ("room_id",),
    "campus": ("campus_id",),
}
"""How other tables call a reference to these; a plugin's table may hold one without a foreign key."""


class UndoRefused(Conflict):
    code = "roster_undo_refused"
    text = _l("不能撤销：%(what)s")


class ChangedSince(UndoRefused):
    text = _l("不能撤销：导入以后，%(what)s里有 %(count)s 条资料又改过（%(which)s）。撤销会丢掉这些修改，请直接改正")


class DependedOn(UndoRefused):
    text = _l("不能撤销：导入以后，已经有别的资料用到了这批%(what)s（%(which)s）。请直接改正名册")


def _keys(table: str) -> tuple[str, str]:
    """The columns of tenant and id."""
    return ("organisation_id", "account_id") if table == "membership" else ("tenant_id", "id")


@dataclass(slots=True)
class Images:
    """Collects what an import is about to change; `close` writes it down."""

    uow: UnitOfWork
    import_id: UUID
    _before: dict[tuple[str, UUID], Image | None]

    @classmethod
    def of(cls, uow: UnitOfWork, import_id: UUID) -> Images:
        return cls(uow, import_id, {})

    def made(self, table: str, ids: Iterable[UUID]) -> None:
        """These rows did not exist before."""
        for id_ in ids:
            self._before.setdefault((table, id_), None)

    async def changing(self, table: str, ids: Iterable[UUID]) -> None:
        """Look at these rows before they are changed or removed; a row seen already keeps its first image."""
        fresh = [id_ for id_ in dict.fromkeys(ids) if (table, id_) not in self._before]
        for id_, image in (await current(self.uow, table, fresh)).items():
            self._before[table, id_] = image

    async def close(self) -> int:
        """Write before and after of every row that differs; returns how many."""
        by_table: dict[str, list[UUID]] = defaultdict(list)
        for table, id_ in self._before:
            by_table[table].append(id_)
        rows: list[dict[str, Any]] = []
        for table in TABLES:
            ids = by_table.get(table, [])
            after = await current(self.uow, table, ids)
            for id_ in ids:
                before, now = self._before[table, id_], after.get(id_)
                if before != now:
                    rows.append(
                        {
                            "tenant_id": self.uow.ctx.tenant_id,
                            "id": new_id(),
                            "import_id": self.import_id,
                            "place": len(rows),
                            "table_name": table,
                            "row_id": id_,
                            "before": before,
                            "after": now,
                        }
                    )
        if rows:
            await self.uow.session.execute(insert(RosterChange), rows)
        return len(rows)


async def current(uow: UnitOfWork, table: str, ids: Sequence[UUID]) -> dict[UUID, Image]:
    """The rows with these ids as JSON, by id; those that do not exist are missing."""
    if not ids:
        return {}
    tenant, key = _keys(table)
    query = text(f"select {key}, to_jsonb(t) from {table} t where {tenant} = :t and {key} = any(:ids)")  # noqa: S608 own names
    rows = await uow.session.execute(query, {"t": uow.ctx.tenant_id, "ids": list(ids)})
    return {row[0]: row[1] for row in rows.all()}


@dataclass(frozen=True, slots=True)
class _Change:
    id: UUID
    before: Image | None
    after: Image | None

    @property
    def columns(self) -> list[str]:
        """The columns that the import changed."""
        assert self.before is not None and self.after is not None
        return [name for name in self.after if self.before.get(name) != self.after[name]]


async def take_back(uow: UnitOfWork, import_id: UUID) -> int:
    """Undo every change of an import, last first; returns how many rows. Raises ChangedSince, DependedOn."""
    by_table: dict[str, list[_Change]] = {table: [] for table in TABLES}
    rows = await uow.session.execute(
        text(
            "select table_name, row_id, before, after from roster_change "
            "where tenant_id = :t and import_id = :i order by place"
        ),
        {"t": uow.ctx.tenant_id, "i": import_id},
    )
    for table, id_, before, after in rows.all():
        by_table[table].append(_Change(id_, before, after))
    for table, changes in by_table.items():
        await _refuse_later_changes(uow, table, changes)
    made = {table: [c.id for c in changes if c.before is None] for table, changes in by_table.items()}
    await _refuse_dependants(uow, made)
    try:
        async with uow.session.begin_nested():
            for table in reversed(TABLES):
                await _restore(uow, table, by_table[table], made[table])
    except IntegrityError as exc:
        other = getattr(getattr(exc.orig, "__cause__", None), "table_name", None) or "?"
        raise DependedOn(what=str(_l("资料")), which=other) from exc
    return sum(len(changes) for changes in by_table.values())


async def _refuse_later_changes(uow: UnitOfWork, table: str, changes: list[_Change]) -> None:
    now = await current(uow, table, [c.id for c in changes])
    differing: list[str] = []
    for change in changes:
        image = now.get(change.id)
        if change.before is None or change.after is None or image is None:
            same = image == change.after
        else:
            same = all(image[name] == change.after[name] for name in change.columns)
        if not same:
            known = image or change.after or {}
            differing.append(str(known.get("name") or known.get("role_key") or TABLES[table]))
    if differing:
        listed = "、".join(list(dict.fromkeys(differing))[:5])
        raise ChangedSince(what=str(TABLES[table]), count=len(differing), which=listed)


_COLUMNS = text("""
select c.table_name::text, c.column_name::text from information_schema.columns c
where c.table_schema = current_schema() and c.udt_name = 'uuid' and c.column_name = any(:names)
  and exists (select 1 from information_schema.columns t where t.table_schema = c.table_schema
              and t.table_name = c.table_name and t.column_name = 'tenant_id')
union
select r.relname::text, a.attname::text from pg_constraint f
join pg_class r on r.oid = f.conrelid
join unnest(f.conkey) k(n) on true
join pg_attribute a on a.attrelid = f.conrelid and a.attnum = k.n
where f.contype = 'f' and f.confrelid = cast(cast(:table as text) as regclass) and a.attname <> 'tenant_id'
""")
"""Asked of the database, not of the models: a plugin that is not loaded today has tables, too."""


async def _refuse_dependants(uow: UnitOfWork, made: dict[str, list[UUID]]) -> None:
    """Rows of other features and plugins that name a row which is about to go, with a foreign key or without."""
    for table, names in _NAMES.items():
        ids = made[table]
        if not ids:
            continue
        columns = await uow.session.execute(_COLUMNS, {"names": list(names), "table": table})
        for other, column in sorted((row[0], row[1]) for row in columns.all()):
            if other in _OWN:
                continue
            query = text(f'select count(*) from "{other}" where tenant_id = :t and "{column}" = any(:ids)')  # noqa: S608
            found = (await uow.session.execute(query, {"t": uow.ctx.tenant_id, "ids": ids})).scalar_one()
            if found:
                raise DependedOn(what=str(TABLES[table]), which=f"{other} {found}")


async def _restore(uow: UnitOfWork, table: str, changes: list[_Change], made: list[UUID]) -> None:
    tenant, key = _keys(table)
    t = uow.ctx.tenant_id
    if made:
        gone = text(f"delete from {table} where {tenant} = :t and {key} = any(:ids)")  # noqa: S608 own names
        await uow.session.execute(gone, {"t": t, "ids": made})
    removed = [c.before for c in changes if c.before is not None and c.after is None]
    if removed:
        rows = f"jsonb_populate_recordset(null::{table}, cast(:images as jsonb))"
        back = text(f"insert into {table} select * from {rows}")  # noqa: S608 own names
        await uow.session.execute(back, {"images": json.dumps(removed)})
    by_columns: dict[tuple[str, ...], list[Image]] = defaultdict(list)
    for change in changes:
        if change.before is not None and change.after is not None:
            by_columns[tuple(sorted(change.columns))].append(change.before)
    for columns, images in by_columns.items():
        assigned = ", ".join(f'"{column}" = r."{column}"' for column in columns)
        again = text(
            f"update {table} t set {assigned} from jsonb_populate_recordset(null::{table}, cast(:images as jsonb)) r "  # noqa: S608
            f"where t.{tenant} = :t and t.{key} = r.{key}"
        )
        await uow.session.execute(again, {"t": t, "images": json.dumps(images)})
