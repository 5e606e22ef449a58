"""What enrollment refuses, with the clause where a document says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.base.errors import Conflict, Forbidden, Invalid, KehouError
from core.base.text import lazy_gettext as _l
from core.policy.types import Objection


class Objected(Invalid):
    """Rules or plugins object. `objections` go to the page with their clauses; a warning passes with a reason."""

    code = "objected"
    text = _l("有规定不允许这样做，请按下面的说明修改")

    def __init__(self, objections: Sequence[Objection], **params: Any) -> None:
        super().__init__(objections=[o.record() for o in objections], **params)
        self.objections = tuple(objections)


class RoomTaken(Conflict):
    code = "room_taken"
    text = _l("这个时间教室已被「%(other)s」使用，请换一个教室或时间")


class GroupsClash(Conflict):
    code = "groups_clash"
    text = _l("「%(title)s」已经编班，新的时间与其他班组的教室、教师或学生冲突，请先调整编班")


class DaysChosen(Conflict):
    """The family chose these days, and was told what they cost: only it gives one up."""

    code = "days_chosen"
    text = _l("这样修改会改变 %(n)s 名学生自己选定的「%(title)s」日子。请先与这些家长商量换日子或退出，再修改")


class FamiliesClash(Conflict):
    code = "families_clash"
    text = _l("改到新的时间后，%(n)s 名学生的「%(title)s」会与自己的其他项目（如「%(other)s」）重叠。请换一个时间")


class TeacherTaken(Conflict):
    code = "teacher_taken"
    text = _l("这个时间教师已安排在「%(other)s」，请换一位教师或时间")


class CapacityTooSmall(Conflict):
    code = "capacity_below_taken"
    text = _l("已经有 %(taken)s 名学生占用名额，名额不能少于这个数")


class NoPrice(Conflict):
    """R-341: nothing is charged that was not approved and posted first."""

    code = "no_posted_price"
    text = _l("「%(title)s」的收费标准还没有审批并公示，不能发布。请先在收费标准里办理")


class MenuEmpty(Conflict):
    code = "menu_empty"
    text = _l("还没有审核通过的项目，不能发布菜单")


class MenuLate(Conflict):
    """R-465: the menu is published before the term, or, when late, with its window still ahead."""

    code = "menu_window_over"
    text = _l("报名截止时间已经过去，请先改为将来的时间")


class NotOnMenu(KehouError):
    code = "not_on_menu"
    status = 409
    text = _l("「%(title)s」现在不能选择，请重新打开菜单")


class NotPriced(Conflict):
    """Nothing may be charged, so nothing may be chosen for money, before the price stands on the board (R-341)."""

    code = "not_priced"
    text = _l("「%(title)s」的收费标准还没有公示，暂时不能选择")


class Full(Conflict):
    code = "full"
    text = _l("「%(title)s」名额已满，请选择其他项目")


class FullUntil(Full):
    """What was given back returns to who comes first at an announced time."""

    code = "full_until"
    text = _l("「%(title)s」名额已满，退回的名额 %(when)s 放出")


class InLine(KehouError):
    """The claim is not decided yet. Sent again it keeps its place in the line."""

    code = "in_line"
    status = 202
    text = _l("现在人多，你排在第 %(position)s 位，先后已经记下。请不要关闭页面，结果会自动出来")


class Overlap(Conflict):
    code = "time_overlap"
    text = _l("「%(title)s」与已选的「%(other)s」时间重叠，请只选一个")


class WindowShut(Conflict):
    code = "window_shut"
    text = _l("现在不在报名时间内")


class NotForGrade(Conflict):
    code = "not_for_grade"
    text = _l("「%(title)s」不面向这个年级")


class WrongDays(Invalid):
    code = "wrong_days"
    text = _l("请在「%(title)s」开设的日子里选择")


class NoDays(WrongDays):
    code = "no_days"
    text = _l("请为「%(title)s」至少选择一天")


class NothingChosen(Invalid):
    code = "nothing_chosen"
    text = _l("还没有选择任何项目，请至少选择一项")


class NoticeUnread(Invalid):
    """R-136: told first, then asked."""

    code = "notice_unread"
    text = _l("请先阅读告家长书，再报名")


class PlaceLost(Conflict):
    code = "place_lost"
    text = _l("保留的名额已过期，请重新提交")


class ChangedMeanwhile(Conflict):
    """Somebody else changed the application, or the school an item, while this one was being sent."""

    code = "choice_changed"
    text = _l("选择已变化，请核对后再提交")


class OtherOfferOwed(Invalid):
    """R-134, R-146: nobody with a need is only refused."""

    code = "other_offer_owed"
    text = _l("请为孩子提供另一个可选的安排")


class NotYourClass(Forbidden):
    code = "not_your_class"
    text = _l("只能审核自己班级学生的申请")


class AgreementChanged(Conflict):
    code = "agreement_changed"
    text = _l("协议内容已更新，请重新阅读后签署")


class WrongSigningCode(Invalid):
    code = "wrong_signing_code"
    text = _l("验证码不对或已过期，请核对短信，或重新获取")


class SwapPending(Conflict):
    """One change at a time: what waits for an answer comes first."""

    code = "swap_pending"
    text = _l("正在办理的修改还没有完成，请先等学校处理，或取消修改")


class SwapNothing(Conflict):
    code = "swap_nothing"
    text = _l("换的和现在的一样，请选择其他项目或其他日子")


class TermOver(Conflict):
    code = "term_over"
    text = _l("本学期的服务快结束了，不能再换")
