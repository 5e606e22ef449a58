"""What the rest of enrollment asks of the authority's review: who reviews, what it read, what of it still stands.

Knows models and rules alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final
from uuid import UUID

from sqlalchemy import select

from core.base.text import in_locale
from core.db.correspondence import overseer
from core.db.global_tables import Organisation
from core.db.uow import UnitOfWork
from core.enrollment.offering_rules import reviewers
from core.enrollment.vetting.documents import OfferingContent
from core.enrollment.vetting.errors import AuthorityDecides
from core.enrollment.vetting.models import OfferingFiling
from core.enrollment.views import OfferingDraft, OfferingView
from core.enrollment.words import when_line

REVIEWED: Final = ("reviewed_by", "review_number")
"""Where an offering keeps who reviewed it beside the school, and under which number."""


async def authority(uow: UnitOfWork, view: OfferingView) -> Organisation | None:
    """The bureau on the platform that must review this offering, if the rules want one and there is one above."""
    if not reviewers(uow, view):
        return None
    above = await overseer(uow)
    return above if above is not None and above.kind == "bureau" else None


def content_of(view: OfferingView) -> OfferingContent:
    """The offering as the authority reads it."""
    with in_locale("zh_CN"):
        hours = when_line(view)
    return OfferingContent(
        title=view.title,
        kind=view.kind,
        summary=view.summary[:2000],
        grades=sorted(view.grades),
        hours=hours[:400],
        content=sorted(view.content)[:30],
        provider=view.provider[:40],
        outline=[str(line)[:400] for line in view.details.get("outline", ())][:200],
        materials=str(view.details.get("materials", ""))[:400],
    )


async def rounds(uow: UnitOfWork, offering_id: UUID) -> Sequence[OfferingFiling]:
    """Every round of an offering, the newest first."""
    query = select(OfferingFiling).where(OfferingFiling.offering_id == offering_id)
    return (await uow.session.execute(query.order_by(OfferingFiling.round.desc()))).scalars().all()


async def refuse_typed(uow: UnitOfWork, view: OfferingView) -> None:
    """Raises AuthorityDecides where the authority is on the platform: its review is its own document."""
    above = await authority(uow, view)
    if above is not None:
        raise AuthorityDecides()


async def reviewed_details(uow: UnitOfWork, before: OfferingView, draft: OfferingDraft) -> dict[str, Any]:
    """The details of a changed offering with what of an earlier review still stands: a pass of the authority holds for
    what it read; a review on record from elsewhere stays as the school keeps it."""
    kept = {name: before.details[name] for name in REVIEWED if name in before.details}
    details = {**draft.details, **kept}
    passed = [f for f in await rounds(uow, before.id) if f.decision == "passed"] if kept else []
    read = next((f for f in passed if f.number == kept.get("review_number")), None)
    after = replace(
        before,
        kind=draft.kind,
        title=draft.title.strip(),
        summary=draft.summary.strip(),
        grades=draft.grades,
        content=draft.content,
        provider=draft.provider,
        details=draft.details,
    )
    if read is None or content_of(after).sha256 == read.content_sha256:
        return details
    return {name: value for name, value in details.items() if name not in REVIEWED}
