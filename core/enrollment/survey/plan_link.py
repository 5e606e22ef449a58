"""The service plan points to the survey that it rests on (R-035): its figures go into the plan's basis."""

from __future__ import annotations

from uuid import UUID

from core.base import clock
from core.base.text import gettext as _
from core.base.text import in_locale
from core.db.uow import UnitOfWork
from core.enrollment import plan_service
from core.enrollment.plan_schemas import PlanContent
from core.enrollment.plan_states import EDITABLE
from core.enrollment.survey.errors import PlanFixed, SurveyShut
from core.enrollment.survey.models import NeedSurvey
from core.enrollment.survey.results import results
from core.policy.vocab_people import MEANS


async def into_plan(uow: UnitOfWork, survey_id: UUID) -> UUID:
    """Write the survey, how it was held and what came of it into the term's plan as a new version; returns the plan.

    The same figures again change nothing. Raises SurveyShut (not sent yet), PlanFixed (no plan that can be changed).
    """
    row = await uow.get(NeedSurvey, survey_id)
    if row.opened_at is None:
        raise SurveyShut()
    plan = await plan_service.plan_of(uow, row.term_id)
    if plan is None or plan.state not in EDITABLE:
        raise PlanFixed()
    whole = (await results(uow, row.id)).whole
    basis = PlanContent.model_validate((await plan_service.version_of(uow, plan)).content).basis
    means = {*basis.survey_means, *row.means, "questionnaire"}
    with in_locale("zh_CN"):
        ref = _("%(title)s（%(answered)s 人作答）", title=row.title, answered=whole.answered)
    part = basis.model_copy(
        update={
            "survey_id": row.id,
            "survey_ref": ref,
            "survey_done": True,
            "survey_to_all": True,
            "survey_means": [word for word in MEANS.labels if word in means],
            "survey_on": clock.school_time(row.opened_at).date(),
            "survey_asked": row.asked,
            "survey_wanting": whole.wanting,
        }
    )
    await plan_service.save_section(uow, plan.id, "basis", part, None)
    return plan.id
