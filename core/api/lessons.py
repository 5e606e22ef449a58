"""Lessons as plugins may read them: how many were held, and the facts by which those who teach are judged."""

from __future__ import annotations

from core.lessons.evidence import (
    ComingLessons,
    LessonFact,
    RatingFact,
    coming_lessons,
    lesson_facts,
    rating_facts,
    rating_words,
    vendor_ids,
)
from core.lessons.planning import counts
from core.lessons.taught import TaughtLesson, lessons_by_id, lessons_held_by, pupils_served, teachers_of_held

__all__ = [
    "ComingLessons",
    "LessonFact",
    "RatingFact",
    "TaughtLesson",
    "coming_lessons",
    "counts",
    "lesson_facts",
    "lessons_by_id",
    "lessons_held_by",
    "pupils_served",
    "rating_facts",
    "rating_words",
    "teachers_of_held",
    "vendor_ids",
]
