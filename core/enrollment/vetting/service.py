"""Sending an offering to the authority above for review, and taking its answer (R-096, R-097).

The answer is the authority's own document. A pass stands with the offering as its review; the school's own approval
asks for it. What was returned stays with the school, to be changed and sent again.
"""

from __future__ import annotations

from uuid import UUID

from pydantic import ValidationError
from sqlalchemy import func, select

from core.base import clock
from core.base.errors import NotFound
from core.base.text import lazy_gettext as _l
from core.db.correspondence import UNREADABLE, from_overseer, refuse
from core.db.delivery import Delivery
from core.db.uow import UnitOfWork
from core.enrollment.models import Offering
from core.enrollment.offering_rules import reviewers
from core.enrollment.offerings_service import offering
from core.enrollment.states import OFFERING
from core.enrollment.vetting.documents import DECISION, FILING, OfferingDecision, OfferingSent
from core.enrollment.vetting.errors import NoAuthority, StillThere
from core.enrollment.vetting.gate import authority, content_of, rounds
from core.enrollment.vetting.models import OfferingFiling
from core.notices import service as notices
from core.terms.models import Term

REVIEW = "offering.review"

__all__ = ["DECISION", "FILING", "authority", "content_of", "receive_decision", "reopen", "rounds", "send"]


async def send(uow: UnitOfWork, offering_id: UUID) -> OfferingFiling:
    """Send the offering as it is to the authority. Raises NotFound, NoAuthority, StillThere, Forbidden."""
    uow.ctx.require(REVIEW)
    row = await uow.get(Offering, offering_id, lock=True)
    if row.state != "content_review":
        raise NotFound()
    view = await offering(uow, offering_id)
    above = await authority(uow, view)
    if above is None:
        raise NoAuthority()
    known = await rounds(uow, offering_id)
    if known and not known[0].decision:
        raise StillThere()
    content, number = content_of(view), len(known) + 1
    filing = OfferingFiling(
        offering_id=offering_id,
        round=number,
        bureau_id=above.id,
        bureau_name=above.name,
        content_sha256=content.sha256,
        sent_by=uow.ctx.actor.name,
        decision="",
    )
    uow.session.add(filing)
    term = await uow.get(Term, view.term_id)
    said = OfferingSent(
        offering_id=offering_id, round=number, term_code=term.code, content=content, sent_by=uow.ctx.actor.name
    )
    key = f"{FILING}/{offering_id}/{number}"
    await uow.send_document(above.id, FILING, said.model_dump(mode="json"), key=key)
    await uow.session.flush()
    await uow.audit("offering.send_review", "offering", offering_id, round=number, bureau=above.id)
    return filing


async def reopen(uow: UnitOfWork, offering_id: UUID, reason: str) -> None:
    """Back to review before it is published: what the authority passed is to be changed, and must be sent to it again.
    Raises NotFound, MoveRefused, ReasonOwed, Forbidden."""
    row = await uow.get(Offering, offering_id, lock=True)
    await OFFERING.transition(uow, row, "reopen", reason=reason)


async def receive_decision(delivery: Delivery) -> None:
    """The authority's answer. Only the organisation above may give it, and only to the round that is open; a second
    copy and an answer to an earlier round change nothing."""
    bureau = await from_overseer(delivery)
    try:
        said = OfferingDecision.model_validate(dict(delivery.payload))
    except ValidationError:
        await refuse(delivery, UNREADABLE)
    uow = delivery.uow
    query = select(OfferingFiling).where(
        OfferingFiling.offering_id == said.offering_id, OfferingFiling.round == said.round
    )
    filing = (await uow.session.execute(query.with_for_update())).scalar_one_or_none()
    if filing is None or filing.bureau_id != bureau.id:
        await refuse(delivery, _l("这一次没有报送给发送单位"))
    newest = select(func.max(OfferingFiling.round)).where(OfferingFiling.offering_id == said.offering_id)
    if filing.decision or (await uow.session.execute(newest)).scalar_one() != filing.round:
        return
    filing.decision, filing.reason, filing.number = said.decision, said.reason, said.number
    filing.decided_by, filing.decided_at = said.decided_by or bureau.name, clock.now()
    row = await uow.get(Offering, said.offering_id, lock=True)
    view = await offering(uow, row.id)
    # What was changed while it was away has not been read by anybody above.
    if said.decision == "passed" and content_of(view).sha256 == filing.content_sha256:
        row.details = {**row.details, "reviewed_by": reviewers(uow, view), "review_number": said.number}
    await uow.session.flush()
    await uow.audit("offering.authority", "offering", row.id, decision=said.decision, number=said.number)
    told = {"title": row.title, "by": filing.decided_by, "number": said.number, "reason": said.reason}
    people = await notices.holders(uow, REVIEW)
    path = f"desk/offerings/{row.id}"
    await notices.tell(uow, people, f"offering.authority_{said.decision}", told, path=path, source=f"{filing.id}")
