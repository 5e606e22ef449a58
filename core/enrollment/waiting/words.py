"""How a waiting list is explained: the basis of a place in it, why nothing can be offered, how long an offer lasts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.base.text import ngettext
from core.enrollment.draw.classes import Rule
from core.enrollment.waiting.lists import ARRIVAL, DRAWN, Position
from core.enrollment.waiting.models import WaitingEntry, WaitingRule
from core.enrollment.waiting.states import JUMP_REASONS
from core.web.i18n import ftime

WHY: Final = {
    "clash": _l("与孩子已有的另一个项目时间冲突。退出那个项目，或者在这里登记“宁愿等这个”，就会恢复"),
    "not_for_grade": _l("项目不再面向孩子的年级"),
    "wrong_days": _l("项目不再在登记的日子开设，请重新选择日子"),
    "held": _l("孩子已经保留了这个项目的名额，请尽快提交申请"),
    "unit": _l("一起候补的另一个孩子现在不能安排。可以改为分开候补"),
}
LOG: Final = {
    "join": _l("登记候补"),
    "change": _l("修改登记"),
    "offer": _l("发出名额"),
    "block": _l("暂缓"),
    "unblock": _l("恢复候补"),
    "take": _l("接受名额"),
    "refuse": _l("谢绝名额"),
    "lapse": _l("逾期"),
    "leave": _l("退出候补"),
    "carry": _l("转入下学期"),
    "end": _l("结束候补"),
    "jump": _l("提前安排"),
    "priority": _l("登记优先类别"),
    "bind": _l("和兄弟姐妹一起候补"),
    "unbind": _l("改为分开候补"),
    "pass": _l("名额不够一起安排，先给后面的"),
}


def why(entry: WaitingEntry) -> str:
    """Why no place can be offered now."""
    return str(WHY.get(entry.why, _("孩子现在不符合参加条件，请联系学校")))


def standing(place: Position) -> str:
    """How many come first."""
    if not place.ahead:
        return _("排在第一位，有名额时先给你的孩子")
    said = ngettext("前面还有 %(num)s 个孩子", "前面还有 %(num)s 个孩子", place.ahead)
    if place.jumps:
        said += ngettext("（其中 %(num)s 个由学校提前安排）", "（其中 %(num)s 个由学校提前安排）", place.jumps)
    return said


def basis(entry: WaitingEntry, rule: Rule, unit: Sequence[WaitingEntry] = ()) -> str:
    """What an entry's place in the list rests on, in one sentence; `unit`: those who wait together, in their order."""
    if len(unit) > 1:
        return _("%(n)s 个孩子一起候补，按其中最后一个的次序：%(basis)s", n=len(unit), basis=basis(unit[-1], rule))
    if entry.jumped_at is not None:
        return _("由学校提前安排，理由：%(reason)s", reason=str(JUMP_REASONS[entry.jump_reason]))
    if entry.tier == DRAWN:
        said = _("没有抽中的按抽签号排序，你的是 %(number)s 号", number=entry.number)
    elif entry.tier == ARRIVAL:
        said = _("按登记先后，第 %(number)s 个登记", number=entry.number)
    else:
        said = _("从上学期的名单转入，按原来的次序")
    if len(rule.classes) > 1:
        said += _(
            "；先看优先类别（%(clause)s）：%(class)s", **{"clause": rule.clause, "class": rule.classes[entry.cls]}
        )
    return said


def lasts(rule: WaitingRule) -> str:
    """How long an offer lasts."""
    return _(
        "收到名额后有 %(hours)s 小时答复，只计算每天 %(wakes)s 至 %(sleeps)s，夜里不算",
        hours=rule.hours,
        wakes=ftime(rule.wakes_at),
        sleeps=ftime(rule.sleeps_at),
    )


SAY_WAITING: Final[dict[str, Any]] = {
    "why": why,
    "standing": standing,
    "basis": basis,
    "lasts": lasts,
    "log_words": LOG,
    "jump_reasons": JUMP_REASONS,
}
"""For templates."""
