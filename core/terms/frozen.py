"""Closed terms never change: no unit of work writes to what belongs to one.

Tenant tables carry no triggers (architecture), so the session itself looks before it flushes. It locks the term as a
foreign key would, so that whoever is about to begin something and whoever closes the term take turns.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Table, event, inspect, select
from sqlalchemy.orm import Session

from core.db.engine import ScopedSession
from core.db.models import metadata
from core.terms.models import Term
from core.terms.service import TermClosed

FROZEN = frozenset(
    {"menu", "offering", "application", "enrolment", "lesson", "billing_run", "service_plan", "calendar_day", "bill"}
)
"""Rows with a `term_id`; a child's seat, and money on its way home, may still move."""

OF_BILL = ("term_id", "student_id", "number", "charged_fen", "reduced_fen", "due_fen", "paid_fen", "notes")
"""Of a bill: what a refund on its way leaves alone (it writes the state, and how much went back)."""


@event.listens_for(ScopedSession, "before_flush")
def _keep_closed(session: Session, *_: Any) -> None:
    begun: set[Any] = set()
    changed: set[Any] = set()
    lessons: set[Any] = set()
    for row in (*session.new, *session.dirty, *session.deleted):
        table = getattr(row, "__tablename__", "")
        if row in session.dirty and not session.is_modified(row):
            continue
        if table == "term" and "closed" in inspect(row).attrs.state.history.deleted:
            raise TermClosed()
        if table == "attendance":
            lessons.add((row.tenant_id, row.lesson_id))
        elif table in FROZEN and not (table == "bill" and row in session.dirty and not _bill_changes(row)):
            (begun if row in session.new else changed).add(row.term_id)
    if lessons:
        lesson: Table = metadata.tables["lesson"]
        found = select(lesson.c.term_id).where(lesson.c.id.in_({id_ for _, id_ in lessons}))
        changed |= set(session.connection().execute(found).scalars())
    if begun or changed:
        term: Table = metadata.tables[Term.__tablename__]
        query = select(term.c.id, term.c.state).where(term.c.id.in_(begun | changed)).order_by(term.c.id)
        for id_, state in session.connection().execute(query.with_for_update(read=True, key_share=True)):
            if state == "closed" or (state == "closing" and id_ in begun):
                raise TermClosed()


def _bill_changes(row: Any) -> bool:
    attrs = inspect(row).attrs
    return row.state == "void" or any(attrs[name].history.has_changes() for name in OF_BILL)
