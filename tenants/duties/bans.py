"""The ten bans (十严禁, requirements 2.19): their words, and what of each people must watch themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from core.base.text import LazyText
from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork
from core.policy.bans import BanCheck


@dataclass(frozen=True, slots=True)
class Ban:
    """One ban. `watch` are the things that software cannot see; `rules` the keys of the pack that speak of the ban."""

    number: int
    req: str
    title: LazyText
    rules: tuple[str, ...]
    watch: tuple[LazyText, ...]


BANS: Final[Mapping[int, Ban]] = {
    ban.number: ban
    for ban in (
        Ban(
            1,
            "R-450",
            _l("违背学生、家长意愿组织开展"),
            ("application.guardian_confirms", "application.forced", "application.refusal_needs"),
            (
                _l("口头施压：在匿名问卷里问一句“您可以自由选择不参加吗”，并看投诉"),
                _l("全班都参加的班级：抽几位家长问一问"),
            ),
        ),
        Ban(
            2,
            "R-451",
            _l("演变为学科类集体教学、集体补课，或奥数等竞赛培训"),
            ("content.banned_kinds", "content.blocked_words", "content.flag_words", "provider.subject_teaching"),
            (
                _l("教室里实际讲了什么：巡查和督学听课时逐项核对"),
                _l("发给学生的讲义和练习：随机抽看"),
            ),
        ),
        Ban(
            3,
            "R-452",
            _l("增加作业量、加重课业负担"),
            ("content.adds_load", "time.minutes_max", "time.lessons_per_day_max", "content.written_home_homework"),
            (_l("纸上或群里另外布置的作业：问卷和投诉"), _l("服务后学生回家还要写多久：抽样询问")),
        ),
        Ban(
            4,
            "R-453",
            _l("违规收费、乱收费"),
            ("fee.irregular", "fee.payer", "fee.posted", "fee.within_standard", "fee.standard_approved"),
            (_l("现金、私人转账和群内收款：投诉电话和市场监管部门"), _l("家委会代收：向家长代表了解")),
        ),
        Ban(
            5,
            "R-454",
            _l("违规乱发津补贴"),
            ("pay.irregular", "pay.for_lessons_held", "pay.total_percent_max"),
            (_l("平台以外发放的钱：财务凭证和审计"), _l("签到是否本人：随机查看课堂")),
        ),
        Ban(
            6,
            "R-455",
            _l("有师德师风问题的教职工参与"),
            ("staff.ethics_problem",),
            (_l("问题由人认定：认定后要及时登记，登记了系统才能拦住"),),
        ),
        Ban(
            7,
            "R-456",
            _l("有不良记录的机构和人员参与"),
            ("provider.bad_record",),
            (_l("外地和其他系统里的不良记录：遴选时主动查询"), _l("换了名称的同一机构：核对负责人和许可证")),
        ),
        Ban(
            8,
            "R-457",
            _l("未按程序审核的机构和个人入校提供服务"),
            ("provider.vetted", "provider.on_bureau_list", "provider.formalities"),
            (_l("不经登记进校的人：门卫登记与当天课表核对"),),
        ),
        Ban(
            9,
            "R-458",
            _l("在服务时段“搭车”开展商业活动"),
            ("provider.commercial_activity",),
            (_l("课上发的传单、口头推销、加家长好友：巡查和投诉"), _l("课后把学生引到校外机构：家长回访")),
        ),
        Ban(
            10,
            "R-459",
            _l("把学校资源提供给社会培训机构作为经营场所"),
            ("provider.business_premises",),
            (_l("周末、假期和晚间的场地使用：门卫登记和现场检查"), _l("非本校学生进校上课：核对名单")),
        ),
    )
}


def checks(uow: UnitOfWork) -> list[BanCheck]:
    """Every check that is on for this organisation: the core's, and those of its switched-on plugins; by ban."""
    found = [
        check
        for plugin, contribution in uow.house.registry.contributions
        if plugin is None or plugin in uow.ctx.plugins
        for check in contribution.ban_checks
    ]
    return sorted(found, key=lambda check: (check.ban, check.key))


def check_titles(uow: UnitOfWork) -> dict[str, LazyText]:
    """The title of each check that is installed, also of plugins that are off here."""
    return {check.key: check.title for _plugin, c in uow.house.registry.contributions for check in c.ban_checks}
