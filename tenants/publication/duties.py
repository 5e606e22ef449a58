"""What the documents want published, held against what the system knows was published. Pure: no database.

Each duty is one question to the pack. A document that does not speak of a key makes no duty of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Final, Literal

from core.base.text import LazyText
from core.policy.ask import EffectivePack
from core.policy.types import Objection

AHEAD: Final = timedelta(days=14)
"""So long before its day a publication is put on the school's list; no document gives a figure: the platform's."""

State = Literal["done", "coming", "todo", "late", "advised"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What the system knows of one school. Dates are school days; None: it did not happen.

    told        words of the packs for what families read before they choose (menu, letter, shown plan)
    channels    where postings that stand were shown, in the words of the packs
    late_items  items of the menu that were published only after their first lesson
    statements  (first day of the term, last day of the term, day of publication) of each published statement
    ended       first and last day of the last term that is over
    owed_back   paid bills of that term of which something is owed back for lessons not held
    """

    starts_on: date
    plan_on: date | None = None
    menu_on: date | None = None
    told: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    late_items: int = 0
    statements: tuple[tuple[date, date, date], ...] = ()
    ended: tuple[date, date] | None = None
    first_day: date | None = None
    """The first day of the school's first term here: nothing is owed for the time before."""
    owed_back: int = 0


@dataclass(frozen=True, slots=True)
class Duty:
    """One publication: where it stands, until when it is due, and the document's words where it is missing."""

    rule: str
    title: LazyText | str
    state: State
    path: str
    """Where the school does it, below /desk."""
    due: date | None = None
    objections: tuple[Objection, ...] = ()

    @property
    def missing(self) -> bool:
        """The school has still to do it."""
        return self.state == "todo"

    @property
    def broken(self) -> bool:
        """Nobody can read what should be there, or it came too late."""
        return self.state in ("todo", "late")


@dataclass(frozen=True, slots=True)
class _Question:
    rule: str
    asked: dict[str, Any]
    path: str
    due: date
    late: bool = False
    """It was done, after its day: nothing can mend it."""
    opens: date | None = None
    """From when the school can do it; None: some days before it is due."""


def duties(pack: EffectivePack, facts: Facts, today: date) -> list[Duty]:
    """Every publication that the pack speaks of, in the order of the term."""
    found: list[Duty] = []
    for question in (*_before_term(facts), *_after_term(pack, facts, today)):
        if not pack.speaks_of(question.rule) and question.rule != "refund.lessons_not_held":
            continue
        objections = pack.ask(question.rule, **question.asked).objections
        title = pack.catalogue[question.rule].title
        state = _state(question, objections, today)
        found.append(Duty(question.rule, title, state, question.path, question.due, objections))
    return found


def _state(question: _Question, objections: tuple[Objection, ...], today: date) -> State:
    if not objections:
        return "done"
    if question.late:
        return "late"
    if not any(o.blocks for o in objections):
        return "advised"
    return "todo" if today >= (question.opens or question.due - AHEAD) else "coming"


def _before_term(facts: Facts) -> Iterator[_Question]:
    """Plan, menu and what families are told, all due on the term's first day (R-038, R-090, R-091, R-164, R-465)."""
    first = facts.starts_on
    yield _Question("publication.plan", {"plan_shown": facts.plan_on is not None}, "plan", first)
    in_time = facts.menu_on is not None and facts.menu_on < first
    late = facts.menu_on is not None and not in_time
    yield _Question("publication.menu_before_term", {"before_term": in_time}, "menu", first, late)
    told = sorted(facts.told)
    yield _Question("publication.before_choice", {"told": told}, "menu", first)
    yield _Question("publication.catalogue", {"told": told}, "menu", first)
    yield _Question("publication.family_duties", {"told": told}, "plan", first)
    yield _Question("publication.channels", {"channels": sorted(facts.channels)}, "notices", first)
    if facts.menu_on is not None:
        shown = {"timetable_shown": facts.late_items == 0}
        yield _Question("publication.timetable_first", shown, "menu", first, facts.late_items > 0)


def _after_term(pack: EffectivePack, facts: Facts, today: date) -> Iterator[_Question]:
    """Accounts and refunds once a term or a year is over (R-358 … R-360, R-374)."""
    if facts.ended is not None:
        begun, over = facts.ended
        of_term = [on for first, _last, on in facts.statements if first == begun]
        # A statement of the whole term cannot be made before its last day.
        shown = any(on >= over for on in of_term)
        yield _Question("publication.accounts_each_term", {"accounts_shown": shown}, "statement", over)
        yield _Question("publication.spending_regularly", {"spending_shown": bool(of_term)}, "statement", over)
        returned = {"lessons_not_held_refunded": facts.owed_back == 0}
        yield _Question("refund.lessons_not_held", returned, "billing", over)
    new_year = date(today.year, 1, 1)
    if facts.first_day is not None and facts.first_day < new_year:
        month = pack.get("publication.accounts_before_month").value
        due = date(today.year, int(month), 1) if month else date(today.year, 12, 31)
        shown_on = min((on for first, _last, on in facts.statements if first < new_year <= on), default=None)
        yield _Question(
            "publication.accounts_yearly",
            {"accounts_shown": shown_on is not None and shown_on < due},
            "statement",
            due,
            late=shown_on is not None and shown_on >= due,
            opens=new_year,
        )
