"""Vendors: profiles, the county list, courses, external teachers, findings, scores, exit reviews.

Revision ID: 0001
Revises: -
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from core.api import append_only_table, tenant_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "vendors_agency",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("vendor_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="applied", nullable=False),
        sa.Column("profile", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("publicity_until", sa.Date(), nullable=True),
        sa.Column("vetted_by", sa.UUID(), nullable=True),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_vendors_agency")),
        sa.UniqueConstraint("tenant_id", "vendor_id", name=op.f("uq_vendors_agency_tenant_id_vendor_id")),
    )
    op.create_table(
        "vendors_case",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("vendor_id", sa.UUID(), nullable=False),
        sa.Column("vendor_name", sa.Text(), nullable=False),
        sa.Column("school_id", sa.UUID(), nullable=False),
        sa.Column("school_name", sa.Text(), nullable=False),
        sa.Column("bureau_id", sa.UUID(), nullable=False),
        sa.Column("term_code", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="opened", nullable=False),
        sa.Column("triggers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("notice", sa.Text(), server_default="", nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("noticed_by", sa.UUID(), nullable=True),
        sa.Column("noticed_name", sa.Text(), server_default="", nullable=False),
        sa.Column("answer_until", sa.Date(), nullable=True),
        sa.Column("answer", sa.Text(), server_default="", nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_name", sa.Text(), server_default="", nullable=False),
        sa.Column("outcome", sa.Text(), server_default="", nullable=False),
        sa.Column("decision", sa.Text(), server_default="", nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.UUID(), nullable=True),
        sa.Column("decided_name", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state <> 'decided' or (outcome <> '' and decided_name <> '')", name=op.f("ck_vendors_case_decided")
        ),
        sa.CheckConstraint("state in ('opened', 'noticed', 'answered', 'decided')", name=op.f("ck_vendors_case_state")),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_vendors_case")),
    )
    op.create_index(
        "uq_vendors_case_open",
        "vendors_case",
        ["tenant_id", "vendor_id", "school_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'decided'"),
    )
    op.create_table(
        "vendors_certificate",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), server_default="", nullable=False),
        sa.Column("holder", sa.Text(), server_default="", nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_vendors_certificate")),
    )
    op.create_table(
        "vendors_coach",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("speciality", sa.Text(), server_default="", nullable=False),
        sa.Column("certificate_no", sa.Text(), server_default="", nullable=False),
        sa.Column("certificate_until", sa.Date(), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_vendors_coach")),
        sa.UniqueConstraint("tenant_id", "phone", name=op.f("uq_vendors_coach_tenant_id_phone")),
    )
    op.create_table(
        "vendors_course",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("school_id", sa.UUID(), nullable=False),
        sa.Column("school_name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="drafted", nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("objections", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("offering_id", sa.UUID(), nullable=True),
        sa.Column("progress", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_vendors_course")),
    )
    op.create_index("ix_vendors_course_state", "vendors_course", ["tenant_id", "state"], unique=False)
    op.create_table(
        "vendors_finding",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("vendor_id", sa.UUID(), nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("found_on", sa.Date(), nullable=False),
        sa.Column("found_by", sa.Text(), nullable=False),
        sa.Column("account_id", sa.UUID(), nullable=True),
        sa.Column("dropped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_vendors_finding")),
    )
    op.create_index("ix_vendors_finding_vendor_id", "vendors_finding", ["tenant_id", "vendor_id"], unique=False)
    op.create_table(
        "vendors_link",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("bureau_id", sa.UUID(), nullable=False),
        sa.Column("bureau_name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="applied", nullable=False),
        sa.Column("attempt", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("publicity_until", sa.Date(), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_vendors_link")),
        sa.UniqueConstraint("tenant_id", "bureau_id", name=op.f("uq_vendors_link_tenant_id_bureau_id")),
    )
    op.create_table(
        "vendors_listed",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("vendor_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("profile", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False),
        sa.Column("revision", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_vendors_listed")),
        sa.UniqueConstraint("tenant_id", "vendor_id", name=op.f("uq_vendors_listed_tenant_id_vendor_id")),
    )
    op.create_table(
        "vendors_profile",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("legal_name", sa.Text(), nullable=False),
        sa.Column("credit_code", sa.Text(), server_default="", nullable=False),
        sa.Column("agency_kind", sa.Text(), server_default="non_subject", nullable=False),
        sa.Column("licence_no", sa.Text(), server_default="", nullable=False),
        sa.Column("licence_until", sa.Date(), nullable=True),
        sa.Column("subjects", sa.Text(), server_default="", nullable=False),
        sa.Column("contact_name", sa.Text(), server_default="", nullable=False),
        sa.Column("contact_phone", sa.Text(), server_default="", nullable=False),
        sa.Column("intro", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "agency_kind in ('non_subject', 'subject', 'public_body', 'public_benefit')",
            name=op.f("ck_vendors_profile_kind"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_vendors_profile")),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_vendors_profile_tenant_id")),
    )
    op.create_table(
        "vendors_score_report",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("school_id", sa.UUID(), nullable=False),
        sa.Column("school_name", sa.Text(), nullable=False),
        sa.Column("vendor_id", sa.UUID(), nullable=False),
        sa.Column("vendor_name", sa.Text(), nullable=False),
        sa.Column("term_code", sa.Text(), nullable=False),
        sa.Column("enough", sa.Boolean(), nullable=False),
        sa.Column("centipoints", sa.BigInteger(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column(
            "received_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_vendors_score_report")),
        sa.UniqueConstraint(
            "tenant_id",
            "school_id",
            "vendor_id",
            "sha256",
            name=op.f("uq_vendors_score_report_tenant_id_school_id_vendor_id_sha256"),
        ),
    )
    op.create_index(
        "ix_vendors_score_report_vendor_id",
        "vendors_score_report",
        ["tenant_id", "vendor_id", "received_at"],
        unique=False,
    )
    op.create_table(
        "vendors_score",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("vendor_id", sa.UUID(), nullable=False),
        sa.Column("vendor_name", sa.Text(), nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=False),
        sa.Column("enough", sa.Boolean(), nullable=False),
        sa.Column("centipoints", sa.BigInteger(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column(
            "created_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_vendors_score_tenant_id_term_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_vendors_score")),
    )
    op.create_index(
        "ix_vendors_score_vendor_id", "vendors_score", ["tenant_id", "vendor_id", "term_id", "created_at"], unique=False
    )
    op.create_table(
        "vendors_teacher",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("staff_id", sa.UUID(), nullable=False),
        sa.Column("vendor_id", sa.UUID(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("certificate_no", sa.Text(), server_default="", nullable=False),
        sa.Column("certificate_until", sa.Date(), nullable=True),
        sa.Column("publicized_on", sa.Date(), nullable=True),
        sa.Column("filed_on", sa.Date(), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "staff_id"],
            ["staff.tenant_id", "staff.id"],
            name=op.f("fk_vendors_teacher_tenant_id_staff_id"),
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_vendors_teacher")),
        sa.UniqueConstraint(
            "tenant_id", "staff_id", "vendor_id", name=op.f("uq_vendors_teacher_tenant_id_staff_id_vendor_id")
        ),
    )
    op.create_table(
        "vendors_proposal",
        sa.Column("tenant_id", sa.UUID(), nullable=False),
        sa.Column("id", sa.UUID(), nullable=False),
        sa.Column("vendor_id", sa.UUID(), nullable=False),
        sa.Column("vendor_name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), server_default="school_review", nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("objections", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False),
        sa.Column("term_id", sa.UUID(), nullable=True),
        sa.Column("offering_id", sa.UUID(), nullable=True),
        sa.Column("cost_fen", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "offering_id"],
            ["offering.tenant_id", "offering.id"],
            name=op.f("fk_vendors_proposal_tenant_id_offering_id"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "term_id"], ["term.tenant_id", "term.id"], name=op.f("fk_vendors_proposal_tenant_id_term_id")
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_vendors_proposal")),
    )
    op.create_index("ix_vendors_proposal_offering_id", "vendors_proposal", ["tenant_id", "offering_id"], unique=False)
    op.create_index("ix_vendors_proposal_state", "vendors_proposal", ["tenant_id", "state"], unique=False)
    tenant_table(op, "vendors_agency")
    tenant_table(op, "vendors_case")
    tenant_table(op, "vendors_certificate")
    tenant_table(op, "vendors_coach")
    tenant_table(op, "vendors_course")
    tenant_table(op, "vendors_finding")
    tenant_table(op, "vendors_link")
    tenant_table(op, "vendors_listed")
    tenant_table(op, "vendors_profile")
    append_only_table(op, "vendors_score_report")
    append_only_table(op, "vendors_score")
    tenant_table(op, "vendors_teacher")
    tenant_table(op, "vendors_proposal")
