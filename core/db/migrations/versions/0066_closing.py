"""Closing a term: its state, the unused part of a bill's line, and the triggers that keep a closed term as it is.

Revision ID: 0066
Revises: 0065
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"
branch_labels = None
depends_on = None

FROZEN = ("menu", "offering", "application", "enrolment", "lesson", "billing_run", "service_plan", "calendar_day")
"""Rows that belong to a term and never change once it is closed; a child's seat and money on its way home still may."""

# The row of the term is locked as a foreign key would lock it, so that whoever is about to begin something and whoever
# closes the term take turns.
FUNCTION = """
create function refuse_closed_term() returns trigger language plpgsql as $$
declare
    row record := case when tg_op = 'DELETE' then old else new end;
    now_is text;
begin
    select t.state into now_is from term t where t.tenant_id = row.tenant_id and t.id = row.term_id for key share;
    if now_is = 'closed' or (now_is = 'closing' and tg_op = 'INSERT') then
        raise exception 'term_closed' using errcode = 'KH001';
    end if;
    return row;
end $$
"""

OF_LESSON = """
create function refuse_closed_lesson() returns trigger language plpgsql as $$
declare
    row record := case when tg_op = 'DELETE' then old else new end;
begin
    if exists (
        select 1 from lesson l join term t on t.tenant_id = l.tenant_id and t.id = l.term_id
        where l.tenant_id = row.tenant_id and l.id = row.lesson_id and t.state = 'closed'
    ) then
        raise exception 'term_closed' using errcode = 'KH001';
    end if;
    return row;
end $$
"""

# A closed term cannot be opened, moved or removed.
OF_TERM = """
create function refuse_closed_change() returns trigger language plpgsql as $$
begin
    raise exception 'term_closed' using errcode = 'KH001';
end $$
"""


def upgrade() -> None:
    op.add_column("term", sa.Column("closing_job", sa.UUID(), nullable=True))
    op.add_column("term", sa.Column("closings", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("term", sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("term", sa.Column("closed_by", sa.Text(), server_default="", nullable=False))
    op.create_check_constraint(op.f("ck_term_state"), "term", "state in ('open', 'closing', 'closed')")
    op.add_column("bill_line", sa.Column("unused_fen", sa.BigInteger(), server_default="0", nullable=False))
    op.drop_constraint(op.f("ck_bill_line_settled"), "bill_line")
    op.create_check_constraint(
        op.f("ck_bill_line_settled"),
        "bill_line",
        "earned_fen >= 0 and returned_fen >= 0 and unused_fen >= 0 "
        "and earned_fen + returned_fen + unused_fen <= amount_fen",
    )
    for function in (FUNCTION, OF_LESSON, OF_TERM):
        op.execute(function)
    for table in FROZEN:
        op.execute(
            f"create trigger closed_term before insert or update or delete on {table} "
            "for each row execute function refuse_closed_term()"
        )
    op.execute(
        "create trigger closed_term before insert or delete on bill for each row execute function refuse_closed_term()"
    )
    # What a refund on its way does to a bill (its state, and how much has gone back) is still written.
    op.execute(
        "create trigger closed_term_change before update on bill for each row when "
        "(new.state = 'void' or (new.term_id, new.student_id, new.number, new.charged_fen, new.reduced_fen, "
        "new.due_fen, new.paid_fen, new.notes) is distinct from (old.term_id, old.student_id, old.number, "
        "old.charged_fen, old.reduced_fen, old.due_fen, old.paid_fen, old.notes)) execute function refuse_closed_term()"
    )
    op.execute(
        "create trigger closed_term before insert or update or delete on attendance "
        "for each row execute function refuse_closed_lesson()"
    )
    op.execute(
        "create trigger closed_term before update or delete on term for each row when (old.state = 'closed') "
        "execute function refuse_closed_change()"
    )
