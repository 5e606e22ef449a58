"""Ledger: funds, accounts, journals, balances, seals, periods, document numbers, and the functions that
write them."""

from __future__ import annotations

from pathlib import Path

from alembic import op

from core.db.schema import APP, tenant_table

revision = "0003"
down_revision = "0001"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[3] / "ledger" / "sql"

TABLES = (
    "ledger_fund",
    "ledger_account",
    "ledger_head",
    "ledger_journal",
    "ledger_posting",
    "ledger_balance",
    "ledger_period",
    "ledger_seal",
    "document_counter",
)

DOORS = (
    "ledger_post(jsonb)",
    "ledger_open(jsonb, jsonb)",
    "ledger_seal()",
    "ledger_close_period(text, date, date, uuid, uuid)",
    "take_numbers(text, text, int)",
)
"""The functions that write. They run as the owner of the tables, so nobody but the application's role may
call them."""

READERS = (
    "ledger_tenant()",
    "ledger_canon(bigint, uuid, date, timestamptz, text, text, text, text, uuid, jsonb)",
    "ledger_genesis(uuid)",
    "ledger_link(text, text)",
    "ledger_verify(bigint)",
    "ledger_audit()",
    "ledger_fail(text, text, jsonb)",
)
"""Functions that only read or compute, as whoever calls them."""

PARTS = (
    "ledger_lock(uuid)",
    "ledger_check_shape(ledger_entry[])",
    "ledger_check_replay(uuid, ledger_entry[], ledger_line[])",
    "ledger_check_lines(uuid, ledger_entry[], ledger_line[])",
    "ledger_check_rules(uuid, ledger_entry[], ledger_line[])",
    "ledger_move(uuid, ledger_line[])",
    "ledger_write(uuid, ledger_entry[], ledger_line[])",
)
"""Steps of the doors; nobody calls them from outside."""


def upgrade() -> None:
    connection = op.get_bind()
    for file in ("v1_tables.sql", "v1_functions.sql"):
        for statement in (SQL / file).read_text(encoding="utf-8").split("\n--;;\n"):
            connection.exec_driver_sql(statement)
    for table in TABLES:
        tenant_table(op, table, writes="select")
    op.execute(f"revoke all on ledger_canonical from public, {APP}")
    op.execute(f"grant select on ledger_canonical to {APP}")
    for function in (*DOORS, *READERS, *PARTS):
        op.execute(f"revoke all on function {function} from public, {APP}")
    for function in (*DOORS, *READERS):
        op.execute(f"grant execute on function {function} to {APP}")
