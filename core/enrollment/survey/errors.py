"""What the need survey refuses."""

from __future__ import annotations

from core.base.errors import Conflict
from core.base.text import lazy_gettext as _l


class SurveyShut(Conflict):
    code = "survey_shut"
    text = _l("现在不在调查时间内")


class SurveyFixed(Conflict):
    """What families were asked stays as it was asked."""

    code = "survey_fixed"
    text = _l("调查已经发出，题目不能再改，只能调整说明、截止时间和联系家长的方式")


class AnsweredByFamily(Conflict):
    """The family's own answer counts; a teacher does not write over it (R-450)."""

    code = "answered_by_family"
    text = _l("家长已经自己填写，不能代为修改。需要更正请家长在手机上修改")


class PlanFixed(Conflict):
    code = "survey_plan_fixed"
    text = _l("本学期还没有可以修改的服务方案，先在「服务方案」里开始起草或退回修改")


class NoSurvey(Conflict):
    """R-083: parents are asked before the service is offered."""

    code = "no_survey"
    text = _l(
        "还没有征求家长意见，项目不能开放选择。请先发出意向调查，或在服务方案里写明已听取意见（依据：%(clause)s）"
    )
