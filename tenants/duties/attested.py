"""Which rules people must answer for because no door of the product can see the fact (责任清单).

To add a key, add one line. A key belongs here when its rule is a duty, a ban or a number about which the product knows
nothing; a rule that some door asks (`pack.ask(...)` in the code) does not. tests/architecture/test_rules_bite.py holds
that every key of the catalogue is asked, stands here, or is a value that is read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, Literal

from core.base.text import LazyText
from core.base.text import lazy_gettext as _l

PRINCIPAL: Final = _l("校长")
TEACHING: Final = _l("教务处")
MORAL: Final = _l("德育处（家校联动）")
LOGISTICS: Final = _l("总务处")
SECURITY: Final = _l("安全保卫负责人")
FINANCE: Final = _l("财务负责人")
DUTY_LEADER: Final = _l("值班领导")
ARCHIVE: Final = _l("档案管理员")
COUNTY: Final = _l("教育局课后服务主管科室")
COUNTY_FINANCE: Final = _l("教育局财务主管科室")

Due = Literal["start", "middle", "end"]


@dataclass(frozen=True, slots=True)
class Attested:
    """`who` answers for it; `due`: two weeks after the term's start, its middle, or its last day; `by`: the school
    or the bureau, whichever does the thing."""

    who: LazyText
    due: Due = "start"
    by: Literal["school", "bureau"] = "school"

    def due_on(self, first: date, last: date) -> date:
        """The day by which a term from `first` to `last` should have its answer."""
        if self.due == "end":
            return last
        return first + ((last - first) / 2 if self.due == "middle" else timedelta(days=14))


ATTESTED: Final[Mapping[str, Attested]] = {
    # plan and enrolment
    "plan.survey_all": Attested(MORAL),
    "application.forced_out": Attested(PRINCIPAL, "middle"),
    "application.guided_by": Attested(MORAL),
    "enrolment.others_leave": Attested(DUTY_LEADER),
    # staff
    "staffing.ab_alternate": Attested(TEACHING),
    "staffing.b_in_room": Attested(TEACHING),
    "staffing.parent_group_leaders": Attested(MORAL),
    "staff.voluntary": Attested(PRINCIPAL),
    "staff.all_serve": Attested(PRINCIPAL),
    "staff.exemption_decided": Attested(PRINCIPAL),
    "staff.counts_for": Attested(PRINCIPAL, "end"),
    "staff.conduct": Attested(DUTY_LEADER, "middle"),
    "staff.leaves_post": Attested(DUTY_LEADER, "middle"),
    "agreement.teacher_safety": Attested(SECURITY),
    # money that the product does not move
    "fee.for_profit": Attested(PRINCIPAL, "end"),
    "fee.other_use": Attested(FINANCE, "end"),
    "fee.withheld": Attested(FINANCE, "end"),
    "fee.management_fee": Attested(FINANCE, "end"),
    "fee.actual_cost": Attested(FINANCE, "end"),
    "fee.procurement_rules": Attested(FINANCE, "end"),
    "subsidy.replaces_public_funds": Attested(COUNTY_FINANCE, "end", "bureau"),
    "subsidy.project_goals": Attested(COUNTY_FINANCE, "start", "bureau"),
    "subsidy.evaluated_yearly": Attested(COUNTY_FINANCE, "end", "bureau"),
    "pay.beyond_duties": Attested(PRINCIPAL, "end"),
    "pay.not_harming_duties": Attested(PRINCIPAL, "end"),
    # publication on paper
    "publication.fixed_board": Attested(LOGISTICS),
    "provider.staff_short": Attested(PRINCIPAL),
    "provider.rated_by": Attested(PRINCIPAL, "end"),
    "publication.changes_told": Attested(TEACHING, "middle"),
    "publication.right_to_know": Attested(PRINCIPAL, "middle"),
    "insurance.shared_liability": Attested(SECURITY),
    # the day, where no register reaches
    "attendance.count_first": Attested(DUTY_LEADER),
    "attendance.concerns": Attested(DUTY_LEADER),
    "attendance.patrolled": Attested(DUTY_LEADER, "middle"),
    "attendance.leaves_room": Attested(DUTY_LEADER, "middle"),
    "attendance.emergency_tells": Attested(SECURITY),
    "attendance.emergency_reported_to": Attested(SECURITY),
    "pickup.greeted": Attested(DUTY_LEADER),
    "pickup.led_by": Attested(DUTY_LEADER),
    "pickup.outsiders_enter": Attested(SECURITY),
    "pickup.parents_walk_in": Attested(SECURITY),
    "pickup.stranded_checked": Attested(DUTY_LEADER),
    # records
    "records.daily": Attested(ARCHIVE, "middle"),
    "records.care": Attested(ARCHIVE, "middle"),
    "records.archive": Attested(ARCHIVE, "end"),
    "records.pupil_file": Attested(ARCHIVE),
    "records.weekly": Attested(ARCHIVE, "middle"),
    "records.archived": Attested(ARCHIVE, "end"),
    "records.club_files": Attested(ARCHIVE, "end"),
    # safety
    "safety.rules": Attested(SECURITY),
    "safety.hazards": Attested(SECURITY),
    "safety.equipped": Attested(TEACHING),
    "safety.trained": Attested(SECURITY),
    "safety.spaced": Attested(DUTY_LEADER),
    "safety.queue_metres_min": Attested(DUTY_LEADER),
    "safety.disinfected_early": Attested(LOGISTICS),
    "safety.fever_by_plan": Attested(SECURITY),
    "safety.medicine": Attested(DUTY_LEADER),
    "safety.diet_told": Attested(DUTY_LEADER),
    "safety.adjusts_and_tells": Attested(PRINCIPAL, "middle"),
    "safety.early_and_late": Attested(SECURITY),
    # oversight
    "oversight.phases": Attested(COUNTY, "end", "bureau"),
    "oversight.inspections": Attested(COUNTY, "end", "bureau"),
    "oversight.rated": Attested(COUNTY, "end", "bureau"),
    "oversight.supervised_by": Attested(COUNTY, "end", "bureau"),
    "oversight.coverage": Attested(PRINCIPAL, "middle"),
    "oversight.in_school_evaluation": Attested(PRINCIPAL, "end"),
    "oversight.daily_check": Attested(DUTY_LEADER, "middle"),
    "oversight.meetings": Attested(PRINCIPAL, "middle"),
    # opinions and complaints
    "complaint.taken_by": Attested(MORAL),
    "complaint.named_person": Attested(MORAL),
    "complaint.feedback": Attested(MORAL),
    "complaint.collected": Attested(MORAL, "middle"),
    "complaint.answered": Attested(MORAL, "middle"),
}
