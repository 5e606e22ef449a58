"""Every table, found by reflection: tenants' tables are keyed, policed and closed; the few others are named."""

from __future__ import annotations

import uuid

import psycopg
import pytest

from core.db.global_tables import GLOBAL_TABLES
from core.db.models import TenantModel, metadata
from tests.support.database import DatabaseAddresses
from tests.support.world import World

FROM_LEDGER = "core/ledger: written only by functions of the owner"


@pytest.fixture
def admin(database: DatabaseAddresses) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(database.superuser, autocommit=True)


def tables(admin: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    rows = admin.execute(
        "select c.relname from pg_class c where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace "
        "and c.relname not like 'alembic_version%' order by 1"
    ).fetchall()
    return [str(row[0]) for row in rows]


def tenant_tables(admin: psycopg.Connection[tuple[object, ...]]) -> list[str]:
    return [table for table in tables(admin) if table not in GLOBAL_TABLES]


def readable(app: psycopg.Connection[tuple[object, ...]], table: str) -> bool:
    return app.execute("select has_table_privilege(%s, 'select')", (table,)).fetchone() == (True,)


def test_every_table_is_a_tenants_or_named_as_global(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    for table in tenant_tables(admin):
        column = admin.execute(
            "select a.attnum, a.attnotnull from pg_attribute a"
            " where a.attrelid = %s::regclass and a.attname = 'tenant_id'",
            (table,),
        ).fetchone()
        assert column is not None, f"{table} has no tenant_id and is not in GLOBAL_TABLES"
        assert column[1] is True, f"{table}.tenant_id may be null"
    assert set(tables(admin)) >= GLOBAL_TABLES


def test_the_tenant_comes_first_in_every_key(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    rows = admin.execute(
        """
        select c.conrelid::regclass::text, c.conname, c.contype::text, a.attname
        from pg_constraint c
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
        where c.contype in ('p', 'u', 'f', 'x') and c.connamespace = 'public'::regnamespace
        """
    ).fetchall()
    mine = set(tenant_tables(admin))
    wrong = [row for row in rows if row[0] in mine and row[3] != "tenant_id"]
    assert wrong == []
    indexes = admin.execute(
        """
        select i.indrelid::regclass::text, i.indexrelid::regclass::text, a.attname
        from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
        where i.indisunique and i.indrelid::regclass::text = any(%s)
        """,
        (sorted(mine),),
    ).fetchall()
    assert [row for row in indexes if row[2] != "tenant_id"] == []


def test_row_level_security_is_forced_with_the_tenants_policy(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    for table in tenant_tables(admin):
        row = admin.execute(
            "select relrowsecurity, relforcerowsecurity from pg_class where oid = %s::regclass", (table,)
        ).fetchone()
        assert row == (True, True), f"{table} is not under forced row-level security"
        policies = admin.execute(
            "select polname, pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid),"
            " polroles::regrole[]::text[]"
            " from pg_policy where polrelid = %s::regclass",
            (table,),
        ).fetchall()
        for_all = [p for p in policies if p[3] == ["-"]]
        assert len(for_all) == 1, f"{table} wants exactly one policy for everyone, has {policies}"
        assert "app.tenant_id" in str(for_all[0][1])
        others = {(table, str(p[3])) for p in policies if p[3] != ["-"]}
        assert others <= {("outbox", "['kehou_relay']")}


def test_no_triggers_on_tenants_tables(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    rows = admin.execute(
        "select tgrelid::regclass::text, tgname from pg_trigger"
        " where not tgisinternal and tgrelid::regclass::text = any(%s)",
        (tenant_tables(admin),),
    ).fetchall()
    assert rows == []


def test_roles_have_no_way_round(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    rows = admin.execute(
        "select rolname from pg_roles where rolname like 'kehou%' and (rolsuper or rolbypassrls or rolcreaterole)"
    ).fetchall()
    assert rows == []
    owned = admin.execute(
        "select relname from pg_class where relnamespace = 'public'::regnamespace"
        " and relowner <> 'kehou_owner'::regrole"
        " and relkind in ('r', 'p', 'v')"
    ).fetchall()
    assert owned == []
    member = admin.execute("select pg_has_role('kehou_app', 'kehou_owner', 'member')").fetchone()
    assert member == (False,)


def test_the_relay_reads_the_outbox_and_nothing_of_families(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    readable = admin.execute(
        "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace"
        " and has_table_privilege('kehou_relay', oid, 'select')"
    ).fetchall()
    assert {row[0] for row in readable} == {"outbox", "heartbeat", "schedule_mark", "organisation"}


async def test_no_table_shows_a_row_to_another_tenant_or_to_none(world: World, database: DatabaseAddresses) -> None:
    """Rows of one school are looked for by another and by nobody, in each table, as the application's role."""
    one, two = await world.school("one"), await world.school("two")
    with psycopg.connect(database.superuser, autocommit=True) as admin:
        names = tenant_tables(admin)
        filled = {
            t: admin.execute(f"select count(*) from {t} where tenant_id = %s", (one.ctx.tenant_id,)).fetchone()
            for t in names
        }
    assert sum(1 for row in filled.values() if row and row[0]) > 5
    with psycopg.connect(database.app) as app:
        for table in names:
            if not readable(app, table):
                continue
            assert app.execute(f"select count(*) from {table}").fetchone() == (0,), f"{table} shows rows to nobody"
        app.rollback()
        app.execute("select set_config('app.tenant_id', %s, true)", (str(two.ctx.tenant_id),))
        for table in names:
            if not readable(app, table):
                continue
            row = app.execute(f"select count(*) from {table} where tenant_id <> %s", (two.ctx.tenant_id,)).fetchone()
            assert row == (0,), f"{table} shows another tenant's rows"


def test_models_and_tables_agree(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    """Every mapped tenant table is a TenantModel with its guards, and every table in the database is mapped."""
    mapped = {
        mapper.local_table.name for mapper in TenantModel.registry.mappers if issubclass(mapper.class_, TenantModel)
    }
    in_metadata = set(metadata.tables)
    assert mapped <= in_metadata
    assert in_metadata - set(tables(admin)) == set()


async def test_dropping_a_policy_is_noticed(
    database: DatabaseAddresses, admin: psycopg.Connection[tuple[object, ...]]
) -> None:
    """The checks above bite: without its policy or its force, a table fails them."""
    table = "student"
    admin.execute(f"drop policy tenant on {table}")
    with pytest.raises(AssertionError, match="exactly one policy"):
        test_row_level_security_is_forced_with_the_tenants_policy(admin)
    admin.execute(f"alter table {table} no force row level security")
    with pytest.raises(AssertionError, match="forced"):
        test_row_level_security_is_forced_with_the_tenants_policy(admin)
    admin.execute(f"create table stray_{uuid.uuid4().hex[:6]} (id int primary key)")
    with pytest.raises(AssertionError, match="no tenant_id"):
        test_every_table_is_a_tenants_or_named_as_global(admin)
