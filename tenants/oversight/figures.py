"""Figures: the school sends counts daily and when they change, the bureau keeps the newest (R-023, R-024)."""

from __future__ import annotations

import hashlib
import json
from datetime import date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from core.base import clock
from core.base.ids import new_id
from core.db.correspondence import REFUSED, UNREADABLE, children, from_child, overseer, refuse
from core.db.delivery import Delivery
from core.db.global_tables import Organisation
from core.db.kernel_tables import AuditEntry
from core.db.uow import UnitOfWork
from core.terms.service import NoTerm, current_term
from tenants.oversight.collect import collect
from tenants.oversight.models import FiguresSent, ReceivedPlan, SchoolDay, SchoolFigures

FIGURES: Final = "oversight.figures"
REPORT: Final = "oversight.report"
CALM: Final = timedelta(seconds=30)
"""Changes within this time travel together."""

Count = dict[str, int]


class PlanState(BaseModel):
    model_config = ConfigDict(extra="forbid")

    state: str = Field(default="", max_length=30)
    version: int = 0
    number: str = Field(default="", max_length=60)


class More(BaseModel):
    model_config = ConfigDict(extra="forbid")

    key: str = Field(max_length=60)
    title: str = Field(max_length=60)
    value: int
    unit: str = Field(default="", max_length=12)


class Figures(BaseModel):
    """What may travel: whole numbers under fixed headings. A document with anything else is refused."""

    model_config = ConfigDict(extra="forbid")

    plan: PlanState = Field(default_factory=PlanState)
    pupils: int = Field(default=0, ge=0)
    applications: Count = Field(default_factory=dict)
    enrolled: int = Field(default=0, ge=0)
    enrolled_by_kind: Count = Field(default_factory=dict)
    refusals: Count = Field(default_factory=dict)
    refused: int = Field(default=0, ge=0)
    unmet: int = Field(default=0, ge=0)
    """Children of whom something was refused, who take part in nothing and have no application on its way."""
    lessons: Count = Field(default_factory=dict)
    offerings: int = Field(default=0, ge=0)
    seats: int = Field(default=0, ge=0)
    """Places of the offerings that have a limit."""
    taken: int = Field(default=0, ge=0)
    """How many of these are taken."""
    unlimited: int = Field(default=0, ge=0)
    """Children who take part in an offering without a limit."""
    posted: Count = Field(default_factory=dict)
    chargeable: int = Field(default=0, ge=0)
    """Services on the menu that cost something."""
    priced: int = Field(default=0, ge=0)
    """How many of them have an approved and posted standard (R-341)."""
    more: list[More] = Field(default_factory=list, max_length=40)

    @property
    def applied(self) -> int:
        """Children with an application that was not taken back."""
        return sum(n for state, n in self.applications.items() if state not in ("informed", "cancelled"))

    @property
    def insured(self) -> int:
        """Children with the voluntary accident insurance."""
        return self.enrolled_by_kind.get("insurance", 0)

    @property
    def fees(self) -> str:
        """How the fees stand: "none" (nothing is charged), "posted", or "open"."""
        if not self.chargeable:
            return "none"
        return "posted" if self.priced == self.chargeable else "open"

    @property
    def held(self) -> int:
        return self.lessons.get("held", 0)

    @property
    def planned(self) -> int:
        """Lessons of the term that were not cancelled."""
        return sum(n for state, n in self.lessons.items() if state != "cancelled")

    @property
    def coverage(self) -> int:
        """Children who take part, in percent of all pupils."""
        return round(self.enrolled * 100 / self.pupils) if self.pupils else 0


class Report(BaseModel):
    model_config = ConfigDict(extra="forbid")

    term_code: str = Field(min_length=1, max_length=40)
    sequence: int = Field(ge=1)
    as_of: datetime
    figures: Figures


# ---- the school sends ---------------------------------------------------------------------------------------


