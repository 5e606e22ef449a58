"""The menu as plugins use it: put offerings on it, read who takes part. All inside the caller's unit of work.

draft = OfferingDraft(kind="club", plugin="clubs", title="篮球", grades=(3, 4), periods=every([2, 4], …), …)
view = await propose_offering(uow, term_id, draft)     # goes to the school's content review
"""

from __future__ import annotations

from core.enrollment.enrolments import (
    count_enrolled_students,
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
from core.enrollment.states import OFFERING, ON_MENU
from core.enrollment.views import EnrolmentView, OfferingDraft, OfferingView, Period
from core.enrollment.words import grades_line, when_line


def state_title(view: OfferingView) -> str:
    """The state of an item of the menu in the reader's language."""
    return OFFERING.title(view.state)


__all__ = [
    "ON_MENU",
    "EnrolmentView",
    "Objected",
    "OfferingDraft",
    "OfferingView",
    "Period",
    "change_offering",
    "count_enrolled_students",
    "counts_by_offering",
    "draft_of",
    "enrolled_on",
    "enrolments_of",
    "every",
    "grades_line",
    "offering",
    "offerings",
    "offerings_by_id",
    "propose_offering",
    "resume_offering",
    "review_offering",
    "state_title",
    "students_in",
    "suspend_offering",
    "when_line",
    "withdraw_offering",
]
