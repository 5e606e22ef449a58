"""The menu as plugins use it: put offerings on it, read who takes part. All inside the caller's unit of work.

    draft = OfferingDraft(kind="club", plugin="clubs", title="篮球", grades=(3, 4), periods=every([2, 4], …), …)
    view = await propose_offering(uow, term_id, draft)     # goes to the school's content review
"""

from __future__ import annotations

from core.enrollment.enrolments import (
    counts_by_offering,
    enrolled_on,
    enrolments_of,
    students_in,
)
from core.enrollment.errors import Objected
from core.enrollment.offerings_service import (
    change_offering,
    draft_of,
    every,
    offering,
    offerings,
    offerings_by_id,
    propose_offering,
    resume_offering,
    review_offering,
    suspend_offering,
    withdraw_offering,
)
from core.enrollment.views import EnrolmentView, OfferingDraft, OfferingView, Period

__all__ = [
    "EnrolmentView",
    "Objected",
    "OfferingDraft",
    "OfferingView",
    "Period",
    "change_offering",
    "counts_by_offering",
    "draft_of",
    "enrolled_on",
    "enrolments_of",
    "every",
    "offering",
    "offerings",
    "offerings_by_id",
    "propose_offering",
    "resume_offering",
    "review_offering",
    "students_in",
    "suspend_offering",
    "withdraw_offering",
]
