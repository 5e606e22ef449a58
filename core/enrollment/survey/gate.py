"""What the menu asks of the survey: whether families were heard before anything opens (R-083). Knows models alone."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from core.db.uow import UnitOfWork
from core.enrollment.offering_rules import pack_of
from core.enrollment.plan_models import PlanVersion, ServicePlan
from core.enrollment.survey.errors import NoSurvey
from core.enrollment.survey.models import NeedSurvey
from core.policy import service as policy

RULE = "plan.survey"


async def heard(uow: UnitOfWork, term_id: UUID) -> bool:
    """Whether families were asked: a survey was sent here, or the term's plan says that it was done on paper."""
    sent = select(NeedSurvey.id).where(NeedSurvey.term_id == term_id, NeedSurvey.state != "draft")
    if (await uow.session.execute(sent)).first() is not None:
        return True
    said = (
        select(PlanVersion.content["basis"]["survey_done"].astext)
        .join(ServicePlan, (ServicePlan.tenant_id == PlanVersion.tenant_id) & (ServicePlan.id == PlanVersion.plan_id))
        .where(ServicePlan.term_id == term_id, ServicePlan.version == PlanVersion.number)
    )
    return (await uow.session.execute(said)).scalar_one_or_none() == "true"


async def refuse_unheard(uow: UnitOfWork, term_id: UUID, menu_id: UUID) -> None:
    """Nothing opens before families were asked, where the rules say so. Raises NoSurvey with the clause."""
    pack = pack_of(uow)
    if pack is None or await heard(uow, term_id):
        return
    found = [o for o in pack.ask(RULE, survey=False).objections if o.blocks]
    if found:
        await policy.decided(uow, "menu.publish", "menu", menu_id, found)
        raise NoSurvey(clause=found[0].clause)
