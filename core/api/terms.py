"""Terms and the days on which a weekday's timetable runs, make-up days and holidays counted in."""

from __future__ import annotations

from core.terms.service import NoTerm, current_term, service_days, term_between, term_title, timetable_days

__all__ = ["NoTerm", "current_term", "service_days", "term_between", "term_title", "timetable_days"]
