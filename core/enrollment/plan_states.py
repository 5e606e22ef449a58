"""The life of a service plan (requirements 5.1), and the refusals that belong to it."""

from __future__ import annotations

from typing import Any

from core.base.errors import Conflict, Invalid
from core.base.text import lazy_gettext as _l
from core.db.states import Machine, Move

WRITE, ADOPT, READ = "plan.write", "plan.adopt", "plan.read"

EDITABLE = ("draft", "returned", "amended")
"""States in which the content may be changed."""

PLAN = Machine(
    "service_plan",
    {
        "draft": _l("起草中"),
        "adopted_by_school": _l("学校已审定"),
        "submitted": _l("已报送，待审核"),
        "returned": _l("已退回"),
        "filed": _l("已备案"),
        "published": _l("已公示"),
        "in_force": _l("实施中"),
        "amended": _l("修订中"),
        "closed": _l("已结束"),
    },
    [
        Move("adopt", ("draft", "amended"), "adopted_by_school", _l("学校审定"), ADOPT, emits="plan.adopted"),
        Move("reopen", ("adopted_by_school",), "draft", _l("退回修改"), WRITE),
        Move("submit", ("adopted_by_school",), "submitted", _l("报送教育局"), WRITE, emits="plan.submitted"),
        Move("return", ("submitted",), "returned", _l("退回"), reason=True, emits="plan.returned"),
        Move("revise", ("returned",), "draft", _l("继续修改"), WRITE),
        Move("file", ("submitted",), "filed", _l("备案"), emits="plan.filed"),
        Move("publish", ("filed", "adopted_by_school"), "published", _l("公示"), WRITE, emits="plan.published"),
        Move("start", ("published",), "in_force", _l("开始实施"), emits="plan.in_force"),
        Move("amend", ("in_force", "published"), "amended", _l("修订"), WRITE, reason=True, emits="plan.amended"),
        Move("close", ("in_force", "published", "amended"), "closed", _l("结束"), emits="plan.closed"),
    ],
)


class PlanObjected(Conflict):
    """The rules or a plugin object; `objections` are listed in the answer."""

    code = "plan_objected"
    status = 422
    text = _l("方案还有 %(count)s 处不符合规定，请先改正")


class ReasonsOwed(Invalid):
    """Warnings stand without a written reason."""

    code = "plan_reasons_owed"
    text = _l("还有 %(count)s 条提醒没有写明理由")


class PlanChanged(Conflict):
    """Somebody saved a newer version meanwhile."""

    code = "plan_changed"
    text = _l("方案刚被 %(who)s 修改过，请核对后再保存")


class PlanLocked(Conflict):
    """The content cannot be changed in this state."""

    code = "plan_locked"
    text = _l("方案现在是「%(state)s」，不能修改内容")


class NoBureau(Conflict):
    """The scheme asks for filing, but nobody stands above the school."""

    code = "plan_no_bureau"
    text = _l("本校还没有关联教育局，不能报送。请联系管理员")


class NotYetFiled(Conflict):
    """The scheme asks for filing or review before the plan counts (R-037)."""

    code = "plan_not_filed"
    text = _l("%(why)s")


def tone(state: str) -> Any:
    """The colour of a state's pill."""
    return {
        "submitted": "info",
        "returned": "bad",
        "filed": "ok",
        "published": "ok",
        "in_force": "ok",
        "amended": "warn",
    }.get(state, "")
