"""Enrollment: the menu, offerings and their places, applications, agreements, enrolments; how places are claimed."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.db.schema import APP, append_only_table, tenant_table

revision = "0010"
down_revision = "0003"
branch_labels = None
depends_on = None

SQL = Path(__file__).parents[3] / "enrollment" / "sql"
CLAIM = "claim_seats(uuid, uuid, jsonb, interval)"


def upgrade() -> None:
    op.create_table(
        "menu",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=False),
        sa.Column("state", sa.Text(), server_default="draft", nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("safety", sa.Text(), server_default="", nullable=False),
        sa.Column("mode", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("opens_at < closes_at", name=op.f("ck_menu_window")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_menu_tenant_id_term_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_menu")),
        sa.UniqueConstraint("tenant_id", "term_id", name=op.f("uq_menu_tenant_id_term_id")),
    )
    op.create_table(
        "offering",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("plugin", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("summary", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.Text(), server_default="proposed", nullable=False),
        sa.Column("grades", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("capacity", sa.BigInteger(), nullable=True),
        sa.Column("service", sa.Text(), nullable=True),
        sa.Column("room_id", sa.UUID(), nullable=True),
        sa.Column("teacher_id", sa.UUID(), nullable=True),
        sa.Column("vendor_id", sa.UUID(), nullable=True),
        sa.Column("time_window", sa.Text(), server_default="afternoon", nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("early_ends_at", sa.Time(), nullable=True),
        sa.Column("any_days", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("capacity is null or capacity > 0", name=op.f("ck_offering_capacity")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "room_id"], ["room.tenant_id", "room.id"], name=op.f("fk_offering_tenant_id_room_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "teacher_id"], ["staff.tenant_id", "staff.id"], name=op.f("fk_offering_tenant_id_teacher_id")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_offering_tenant_id_term_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_offering")),
    )
    op.create_index("ix_offering_term_id", "offering", ["tenant_id", "term_id", "state"], unique=False)
    op.create_table(
        "application",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("state", sa.Text(), server_default="informed", nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("need", sa.Text(), server_default="", nullable=False),
        sa.Column("notice_sha256", sa.Text(), server_default="", nullable=False),
        sa.Column("submitted_by", sa.UUID(), nullable=True),
        sa.Column("submitted_name", sa.Text(), server_default="", nullable=False),
        sa.Column("submitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_application_tenant_id_student_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_application_tenant_id_term_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_application")),
        sa.UniqueConstraint(
            "tenant_id", "term_id", "student_id", name=op.f("uq_application_tenant_id_term_id_student_id")
        ),
    )
    op.create_index("ix_application_state", "application", ["tenant_id", "term_id", "state"], unique=False)
    op.create_table(
        "notice_reading",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_notice_reading_tenant_id_student_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_notice_reading_tenant_id_term_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_notice_reading")),
        sa.UniqueConstraint(
            "tenant_id",
            "student_id",
            "account_id",
            "sha256",
            name=op.f("uq_notice_reading_tenant_id_student_id_account_id_sha256"),
        ),
    )
    op.create_table(
        "offering_period",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("offering_id", sa.UUID(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("starts_at", sa.Time(), nullable=False),
        sa.Column("ends_at", sa.Time(), nullable=False),
        sa.CheckConstraint("starts_at < ends_at", name=op.f("ck_offering_period_times")),
        sa.CheckConstraint("weekday between 1 and 7", name=op.f("ck_offering_period_weekday")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "offering_id"],
            ["offering.tenant_id", "offering.id"],
            name=op.f("fk_offering_period_tenant_id_offering_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_offering_period")),
        sa.UniqueConstraint(
            "tenant_id",
            "offering_id",
            "weekday",
            "starts_at",
            name=op.f("uq_offering_period_tenant_id_offering_id_weekday_starts_at"),
        ),
    )
    op.create_table(
        "offering_seats",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=False),
        sa.Column("capacity", sa.BigInteger(), nullable=True),
        sa.Column("taken", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("grades", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("claimable", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "taken >= 0 and (capacity is null or taken <= capacity)", name=op.f("ck_offering_seats_taken")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "id"], ["offering.tenant_id", "offering.id"], name=op.f("fk_offering_seats_tenant_id_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_offering_seats")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "seat_claim",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=False),
        sa.Column("offering_id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("weekdays", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("held_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_by", sa.Text(), server_default="", nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_seat_claim_tenant_id_student_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_seat_claim")),
        sa.UniqueConstraint(
            "tenant_id",
            "offering_id",
            "student_id",
            "key",
            name=op.f("uq_seat_claim_tenant_id_offering_id_student_id_key"),
        ),
    )
    op.create_index(
        "ix_seat_claim_held",
        "seat_claim",
        ["tenant_id", "offering_id", "held_until"],
        unique=False,
        postgresql_where=sa.text("released_at is null and held_until is not null"),
    )
    op.create_index(
        "uq_seat_claim_live",
        "seat_claim",
        ["tenant_id", "student_id", "offering_id"],
        unique=True,
        postgresql_where=sa.text("released_at is null"),
    )
    op.create_table(
        "agreement",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("application_id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="service", nullable=False),
        sa.Column("state", sa.Text(), server_default="drafted", nullable=False),
        sa.Column("template", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("signed_by", sa.UUID(), nullable=True),
        sa.Column("signer_name", sa.Text(), server_default="", nullable=False),
        sa.Column("signer_phone", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["application.tenant_id", "application.id"],
            name=op.f("fk_agreement_tenant_id_application_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_agreement_tenant_id_student_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_agreement")),
        sa.UniqueConstraint("tenant_id", "number", name=op.f("uq_agreement_tenant_id_number")),
        sa.UniqueConstraint("tenant_id", "token", name=op.f("uq_agreement_tenant_id_token")),
    )
    op.create_index("ix_agreement_student_id", "agreement", ["tenant_id", "student_id"], unique=False)
    op.create_index(
        "uq_agreement_offered",
        "agreement",
        ["tenant_id", "application_id", "kind"],
        unique=True,
        postgresql_where=sa.text("state = 'offered'"),
    )
    op.create_table(
        "application_item",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("application_id", sa.UUID(), nullable=False),
        sa.Column("offering_id", sa.UUID(), nullable=False),
        sa.Column("weekdays", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("state", sa.Text(), server_default="chosen", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("clause", sa.Text(), server_default="", nullable=False),
        sa.Column("other_offering_id", sa.UUID(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state in ('chosen', 'steered', 'refused', 'dropped')", name=op.f("ck_application_item_state")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["application.tenant_id", "application.id"],
            name=op.f("fk_application_item_tenant_id_application_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "offering_id"],
            ["offering.tenant_id", "offering.id"],
            name=op.f("fk_application_item_tenant_id_offering_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "other_offering_id"],
            ["offering.tenant_id", "offering.id"],
            name=op.f("fk_application_item_tenant_id_other_offering_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_application_item")),
        sa.UniqueConstraint(
            "tenant_id",
            "application_id",
            "offering_id",
            name=op.f("uq_application_item_tenant_id_application_id_offering_id"),
        ),
    )
    op.create_index("ix_application_item_offering_id", "application_item", ["tenant_id", "offering_id"], unique=False)
    op.create_table(
        "enrolment",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("application_id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("offering_id", sa.UUID(), nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=False),
        sa.Column("weekdays", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("state", sa.Text(), server_default="enrolled", nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "application_id"],
            ["application.tenant_id", "application.id"],
            name=op.f("fk_enrolment_tenant_id_application_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "offering_id"],
            ["offering.tenant_id", "offering.id"],
            name=op.f("fk_enrolment_tenant_id_offering_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_enrolment_tenant_id_student_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_enrolment_tenant_id_term_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_enrolment")),
    )
    op.create_index("ix_enrolment_offering_id", "enrolment", ["tenant_id", "offering_id"], unique=False)
    op.create_index("ix_enrolment_term_id", "enrolment", ["tenant_id", "term_id", "student_id"], unique=False)
    op.create_index(
        "uq_enrolment_active",
        "enrolment",
        ["tenant_id", "student_id", "offering_id"],
        unique=True,
        postgresql_where=sa.text("state = 'enrolled'"),
    )
    op.create_table(
        "signing_code",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("agreement_id", sa.UUID(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=False),
        sa.Column("code_hash", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "agreement_id"],
            ["agreement.tenant_id", "agreement.id"],
            name=op.f("fk_signing_code_tenant_id_agreement_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_signing_code")),
    )
    op.create_index(
        "ix_signing_code_agreement_id", "signing_code", ["tenant_id", "agreement_id", "created_at"], unique=False
    )
    op.create_table(
        "basket",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=False),
        sa.Column("student_id", sa.UUID(), nullable=False),
        sa.Column("items", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "student_id"],
            ["student.tenant_id", "student.id"],
            name=op.f("fk_basket_tenant_id_student_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_basket_tenant_id_term_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_basket")),
        sa.UniqueConstraint("tenant_id", "term_id", "student_id", name=op.f("uq_basket_tenant_id_term_id_student_id")),
    )
    tenant_table(op, "menu")
    tenant_table(op, "offering")
    tenant_table(op, "application")
    append_only_table(op, "notice_reading")
    tenant_table(op, "offering_period")
    tenant_table(op, "offering_seats")
    tenant_table(op, "seat_claim")
    tenant_table(op, "agreement")
    tenant_table(op, "application_item")
    tenant_table(op, "enrolment")
    tenant_table(op, "signing_code")
    tenant_table(op, "basket")
    op.get_bind().exec_driver_sql((SQL / "v1_claim_seats.sql").read_text(encoding="utf-8"))
    op.execute(f"revoke all on function {CLAIM} from public, {APP}")
    op.execute(f"grant execute on function {CLAIM} to {APP}")
