"""The words of messages about groups, their teachers, reviews of offerings and fees that change."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.base.text import lazy_gettext as _l
from core.notices.message_shape import Words

OF_GROUPS: Final[Mapping[str, Words]] = {
    "lesson.unstaffed": Words(
        _l("%(group)s没有老师到岗"),
        _l("%(title)s %(at)s 开始，%(teacher)s没有签到，%(n)s 名学生在等。%(why)s请马上安排代班。"),
        "alert-triangle",
        "bad",
    ),
    "lesson.stand_by": Words(
        _l("请马上到%(group)s"),
        _l("%(title)s %(at)s 开始，%(teacher)s没有签到，%(n)s 名学生在等。请先到班看护，并告诉办公室。"),
        "alert-triangle",
        "bad",
    ),
    "offering.authority_passed": Words(
        _l("「%(title)s」通过主管部门审核"), _l("%(by)s审核通过，文号 %(number)s。学校可以核准。"), "circle-check", "ok"
    ),
    "offering.authority_returned": Words(
        _l("「%(title)s」被主管部门退回"), _l("%(by)s退回：%(reason)s。修改后可以再次报送。"), "arrow-back-up", "bad"
    ),
    "fee.more": Words(
        _l("%(child)s的%(course)s：费用有变化"),
        _l(
            "%(starts)s起%(what)s。到学期末还有 %(n)s 次，预计共 %(new_total)s，按原标准是 %(old_total)s，"
            "多 %(amount)s。已出的账单不变。"
        ),
        "coin-yuan",
        "warn",
    ),
    "fee.less": Words(
        _l("%(child)s的%(course)s：费用有变化"),
        _l(
            "%(starts)s起%(what)s。到学期末还有 %(n)s 次，预计共 %(new_total)s，按原标准是 %(old_total)s，"
            "少 %(amount)s。已出的账单不变。"
        ),
        "coin-yuan",
        "info",
    ),
    "fee.same": Words(
        _l("%(child)s的%(course)s：费用有变化"),
        _l("%(starts)s起%(what)s。到学期末预计仍是 %(new_total)s，没有增减。已出的账单不变。"),
        "coin-yuan",
        "info",
    ),
    "forming.child": Words(
        _l("%(child)s的班组：%(group)s"),
        _l("%(starts)s起，%(title)s在%(room)s，%(by)s。"),
        "users-group",
        "info",
    ),
    "forming.duty": Words(
        _l("%(title)s：你的值班安排"),
        _l("%(starts)s起每周 %(n)s 天，请查看班组、教室和时间。"),
        "calendar-check",
        "info",
    ),
    "forming.no_level": Words(
        _l("%(child)s还没有层级"),
        _l("%(title)s按层级编班，%(child)s先放在%(group)s。请填好层级，再调整班组。"),
        "stairs",
        "warn",
    ),
    "forming.own_group": Words(
        _l("新开了班组：%(group)s"),
        _l("%(title)s里没有可以同班的班组，已单独开组，请尽快安排教室和教师。"),
        "users-group",
        "bad",
    ),
}
