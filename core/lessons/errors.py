"""What lessons, registers and handover refuse, each with a stable code."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.base.errors import Conflict, Invalid, KehouError
from core.base.text import lazy_gettext as _l
from core.policy.types import Objection


class NotNow(Conflict):
    """A lesson can only be signed in on its day, a register only saved when the lesson has begun or is about to."""

    code = "lesson_not_now"
    text = _l("这节课在 %(day)s %(at)s，还不能操作")


class RegisterFirst(Conflict):
    code = "lesson_register_first"
    text = _l("还有 %(left)s 人没有点名，请先提交考勤再下课")


class RegisterClosed(Conflict):
    """After the lesson only the office corrects a register, with a reason."""

    code = "register_closed"
    text = _l("课已结束，考勤由课后服务办公室更正，并写明理由")


class NobodyExpected(Conflict):
    code = "lesson_nobody_expected"
    text = _l("这节课没有应到学生，不计为已开课。需要的话请由办公室取消这节课")


class LeaveTooLate(Conflict):
    code = "leave_too_late"
    text = _l("只能为今天或以后的日子请假。今天的课已经点名，请直接联系老师")


class LeaveNothing(Invalid):
    code = "leave_nothing"
    text = _l("这一天孩子没有课后服务，不用请假")


class NotInCare(Conflict):
    """The child is not with a teacher now: never handed over, or already collected."""

    code = "child_not_in_care"
    text = _l("%(name)s现在不在课后服务老师手里，不能交接。请刷新查看")


class NotWithYou(Conflict):
    """Only whoever has the child may hand it on."""

    code = "child_not_with_you"
    text = _l("%(name)s现在由%(holder)s负责，请由其本人交接")


class MoveImpossible(Conflict):
    code = "handover_impossible"
    text = _l("%(name)s现在是「%(state)s」，不能%(event)s")


class CollectorUnknown(Conflict):
    """R-242: a person who was not named beforehand is refused, and the try is logged."""

    code = "collector_unknown"
    text = _l("这个人不在接送名单里，不能交给他。请联系家长先登记，或交给值班领导处理")


class CollectorRefused(Conflict):
    code = "collector_refused"
    text = _l("家长或学校已登记：不能把孩子交给这个人。请立即联系值班领导")


class CodeWrong(Invalid):
    code = "pickup_code_wrong"
    text = _l("接送码不对，还可以试 %(left)s 次。请让家长出示今天的接送码")


class CodeLocked(Conflict):
    code = "pickup_code_locked"
    text = _l("接送码已错 5 次，今天停用。请核对身份后当面签字，或由办公室解锁")


class CodeNone(Invalid):
    code = "pickup_code_none"
    text = _l("今天没有可用的接送码，请让家长当面签字")


class ReleaseObjected(KehouError):
    """Rules or plugins object to giving the child to this person; `objections` says which."""

    code = "release_objected"
    status = 409
    text = _l("现在不能交接：%(why)s")

    def __init__(self, objections: Sequence[Objection]) -> None:
        self.objections = tuple(objections)
        super().__init__(why=_joined(o.message for o in objections))


class AssignmentObjected(KehouError):
    code = "assignment_objected"
    status = 409
    text = _l("不能安排这位老师：%(why)s")

    def __init__(self, objections: Sequence[Objection]) -> None:
        self.objections = tuple(objections)
        super().__init__(why=_joined(o.message for o in objections))


class SafetyUnsigned(AssignmentObjected):
    """R-161: the teacher of each item signs its safety agreement before the item starts."""

    code = "safety_unsigned"
    text = _l("请先在「今天」页面阅读并签署这个项目的安全责任书（%(why)s）")


class LessonObjected(KehouError):
    """The pack objects to how a lesson is signed, called or ended; `objections` says which clause."""

    code = "lesson_objected"
    status = 409
    text = _l("现在不能这样做：%(why)s")

    def __init__(self, objections: Sequence[Objection], names: Sequence[str] = ()) -> None:
        self.objections = tuple(objections)
        super().__init__(why=_joined([*(o.message for o in objections), *(["、".join(names)] if names else [])]))


class RateLater(Conflict):
    code = "rate_later"
    text = _l("课上完、孩子到过课，才能评价")


def _joined(messages: Any) -> str:
    return "；".join(str(message) for message in messages)
