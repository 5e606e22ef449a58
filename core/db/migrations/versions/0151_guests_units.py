"""Guests of a single day belong to their lesson, so a group's list knows them; scans of families' papers are sealed;
children may wait together.

Revision ID: 0151
Revises: 0150
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0151"
down_revision = "0150"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Replaced in place with one column more, so its grants stay.
    op.execute(
        """
        create or replace view taking_part with (security_invoker = true) as
        select tenant_id, student_id, offering_id, starts_on, ends_on, weekdays, state, null::uuid as lesson_id
          from enrolment
        union all
        select tenant_id, student_id, offering_id, day, day, '{}'::smallint[], 'enrolled', lesson_id
          from one_off where state = 'taken_on'
        """
    )
    # Only the application has the key, so files that lie open cannot be sealed here; none was ever in use. The check is
    # not held against old rows, which keep all that was keyed in.
    op.drop_constraint(op.f("ck_paper_form_scanned"), "paper_form", type_="check")
    op.drop_column("paper_form", "scan")
    op.add_column("paper_form", sa.Column("scan_sealed", sa.LargeBinary(), nullable=True))
    op.execute(
        "alter table paper_form add constraint ck_paper_form_scanned "
        "check (state in ('asked', 'dropped') or scan_sealed is not null) not valid"
    )
    op.add_column("waiting_entry", sa.Column("unit", sa.Uuid(), nullable=True))
