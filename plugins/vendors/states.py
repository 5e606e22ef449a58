"""The lives of an agency on the county's list, of an offered course, and of an exit review (5.7, 5.8)."""

from __future__ import annotations

from core.api import Forbidden, Machine, Move, UnitOfWork, lazy_gettext
from core.api import KehouError as _KehouError
from core.api import today as _today
from plugins.vendors.models import Agency, Case

_l = lazy_gettext


class WorkerMayNot(Forbidden):
    """A worker opens reviews; deciding is for people."""

    code = "vendors_worker_may_not_decide"
    text = _l("系统只能发起评估，不能作出决定。请由有权限的人员处理")


class SamePerson(_KehouError):
    code = "vendors_same_person"
    status = 409
    text = _l("发出通知的人不能再作决定，请由另一位负责人处理")


class HearFirst(_KehouError):
    """Due process: no decision before the vendor answered or its time ran out."""

    code = "vendors_hear_first"
    status = 409
    text = _l("机构还可以在 %(until)s 前答复，答复或到期后才能决定")


class PublicityRuns(_KehouError):
    code = "vendors_publicity_runs"
    status = 409
    text = _l("公示到 %(until)s 才结束，期满后才能列入名单")


async def _a_person(uow: UnitOfWork, row: object) -> None:
    if uow.ctx.actor.kind != "person" or uow.ctx.actor.account_id is None:
        raise WorkerMayNot()


async def _publicity_over(uow: UnitOfWork, row: Agency) -> None:
    await _a_person(uow, row)
    if row.publicity_until is not None and _today() <= row.publicity_until:
        raise PublicityRuns(until=row.publicity_until)


async def _second_person(uow: UnitOfWork, row: Case) -> None:
    await _a_person(uow, row)
    if row.noticed_by == uow.ctx.actor.account_id:
        raise SamePerson()
    if row.state == "noticed" and row.answer_until is not None and _today() <= row.answer_until:
        raise HearFirst(until=row.answer_until)


AGENCY = Machine(
    "vendors.agency",
    {
        "applied": _l("待审核"),
        "rejected": _l("未通过"),
        "vetted": _l("已审核"),
        "publicized": _l("公示中"),
        "listed": _l("在名单内"),
        "suspended": _l("已暂停"),
        "exit_review": _l("退出评估中"),
        "exited": _l("已退出"),
        "barred": _l("有不良记录"),
    },
    [
        Move("vet", ("applied",), "vetted", _l("审核通过"), "vendors.vet", guard=_a_person),
        Move("reject", ("applied", "vetted"), "rejected", _l("不予通过"), "vendors.vet", reason=True, guard=_a_person),
        Move("apply", ("rejected",), "applied", _l("再次申请")),
        Move("publicize", ("vetted",), "publicized", _l("开始公示"), "vendors.vet", guard=_a_person),
        Move("list", ("publicized",), "listed", _l("列入名单"), "vendors.list", guard=_publicity_over),
        # A worker may stop what has run out; it is a person who lets it go on.
        Move("suspend", ("listed", "exit_review"), "suspended", _l("暂停"), "vendors.list", reason=True),
        Move("restore", ("suspended",), "listed", _l("恢复"), "vendors.list", reason=True, guard=_a_person),
        Move("review", ("listed", "suspended"), "exit_review", _l("退出评估"), "vendors.exit", guard=_a_person),
        Move("keep", ("exit_review",), "listed", _l("继续留在名单"), "vendors.exit_decide", guard=_a_person),
        Move(
            "exit",
            ("exit_review", "listed", "suspended"),
            "exited",
            _l("退出"),
            "vendors.exit_decide",
            reason=True,
            guard=_a_person,
        ),
        Move("bar", ("exited",), "barred", _l("记入不良记录"), "vendors.exit_decide", reason=True, guard=_a_person),
    ],
)

