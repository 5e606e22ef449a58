"""The lives of a menu, an offering, an application, an agreement and an enrolment (requirements 5.2, 5.3, 5.4, 5.8)."""

from __future__ import annotations

from core.base.text import lazy_gettext as _l
from core.db.states import Machine, Move

MENU = Machine(
    "menu",
    {"draft": _l("准备中"), "published": _l("已发布"), "closed": _l("已结束")},
    [
        Move("publish", ("draft", "published"), "published", _l("发布菜单"), "menu.publish", emits="menu.published"),
        Move("close", ("published",), "closed", _l("结束选择")),
    ],
)

OFFERING = Machine(
    "offering",
    {
        "proposed": _l("已提出"),
        "content_review": _l("内容审核中"),
        "rejected": _l("未通过"),
        "approved": _l("待发布"),
        "published": _l("已发布"),
        "open_for_choice": _l("报名中"),
        "running": _l("开设中"),
        "suspended": _l("已暂停"),
        "withdrawn": _l("已撤下"),
        "finished": _l("已结束"),
    },
    [
        Move("submit", ("proposed",), "content_review", _l("提交审核")),
        Move("revise", ("rejected", "content_review"), "proposed", _l("退回修改")),
        Move("approve", ("content_review",), "approved", _l("审核通过"), "offering.review", emits="offering.approved"),
        Move(
            "reject",
            ("content_review",),
            "rejected",
            _l("不予通过"),
            "offering.review",
            reason=True,
            emits="offering.rejected",
        ),
        Move("reopen", ("approved",), "content_review", _l("退回重审"), "offering.review", reason=True),
        Move("publish", ("approved",), "published", _l("发布"), "menu.publish", emits="offering.published"),
        Move("open", ("published",), "open_for_choice", _l("开放选择")),
        Move("run", ("published", "open_for_choice"), "running", _l("开设"), emits="offering.running"),
        Move(
            "suspend",
            ("published", "open_for_choice", "running"),
            "suspended",
            _l("暂停"),
            "offering.review",
            reason=True,
            emits="offering.suspended",
        ),
        Move("resume", ("suspended",), "published", _l("恢复"), "offering.review", emits="offering.resumed"),
        Move(
            "withdraw",
            ("proposed", "content_review", "rejected", "approved", "published", "open_for_choice", "suspended"),
            "withdrawn",
            _l("撤下"),
            "offering.review",
            reason=True,
            emits="offering.withdrawn",
        ),
        Move(
            "finish",
            ("published", "open_for_choice", "running", "suspended"),
            "finished",
            _l("结束"),
            emits="offering.finished",
        ),
    ],
)

STARTABLE = ("informed", "cancelled", "refused", "withdrawn")
"""Applications in these states say nothing any more; a new start is made."""
ON_MENU = ("published", "open_for_choice", "running")
"""States in which families see an offering."""