async def changed(delivery: Delivery) -> None:
    """Something happened that the figures count: report soon, several changes at once."""
    moment = clock.now()
    slot = int(moment.timestamp() // CALM.total_seconds())
    await delivery.uow.enqueue(REPORT, key=f"{REPORT}/{slot}", not_before=moment + CALM)


async def report(delivery: Delivery) -> None:
    """Collect the figures of the current term and send them, when they changed or at least once a day."""
    uow = delivery.uow
    above = await overseer(uow)
    if above is None or above.kind != "bureau":
        return
    try:
        term = await current_term(uow)
    except NoTerm:
        return
    await uow.hold(f"{REPORT}/{term.id}")
    figures = await collect(uow, term.id)
    digest = hashlib.sha256(json.dumps(figures, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
    last = (await uow.session.execute(select(FiguresSent).where(FiguresSent.term_id == term.id))).scalar_one_or_none()
    if last is None:
        last = FiguresSent(term_id=term.id, sequence=0, digest="")
        uow.session.add(last)
    if last.digest == digest and last.sent_on == clock.today():
        return
    last.sequence, last.digest, last.sent_on, last.sent_at = last.sequence + 1, digest, clock.today(), clock.now()
    sent = Report(
        term_code=term.code, sequence=last.sequence, as_of=clock.now(), figures=Figures.model_validate(figures)
    )
    key = f"{FIGURES}/{term.id}/{last.sequence}"
    await uow.send_document(above.id, FIGURES, sent.model_dump(mode="json"), key=key)
    await uow.session.flush()


# ---- the bureau keeps ---------------------------------------------------------------------------------------


async def receive(delivery: Delivery) -> None:
    """Figures arrive: from a school right under this bureau, newer than what is here; else they change nothing."""
    school = await from_child(delivery)
    try:
        sent = Report.model_validate(dict(delivery.payload))
    except ValidationError:
        await refuse(delivery, UNREADABLE)
    uow = delivery.uow
    figures = sent.figures.model_dump(mode="json")
    row: dict[str, Any] = {
        "tenant_id": uow.ctx.tenant_id,
        "id": new_id(),
        "school_id": school.id,
        "term_code": sent.term_code,
        "sequence": sent.sequence,
        "figures": figures,
    }
    newest = insert(SchoolFigures).values(**row, as_of=sent.as_of)
    await uow.session.execute(
        newest.on_conflict_do_update(
            index_elements=["tenant_id", "school_id", "term_code"],
            set_={name: newest.excluded[name] for name in ("sequence", "as_of", "figures")},
            where=SchoolFigures.sequence < newest.excluded.sequence,
        )
    )
    day = clock.school_time(sent.as_of).date()
    daily = insert(SchoolDay).values(**{**row, "id": new_id()}, day=day)
    await uow.session.execute(
        daily.on_conflict_do_update(
            index_elements=["tenant_id", "school_id", "term_code", "day"],
            set_={name: daily.excluded[name] for name in ("sequence", "figures")},
            where=SchoolDay.sequence < daily.excluded.sequence,
        )
    )


# ---- the board ----------------------------------------------------------------------------------------------


class BoardLine(BaseModel):
    """One school on the board. `figures` is None until it reported; `filing` is the bureau's own knowledge."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    id: UUID
    slug: str
    name: str
    pack: str
    as_of: datetime | None = None
    figures: Figures | None = None
    filing: str = ""
    filing_id: UUID | None = None

    @property
    def plan_state(self) -> str:
        """Where the plan stands: what the bureau itself received says more than what was reported."""
        if self.filing in ("received", "returned"):
            return {"received": "submitted", "returned": "returned"}[self.filing]
        return (self.figures.plan.state if self.figures else "") or ("filed" if self.filing else "")


async def terms_known(uow: UnitOfWork) -> list[str]:
    """Codes of the terms that schools reported or filed for, the newest first."""
    reported = select(SchoolFigures.term_code)
    filed = select(ReceivedPlan.term_code)
    codes = (await uow.session.execute(reported.union(filed))).scalars().all()
    return sorted(set(codes), reverse=True)


async def board(uow: UnitOfWork, term_code: str) -> list[BoardLine]:
    """All schools under this bureau with what is known of each for a term."""
    schools: list[Organisation] = await children(uow)
    kept = (await uow.session.execute(select(SchoolFigures).where(SchoolFigures.term_code == term_code))).scalars()
    known = {row.school_id: row for row in kept}
    newest = (
        select(ReceivedPlan.school_id, ReceivedPlan.id, ReceivedPlan.state)
        .where(ReceivedPlan.term_code == term_code)
        .distinct(ReceivedPlan.school_id)
        .order_by(ReceivedPlan.school_id, ReceivedPlan.created_at.desc(), ReceivedPlan.round.desc())
    )
    filed = {row.school_id: row for row in (await uow.session.execute(newest)).all()}
    lines = []
    for school in schools:
        row, filing = known.get(school.id), filed.get(school.id)
        lines.append(
            BoardLine(
                id=school.id,
                slug=school.slug,
                name=school.name,
                pack=school.pack or "",
                as_of=row.as_of if row else None,
                figures=Figures.model_validate(row.figures) if row else None,
                filing=filing.state if filing else "",
                filing_id=filing.id if filing else None,
            )
        )
    return lines


async def days_of(
    uow: UnitOfWork, term_code: str, school_id: UUID | None = None, last: int = 60
) -> list[tuple[date, int, int]]:
    """(day, children taking part, refusals) of the last days with news, of one school or added up over all; a school
    that is silent on a day counts with its latest figures."""
    query = select(SchoolDay.day, SchoolDay.school_id, SchoolDay.figures).where(SchoolDay.term_code == term_code)
    if school_id is not None:
        query = query.where(SchoolDay.school_id == school_id)
    latest: dict[UUID, tuple[int, int]] = {}
    summed: dict[date, tuple[int, int]] = {}
    for on, school, figures in (await uow.session.execute(query.order_by(SchoolDay.day))).all():
        latest[school] = (int(figures.get("enrolled", 0)), int(figures.get("refused", 0)))
        summed[on] = (sum(e for e, _ in latest.values()), sum(r for _, r in latest.values()))
    return [(on, *values) for on, values in summed.items()][-last:]


async def refused_documents(uow: UnitOfWork) -> int:
    """How many documents this organisation refused in the last 30 days."""
    since = clock.now() - timedelta(days=30)
    query = select(func.count()).where(AuditEntry.action == REFUSED, AuditEntry.at > since)
    return (await uow.session.execute(query)).scalar_one()
