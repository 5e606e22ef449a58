"""Guests of a single day belong to their lesson, so a group's list knows them.

Revision ID: 0151
Revises: 0150
"""

from __future__ import annotations

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
