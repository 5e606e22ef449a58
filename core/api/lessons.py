"""Lessons as plugins may read them: how many were held, and the facts by which those who teach are judged."""

from __future__ import annotations

from core.lessons.evidence import (
    LessonFact,
    RatingFact,
    lesson_facts,
    rating_facts,
    rating_words,
    vendor_ids,
)
from core.lessons.planning import counts

__all__ = [
    "LessonFact",
    "RatingFact",
    "counts",
    "lesson_facts",
    "rating_facts",
    "rating_words",
    "vendor_ids",
]
