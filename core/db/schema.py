"""What every migration needs to say about a tenant table: forced row-level security and the roles' grants."""

from __future__ import annotations

from typing import Any

APP, OWNER, RELAY = "kehou_app", "kehou_owner", "kehou_relay"

TENANT_IS_MINE = "tenant_id = (select nullif(current_setting('app.tenant_id', true), '')::uuid)"
"""The sub-select is evaluated once a statement; '' is what a pooled connection shows after a local setting."""


def tenant_table(op: Any, table: str, *, writes: str = "select, insert, update, delete") -> None:
    """Force row-level security on `table` and grant `writes` to the application's role. Call after create_table."""
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy tenant on {table} using ({TENANT_IS_MINE}) with check ({TENANT_IS_MINE})")
    op.execute(f"revoke all on {table} from public, {APP}")
    op.execute(f"grant {writes} on {table} to {APP}")


def append_only_table(op: Any, table: str) -> None:
    """A tenant table that the application may fill and read, never change."""
    tenant_table(op, table, writes="select, insert")


def global_table(op: Any, table: str, *, writes: str = "select, insert, update") -> None:
    """Grant on a table outside tenants; it must be named in core.db.global_tables.GLOBAL_TABLES."""
    op.execute(f"revoke all on {table} from public, {APP}")
    op.execute(f"grant {writes} on {table} to {APP}")
