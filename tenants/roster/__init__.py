"""Roster files in and out, without a database: read, check, explain, and hand back a workbook to fix.

    report = check(data, "花名册.xlsx", known=known)     # dry run; report.accepted tells whether it may be imported
    fixed = error_workbook(report, only_wrong=True)      # the rows to correct, each with its reasons
    blank = template()

All three block for up to some seconds: call them with ``asyncio.to_thread`` or in a worker.
"""

from pathlib import Path

from core.base.text import add_catalogue
from tenants.roster.dryrun import check, codes, previews
from tenants.roster.encodings import ENCODINGS
from tenants.roster.template import file_name, template
from tenants.roster.types import (
    Adult,
    ClassKey,
    ClassRow,
    DiffKind,
    Gender,
    Guardian,
    Kind,
    KnownRoster,
    KnownStudent,
    Post,
    Problem,
    Relation,
    Report,
    RosterFile,
    RowError,
    Severity,
    StaffRow,
    StudentDiff,
    StudentRow,
)
from tenants.roster.workbook import error_workbook

add_catalogue(Path(__file__).parent / "locale")

__all__ = [
    "ENCODINGS",
    "Adult",
    "ClassKey",
    "ClassRow",
    "DiffKind",
    "Gender",
    "Guardian",
    "Kind",
    "KnownRoster",
    "KnownStudent",
    "Post",
    "Problem",
    "Relation",
    "Report",
    "RosterFile",
    "RowError",
    "Severity",
    "StaffRow",
    "StudentDiff",
    "StudentRow",
    "check",
    "codes",
    "error_workbook",
    "file_name",
    "previews",
    "template",
]
