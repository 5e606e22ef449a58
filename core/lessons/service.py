"""The door of lessons for the rest of the core."""

from __future__ import annotations

from core.lessons.absences import listed as absences_listed
from core.lessons.absences import open_count as open_absences
from core.lessons.custody import chain, give_to_manager, hand_class, holder_now, lead_out, open_holds
from core.lessons.leave import ask_leave, coming_leaves, lessons_of_child, withdraw_leave
from core.lessons.planning import ask_all, counts, plan_lessons
from core.lessons.queries import LessonLine, board, lesson_view, lines, open_in_term, roster, to_settle
from core.lessons.ratings import rate
from core.lessons.register import Mark, Saved, end_lesson, mine, save_register, sign_in
from core.lessons.release import Handing, at_gate, issue_code, release, unlock_code
from core.lessons.settle import cancel, resolve, stand_in

__all__ = [
    "Handing",
    "LessonLine",
    "Mark",
    "Saved",
    "absences_listed",
    "ask_all",
    "ask_leave",
    "at_gate",
    "board",
    "cancel",
    "chain",
    "coming_leaves",
    "counts",
    "end_lesson",
    "give_to_manager",
    "hand_class",
    "holder_now",
    "issue_code",
    "lead_out",
    "lesson_view",
    "lessons_of_child",
    "lines",
    "mine",
    "open_absences",
    "open_holds",
    "open_in_term",
    "plan_lessons",
    "rate",
    "release",
    "resolve",
    "roster",
    "save_register",
    "sign_in",
    "stand_in",
    "to_settle",
    "unlock_code",
    "withdraw_leave",
]
