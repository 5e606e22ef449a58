"""The door of enrollment for other features: the menu, applications, agreements, enrolments, places."""

from __future__ import annotations

from core.enrollment.claims import Claims, Decision, Wish, claims_of
from core.enrollment.enrolments import (
    count_enrolled_students,
    counts_by_offering,
    enrolled_on,
    enrolments_for_billing,
    enrolments_of,
    left_at,
    students_in,
    swapped_at,
)
from core.enrollment.forming.guests import kept_apart
from core.enrollment.forming.keeping import GroupInForce, group_names, groups_in_force, stand_bys
from core.enrollment.leaving import withdraw
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
from core.enrollment.pledges.service import mine_unsigned as safety_unsigned
from core.enrollment.pledges.service import objections as safety_objections
from core.enrollment.set_rules import sets_homework
from core.enrollment.term_end import end_chunk, undecided

__all__ = [
    "Claims",
    "Decision",
    "GroupInForce",
    "Wish",
    "change_offering",
    "claims_of",
    "count_enrolled_students",
    "counts_by_offering",
    "draft_of",
    "end_chunk",
    "enrolled_on",
    "enrolments_for_billing",
    "enrolments_of",
    "every",
    "group_names",
    "groups_in_force",
    "kept_apart",
    "left_at",
    "offering",
    "offerings",
    "offerings_by_id",
    "propose_offering",
    "resume_offering",
    "review_offering",
    "safety_objections",
    "safety_unsigned",
    "sets_homework",
    "stand_bys",
    "students_in",
    "suspend_offering",
    "swapped_at",
    "undecided",
    "withdraw",
    "withdraw_offering",
]