ON_LIST = ("listed", "exit_review")
"""A vendor under review still serves: it is not guilty before the decision."""
OFF_LIST = ("suspended", "exited", "barred")

COURSE = Machine(
    "vendors.course",
    {
        "drafted": _l("草稿"),
        "school_review": _l("学校审核中"),
        "rejected": _l("未通过"),
        "approved": _l("已通过"),
        "closed": _l("已结束"),
    },
    [
        Move("submit", ("drafted", "rejected"), "school_review", _l("提交学校审核"), "vendors.offer"),
        Move("approve", ("school_review",), "approved", _l("通过")),
        Move("reject", ("school_review",), "rejected", _l("未通过")),
        Move("close", ("approved",), "closed", _l("结束")),
    ],
)

PROPOSAL = Machine(
    "vendors.proposal",
    {
        "school_review": _l("待审核"),
        "approved": _l("已通过"),
        "rejected": _l("未通过"),
        "closed": _l("已结束"),
    },
    [
        Move("approve", ("school_review",), "approved", _l("通过"), "vendors.review", guard=_a_person),
        Move("reject", ("school_review",), "rejected", _l("不予通过"), "vendors.review", reason=True, guard=_a_person),
        Move("offer_again", ("rejected",), "school_review", _l("再次提交")),
        Move("close", ("approved",), "closed", _l("结束")),
    ],
)

CASE_STATES = {
    "opened": _l("已发起"),
    "noticed": _l("已通知机构"),
    "answered": _l("机构已答复"),
    "decided": _l("已决定"),
}

CASE = Machine(
    "vendors.case",
    CASE_STATES,
    [
        Move("notice", ("opened",), "noticed", _l("通知机构"), "vendors.exit", reason=True, guard=_a_person),
        Move("answer", ("noticed",), "answered", _l("答复")),
        Move(
            "decide",
            ("noticed", "answered"),
            "decided",
            _l("作出决定"),
            "vendors.exit_decide",
            reason=True,
            guard=_second_person,
        ),
        Move(
            "dismiss",
            ("opened",),
            "decided",
            _l("不予立案"),
            "vendors.exit_decide",
            reason=True,
            guard=_a_person,
        ),
    ],
)
"""The bureau's own: here the decision is made."""

CASE_COPY = Machine(
    "vendors.case_copy",
    CASE_STATES,
    [
        Move("notice", ("opened",), "noticed", _l("通知机构")),
        Move("answer", ("opened", "noticed"), "answered", _l("答复")),
        Move("decide", ("opened", "noticed", "answered"), "decided", _l("作出决定")),
    ],
)
"""What school and vendor see of it: moved only by the bureau's letters (and the vendor's own answer)."""

OUTCOMES = {
    "kept": _l("不成立，继续服务"),
    "warned": _l("成立，警告并限期整改"),
    "exited": _l("成立，退出并取消资格"),
    "dismissed": _l("不予立案"),
}

GROUNDS = {
    "complaint": _l("属实的投诉"),
    "poor_service": _l("服务水平低下"),
    "recruiting": _l("恶意在校招揽生源"),
    "not_as_agreed": _l("不按规定提供服务"),
    "disturbing_order": _l("扰乱教育教学和招生秩序"),
}
"""What a school may establish about a vendor. All but a complaint are grounds of exit (R-316 to R-319)."""
EXIT_GROUNDS = tuple(k for k in GROUNDS if k != "complaint")

AGENCY_KINDS = {
    "non_subject": _l("非学科类培训机构"),
    "subject": _l("学科类培训机构"),
    "public_body": _l("少年宫等公共机构"),
    "public_benefit": _l("公益组织"),
}
PROVIDER_OF = {
    "non_subject": "training_agency",
    "subject": "training_agency",
    "public_body": "public_body",
    "public_benefit": "public_benefit",
}
"""How the packs call each kind."""
SELECTORS = {"bureau": "county_bureau", "school": "school"}
"""How the packs call whoever chose a vendor."""
