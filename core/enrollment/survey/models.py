"""Tables of the need survey (课后服务意向调查): the sheet of one term, and one answer for each child."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from core.db.models import Stamped, TenantModel, tenant_fk
from core.enrollment.models import Days


class NeedSurvey(TenantModel, Stamped):
    """The need survey of one term. `state` belongs to SURVEY's machine; open, it is answered until `closes_at`."""

    __tablename__ = "need_survey"
    __table_args__ = (
        tenant_fk("term_id", "term"),
        UniqueConstraint("tenant_id", "term_id"),
        CheckConstraint("state in ('draft', 'open', 'closed')", name="state"),
    )

    term_id: Mapped[UUID]
    title: Mapped[str]
    words: Mapped[str] = mapped_column(server_default="")
    """What the school writes to the families above the questions."""
    state: Mapped[str] = mapped_column(server_default="draft")
    closes_at: Mapped[datetime]
    kinds: Mapped[list[Any]] = mapped_column(server_default="[]")
    """The kinds of content asked about, by the packs' words."""
    segments: Mapped[list[Any]] = mapped_column(server_default="[]")
    """How long a child may stay, in the school's own words, such as "到 17:30"."""
    means: Mapped[list[Any]] = mapped_column(server_default="[]")
    """How families were reached, by the packs' words (letter, chat_group, questionnaire …), R-085."""
    asked: Mapped[int] = mapped_column(server_default="0")
    """How many pupils were on the roll when it was sent: it goes to all of them (R-084)."""
    opened_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    """When the reminder of the last day went out."""
    closed_at: Mapped[datetime | None]


class SurveyAnswer(TenantModel, Stamped):
    """What one child's family answered; one for both guardians, as it stands now.

    `priority` is the family's own word that it belongs to a group which the written rule puts first. Which group is
    not asked: one bit is enough to count by, and the reason is sensitive.
    """

    __tablename__ = "survey_answer"
    __table_args__ = (
        tenant_fk("survey_id", "need_survey"),
        tenant_fk("student_id", "student"),
        UniqueConstraint("tenant_id", "survey_id", "student_id"),
        Index("ix_survey_answer_student_id", "tenant_id", "student_id"),
        CheckConstraint("source in ('app', 'paper', 'phone')", name="source"),
    )

    survey_id: Mapped[UUID]
    student_id: Mapped[UUID]
    wants: Mapped[bool]
    weekdays: Mapped[list[int]] = mapped_column(Days)
    kinds: Mapped[list[Any]] = mapped_column(server_default="[]")
    segment: Mapped[str] = mapped_column(server_default="")
    extra_care: Mapped[bool] = mapped_column(server_default="false")
    priority: Mapped[bool] = mapped_column(server_default="false")
    words: Mapped[str] = mapped_column(server_default="")
    source: Mapped[str]
    """app: a guardian here; paper and phone: keyed in by the class teacher (R-086)."""
    answered_by: Mapped[UUID | None]
    answered_name: Mapped[str] = mapped_column(server_default="")
    answered_at: Mapped[datetime]