APPLICATION = Machine(
    "application",
    {
        "informed": _l("已阅读告知书"),
        "submitted": _l("等待班主任审核"),
        "class_reviewed": _l("等待学校核准"),
        "steered": _l("学校建议调整"),
        "refused": _l("未通过"),
        "approved": _l("已核准"),
        "agreement_pending": _l("等待签订协议"),
        "enrolled": _l("已参加"),
        "withdrawn": _l("已退出"),
        "completed": _l("学期结束"),
        "cancelled": _l("已取消"),
    },
    [
        Move(
            "submit",
            ("informed", "cancelled", "refused", "withdrawn"),
            "submitted",
            _l("提交申请"),
            "enrollment.apply",
            emits="application.submitted",
        ),
        Move(
            "change",
            ("submitted", "steered", "class_reviewed", "enrolled"),
            "submitted",
            _l("修改申请"),
            "enrollment.apply",
            emits="application.submitted",
        ),
        # on paper, signed by the guardian; a second person has compared the scan (core.enrollment.paper).
        Move(
            "enter_paper",
            ("informed", "cancelled", "refused", "withdrawn", "submitted", "steered", "class_reviewed", "enrolled"),
            "submitted",
            _l("录入纸质申请"),
            "application.approve",
            emits="application.submitted",
        ),
        Move("class_review", ("submitted",), "class_reviewed", _l("班主任审核"), "application.review"),
        Move(
            "steer",
            ("submitted", "class_reviewed"),
            "steered",
            _l("建议调整"),
            "application.review",
            reason=True,
            emits="application.steered",
        ),
        Move("accept_other", ("steered",), "submitted", _l("接受建议"), "enrollment.apply"),
        Move("keep_choice", ("steered",), "submitted", _l("保持原来的选择"), "enrollment.apply"),
        Move(
            "approve",
            ("class_reviewed", "submitted"),
            "approved",
            _l("核准"),
            "application.approve",
            emits="application.approved",
        ),
        Move("settle", ("class_reviewed",), "approved", _l("核准"), emits="application.approved"),
        Move(
            "refuse",
            ("submitted", "class_reviewed"),
            "refused",
            _l("不予通过"),
            "application.approve",
            reason=True,
            emits="application.refused",
        ),
        # A change is refused; what the child takes part in stays.
        Move(
            "refuse_change",
            ("submitted", "class_reviewed"),
            "enrolled",
            _l("不予通过修改"),
            "application.approve",
            reason=True,
            emits="application.refused",
        ),
        Move("offer_agreement", ("approved",), "agreement_pending", _l("提供协议"), emits="agreement.offered"),
        Move("enrol", ("agreement_pending", "approved"), "enrolled", _l("参加")),
        Move(
            "cancel",
            ("informed", "submitted", "steered", "class_reviewed", "approved", "agreement_pending"),
            "cancelled",
            _l("取消申请"),
            "enrollment.apply",
            emits="application.cancelled",
        ),
        Move(
            "drop_change",
            ("submitted", "steered", "class_reviewed", "approved", "agreement_pending"),
            "enrolled",
            _l("放弃修改"),
            "enrollment.apply",
        ),
        Move("withdraw", ("enrolled",), "withdrawn", _l("退出"), emits="application.withdrawn"),
        Move("complete", ("enrolled",), "completed", _l("学期结束")),
    ],
)

ITEM = Machine(
    "application_item",
    {
        "chosen": _l("已选"),
        "steered": _l("建议调整"),
        "refused": _l("未通过"),
        "dropped": _l("已去掉"),
    },
    [
        Move("choose", ("steered", "refused", "dropped"), "chosen", _l("选择")),
        Move("steer", ("chosen", "steered"), "steered", _l("建议调整"), "application.review", reason=True),
        Move("keep", ("steered",), "chosen", _l("保持原来的选择")),
        Move("refuse", ("chosen", "steered"), "refused", _l("不予通过"), "application.approve", reason=True),
        Move("drop", ("chosen", "steered"), "dropped", _l("去掉")),
    ],
)
"""One line of an application. It is told of with the application, so its moves emit nothing of their own."""

AGREEMENT = Machine(
    "agreement",
    {
        "drafted": _l("起草"),
        "offered": _l("等待家长签署"),
        "signed_by_party": _l("家长已签"),
        "in_force": _l("生效"),
        "superseded": _l("已被新版替代"),
        "ended": _l("已终止"),
        "declined": _l("未签"),
    },
    [
        Move("offer", ("drafted",), "offered", _l("提供")),
        Move("sign", ("offered",), "signed_by_party", _l("签署"), "enrollment.apply", emits="agreement.signed"),
        Move(
            "sign_paper",
            ("offered",),
            "signed_by_party",
            _l("纸质签署"),
            "application.approve",
            emits="agreement.signed",
        ),
        Move("countersign", ("signed_by_party",), "in_force", _l("学校签署")),
        Move("supersede", ("in_force", "offered"), "superseded", _l("被新版替代")),
        Move("end", ("in_force", "offered"), "ended", _l("终止")),
        Move("decline", ("offered",), "declined", _l("不签")),
    ],
)

ENROLMENT = Machine(
    "enrolment",
    {
        "enrolled": _l("参加中"),
        "withdrawn": _l("已退出"),
        "completed": _l("已结束"),
    },
    [
        Move("withdraw", ("enrolled",), "withdrawn", _l("退出")),
        Move("complete", ("enrolled",), "completed", _l("结束")),
    ],
)
