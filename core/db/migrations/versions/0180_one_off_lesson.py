"""taking_part tells which lesson a child was taken on for: where groups are formed, that child is in one group's list.

Revision ID: 0180
Revises: 0140
"""

from __future__ import annotations

from alembic import op

revision = "0180"
down_revision = "0140"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Replaced in place with one column more: its grants stay. lesson_id is empty for who is enrolled.
    op.execute(
        """
        create or replace view taking_part with (security_invoker = true) as
        select tenant_id, student_id, offering_id, starts_on, ends_on, weekdays, state, cast(null as uuid) as lesson_id
          from enrolment
        union all
        select tenant_id, student_id, offering_id, day, day, '{}'::smallint[], 'enrolled', lesson_id
          from one_off where state = 'taken_on'
        """
    )
