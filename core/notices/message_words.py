"""The words of every kind of message; core.notices.words fills in the facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from core.base.text import lazy_gettext as _l
from core.notices.message_groups import OF_GROUPS
from core.notices.message_shape import Words

MESSAGES: Final[Mapping[str, Words]] = {
    "plain": Words(_l("%(title)s"), _l("%(body)s"), "speakerphone"),
    "plan.submitted": Words(
        _l("服务方案已报送"), _l("%(term)s课后服务方案已报送%(bureau)s，等待审核。"), "send", "info"
    ),
    "plan.returned": Words(
        _l("服务方案被退回"), _l("%(by)s退回了%(term)s课后服务方案：%(reason)s"), "arrow-back-up", "bad"
    ),
    "plan.filed": Words(
        _l("服务方案已备案"),
        _l("%(term)s课后服务方案已通过备案，备案号 %(number)s。请尽快向家长公示。"),
        "circle-check",
        "ok",
    ),
    "plan.late": Words(
        _l("服务方案还没有备案"),
        _l("%(term)s于 %(starts)s 开学，课后服务应在开学后立即启动，请尽快完成方案。"),
        "alarm",
        "warn",
    ),
    "plan.published": Words(
        _l("课后服务方案已公示"),
        _l("%(term)s课后服务方案已公示，可以查看服务时间、内容、安全措施和收费，并提出意见。"),
        "file-text",
        "info",
    ),
    "packs.published": Words(
        _l("规则有新版本：%(title)s"),
        _l("%(by)s发布了新版本，%(starts)s起生效。请查看改了什么，核对方案和收费。"),
        "gavel",
        "info",
    ),
    "packs.bound": Words(
        _l("本校改用新的规则：%(title)s"), _l("%(by)s确定本校适用《%(title)s》，请核对方案和收费。"), "gavel", "warn"
    ),
    "notice.posted": Words(
        _l("新公示：%(title)s"), _l("请在公示栏查看，有意见可以在 %(to)s 前提出。"), "speakerphone", "info"
    ),
    "notice.posted_open": Words(
        _l("新公示：%(title)s"), _l("请在公示栏查看，有意见可以直接提出。"), "speakerphone", "info"
    ),
    "notice.objected": Words(
        _l("公示收到意见"), _l("「%(title)s」收到一条意见，请答复。"), "message-exclamation", "warn"
    ),
    "notice.answered": Words(
        _l("你的意见已答复"), _l("对「%(title)s」的意见，学校答复：%(answer)s"), "message-check", "ok"
    ),
    "application.submitted": Words(
        _l("%(child)s的报名待审核"), _l("%(class)s%(child)s的课后服务报名已提交，请审核。"), "clipboard-check", "info"
    ),
    "application.steered": Words(
        _l("%(child)s的报名：学校建议调整"),
        _l("学校对报名的课程提出了其他建议，请查看后选择接受或保持原来的选择。"),
        "arrows-exchange",
        "warn",
    ),
    "application.approved": Words(
        _l("%(child)s的报名已核准"),
        _l("学校已核准报名。请阅读并签署服务协议，签署后报名才生效。"),
        "circle-check",
        "ok",
    ),
    "application.refused": Words(
        _l("%(child)s的报名未通过"), _l("请查看理由和学校提供的其他安排；有不同意见可以提出。"), "circle-x", "bad"
    ),
    "enrollment.swapped": Words(
        _l("%(child)s换了项目"), _l("从 %(starts)s 起，由「%(old)s」换为「%(new)s」。"), "arrows-exchange", "info"
    ),
    "paper.entered": Words(
        _l("%(child)s的纸质材料已录入"),
        _l("%(by)s根据你们签字的纸质材料录入，正在等另一位老师核对。如果不是你们的意思，可以马上提出异议。"),
        "file-text",
        "info",
    ),
    "paper.confirmed": Words(
        _l("%(child)s的纸质材料已核对"), _l("学校已核对你们签字的材料，开始办理。随时可以取消。"), "file-check", "ok"
    ),
    "paper.to_check": Words(
        _l("请核对%(child)s的纸质材料"), _l("%(by)s录入了家长签字的材料，请对照扫描件核对。"), "file-search", "info"
    ),
    "paper.returned": Words(
        _l("%(child)s的纸质材料被退回"), _l("录入与扫描件不一致，请看理由后重新录入。"), "arrow-back-up", "bad"
    ),
    "paper.objected": Words(
        _l("%(child)s的家长有异议"), _l("家长表示录入的纸质材料不是自己的意思，这份材料不会生效。"), "user-x", "bad"
    ),
    "agreement.signed": Words(
        _l("%(child)s的服务协议已生效"), _l("协议已由双方签署，可以随时查看和下载。"), "signature", "ok"
    ),
    "waiting.offered": Words(
        _l("%(child)s候补到名额：%(title)s"),
        _l("「%(title)s」有一个名额留给%(child)s，请在 %(until)s 前接受或谢绝。逾期名额给下一位。"),
        "armchair",
        "warn",
    ),
    "waiting.lapsed": Words(
        _l("%(child)s的候补名额已过期：%(title)s"),
        _l("没有在期限内答复，名额已给下一位。还想参加的，可以重新登记候补。"),
        "clock-off",
        "bad",
    ),
    "waiting.blocked": Words(
        _l("%(child)s暂时不能安排：%(title)s"),
        _l("轮到%(child)s时不能安排（时间冲突或年级不符），名额先给了下一位。次序保留，请查看原因。"),
        "alert-circle",
        "warn",
    ),
    "waiting.ended": Words(_l("候补结束：%(title)s"), _l("这个项目不再开设，候补名单已结束。"), "info-circle", "info"),
    "waiting.carried": Words(
        _l("%(child)s的候补转入本学期：%(title)s"),
        _l("上学期没有轮到，按原来的次序排在本学期「%(title)s」候补名单前面。不需要的可以退出。"),
        "arrow-forward-up",
        "info",
    ),
    "waiting.dayless": Words(
        _l("请为%(child)s重新选择候补的日子：%(title)s"),
        _l("候补已转入本学期，但「%(title)s」不再在原来登记的日子开设。次序保留，重新选择日子后才能安排名额。"),
        "alert-circle",
        "warn",
    ),
    "enrollment.departed": Words(
        _l("%(child)s已离校，课后服务已结束"),
        _l(
            "学校名册显示孩子已经离校，以下项目到当天为止：%(courses)s。多缴的费用由学校核对后退回，账单和收据仍可查看。名册有误请联系学校。"
        ),
        "user-x",
        "warn",
    ),
    "enrollment.departed_desk": Words(
        _l("%(child)s已离校，课后服务已结束"),
        _l("名册标记该生已离校，以下项目到当天为止，名额已收回：%(courses)s。已开账单的，财务会收到核对提醒。"),
        "user-x",
        "info",
    ),
    "billing.issued": Words(_l("%(child)s的账单已发出"), _l("应缴 %(due)s，请查看明细后缴费。"), "receipt", "info"),
    "payment.received": Words(
        _l("收到缴费 %(amount)s"), _l("%(child)s的缴费已到账，收据可以查看和下载。"), "circle-check", "ok"
    ),
    "refund.done": Words(
        _l("退费 %(amount)s 已原路退回"), _l("%(child)s的退费已退回原付款账户。"), "receipt-refund", "ok"
    ),
    "absence.opened": Words(
        _l("%(child)s没有到课"),
        _l("%(title)s（%(at)s 开始）点名时%(child)s没有到，也没有请假。请马上联系老师或学校。"),
        "alert-circle",
        "bad",
    ),
    "absence.to_follow": Words(
        _l("请追踪：%(child)s没有到课"),
        _l("%(title)s（%(at)s 开始）点名没有到，原因不明。请联系家长，查明后记录。"),
        "user-question",
        "bad",
    ),
    "child.collected": Words(_l("%(child)s已被接走"), _l("%(by)s在 %(at)s 接走了%(child)s。"), "home-check", "ok"),
    "child.left_alone": Words(_l("%(child)s已离校"), _l("%(child)s在 %(at)s 自行离校。"), "walk", "info"),
    "pickup.late": Words(
        _l("请来接%(child)s"), _l("课后服务已结束，%(child)s还在学校，由%(by)s照看。"), "clock-exclamation", "warn"
    ),
    "pickup.locked": Words(
        _l("%(child)s的接送码已停用"), _l("今天输错 5 次。请老师核对身份后当面签字，或联系学校办公室。"), "lock", "warn"
    ),
    "handover.refused": Words(
        _l("有人来接%(child)s，已拒绝"),
        _l("来人不在接送名单里，或已登记为不能接。当时的老师：%(by)s。"),
        "user-x",
        "bad",
    ),
    "lesson.replace_teacher": Words(
        _l("请为 %(n)s 节课更换教师"), _l("%(name)s按规定不能继续任课，请安排代课。"), "user-exclamation", "bad"
    ),
    "absence.incident": Words(
        _l("%(child)s发生意外"), _l("老师报告：%(cause)s。请马上联系学校。"), "alert-triangle", "bad"
    ),
    "one_off.asked": Words(
        _l("%(child)s的家长请求临时托管"),
        _l("家长请学校在 %(starts)s 照看%(child)s，请答复。"),
        "calendar-plus",
        "warn",
    ),
    "one_off.taken": Words(
        _l("%(starts)s可以托管%(child)s"), _l("班主任已安排，当天放学后请按时来接。"), "calendar-check", "ok"
    ),
    "one_off.refused": Words(
        _l("%(starts)s没有安排%(child)s的临时托管"),
        _l("请看班主任写的理由；仍有困难请联系学校。"),
        "calendar-off",
        "bad",
    ),
    "lesson.cancelled": Words(
        _l("%(title)s取消一次"), _l("%(starts)s的%(title)s取消：%(reason)s"), "calendar-off", "warn"
    ),
    **OF_GROUPS,
    "draw.opened": Words(
        _l("%(title)s：填报志愿"),
        _l("%(starts)s 至 %(to)s 填报志愿。先填后填机会相同，截止前可以随时修改。"),
        "list-numbers",
        "info",
    ),
    "draw.window": Words(
        _l("%(title)s：限时申请"),
        _l("%(opens_at)s 至 %(closes_at)s 申请名额。在这段时间里先点后点机会一样，到时一起抽签，不用抢。"),
        "clock",
        "info",
    ),
    "draw.together": Words(
        _l("%(child)s和%(others)s一起抽签"),
        _l("%(title)s：同一个项目要么都录取，要么都不安排。志愿凭据换了新的，请打开页面核对；不同意可以在截止前退出。"),
        "users",
        "info",
    ),
    "draw.apart": Words(
        _l("%(child)s现在单独抽签"),
        _l("%(title)s：不再和别的孩子一起抽签。志愿不变，凭据换了新的，请打开页面保存。"),
        "user",
        "info",
    ),
    "draw.receipt": Words(
        _l("%(child)s的志愿凭据已更新"),
        _l("学校登记了%(child)s的优先类别，志愿不变，凭据换了新的。请打开页面保存新凭据。"),
        "receipt",
        "info",
    ),
    "draw.given.first": Words(
        _l("%(child)s抽签录取：%(course)s"),
        _l("第 %(place)s 志愿「%(course)s」录取，抽签号 %(mine)s。请在 %(to)s 前提交申请，逾期名额不再保留。"),
        "circle-check",
        "ok",
    ),
    "draw.given.number": Words(
        _l("%(child)s抽签录取：%(course)s"),
        _l(
            "第 %(place)s 志愿「%(course)s」录取；第 %(other_place)s 志愿「%(other)s」录取到 %(last)s 号，"
            "你的是 %(mine)s 号。请在 %(to)s 前提交申请，逾期名额不再保留。"
        ),
        "circle-check",
        "ok",
    ),
    "draw.given.class": Words(
        _l("%(child)s抽签录取：%(course)s"),
        _l(
            "第 %(place)s 志愿「%(course)s」录取；第 %(other_place)s 志愿「%(other)s」在优先类别内已经录满"
            "（到 %(last)s 号）。请在 %(to)s 前提交申请，逾期名额不再保留。"
        ),
        "circle-check",
        "ok",
    ),
    "draw.given.luck": Words(
        _l("%(child)s抽签录取：%(course)s"),
        _l(
            "第 %(place)s 志愿「%(course)s」录取；第 %(other_place)s 志愿「%(other)s」在上一次没有抽中的一类内已经录满"
            "（到 %(last)s 号）。请在 %(to)s 前提交申请，逾期名额不再保留。"
        ),
        "circle-check",
        "ok",
    ),
    "draw.given.together": Words(
        _l("%(child)s抽签录取：%(course)s"),
        _l(
            "第 %(place)s 志愿「%(course)s」录取；第 %(other_place)s 志愿「%(other)s」没有让一起抽签的孩子都抽中，"
            "按约定都不安排。请在 %(to)s 前提交申请，逾期名额不再保留。"
        ),
        "circle-check",
        "ok",
    ),
    "draw.given.none": Words(
        _l("%(child)s抽签录取：%(course)s"),
        _l(
            "第 %(place)s 志愿「%(course)s」录取；第 %(other_place)s 志愿「%(other)s」没有名额可抽。"
            "请在 %(to)s 前提交申请，逾期名额不再保留。"
        ),
        "circle-check",
        "ok",
    ),
    "draw.missed.number": Words(
        _l("%(child)s没有抽中：%(other)s"),
        _l("第 %(other_place)s 志愿「%(other)s」录取到 %(last)s 号，你的是 %(mine)s 号；同一时段的其他志愿也已录满。"),
        "circle-x",
        "warn",
    ),
    "draw.missed.class": Words(
        _l("%(child)s没有抽中：%(other)s"),
        _l("第 %(other_place)s 志愿「%(other)s」在优先类别内已经录满（到 %(last)s 号）；同一时段的其他志愿也已录满。"),
        "circle-x",
        "warn",
    ),
    "draw.missed.luck": Words(
        _l("%(child)s没有抽中：%(other)s"),
        _l(
            "第 %(other_place)s 志愿「%(other)s」在上一次没有抽中的一类内已经录满（到 %(last)s 号）；"
            "同一时段的其他志愿也没有录取。"
        ),
        "circle-x",
        "warn",
    ),
    "draw.missed.together": Words(
        _l("%(child)s没有抽中：%(other)s"),
        _l(
            "第 %(other_place)s 志愿「%(other)s」没有让一起抽签的孩子都抽中，按“要么都录取，要么都不安排”的约定，"
            "都没有安排；同一时段的其他志愿也没有录取。"
        ),
        "circle-x",
        "warn",
    ),
    "draw.missed.limit": Words(
        _l("%(child)s没有抽中：%(other)s"),
        _l("每个孩子最多 %(limit)s 项，排在第 %(other_place)s 志愿「%(other)s」前面的已经录取。"),
        "circle-x",
        "info",
    ),
    "draw.missed.none": Words(
        _l("%(child)s没有抽中：%(other)s"),
        _l("第 %(other_place)s 志愿「%(other)s」没有名额可抽；同一时段的其他志愿也已录满。"),
        "circle-x",
        "warn",
    ),
    "survey.opened": Words(
        _l("请填写：%(title)s"),
        _l("学校想先了解各家的需要：哪几天、什么内容、到几点。一分钟填完，%(to)s 截止；参加完全自愿。"),
        "message-question",
        "info",
    ),
    "survey.remind": Words(
        _l("还没有填写：%(title)s"), _l("%(to)s 截止。不打算参加也请答一下，方便学校安排。"), "message-question", "warn"
    ),
    "offering.changed": Words(
        _l("「%(course)s」有调整"),
        _l("%(child)s的「%(course)s」：%(what)s。如果因此不能参加，请联系班主任，或在手机上退出。"),
        "arrows-exchange",
        "warn",
    ),
    "offering.suspended": Words(
        _l("「%(course)s」暂停"),
        _l("%(child)s的「%(course)s」暂停开设：%(reason)s。恢复后会再通知。"),
        "alert-circle",
        "warn",
    ),
    "offering.resumed": Words(
        _l("「%(course)s」恢复开设"), _l("%(child)s的「%(course)s」恢复开设，时间以课表为准。"), "circle-check", "ok"
    ),
    "offering.withdrawn": Words(
        _l("「%(course)s」取消"),
        _l("%(child)s的「%(course)s」不再开设：%(reason)s。可以改选其他项目，已交费用按规定处理。"),
        "circle-x",
        "bad",
    ),
    "draw.lost": Words(
        _l("%(child)s抽中「%(course)s」，但名额没有保留"),
        _l("抽签结果出来时，孩子已经占用了同一时间的其他项目，或者不再符合条件。有疑问请联系学校。"),
        "alert-circle",
        "warn",
    ),
}
"""Every kind of message; an unknown kind (of a plugin that is gone) shows its facts as "plain" does."""

__all__ = ["MESSAGES", "Words"]
