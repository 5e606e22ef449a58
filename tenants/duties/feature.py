"""What duties bring to the house."""

from __future__ import annotations

from datetime import time
from pathlib import Path

from core.base.text import lazy_gettext as _l
from core.host.contribution import Contribution, DocumentHandler, Job, NavItem, Permission, Schedule, Subscriber
from tenants.duties import (
    checks_families,
    checks_outside,
    models,
    pages_bans,
    pages_list,
    report,
    routes,
    service,
    watch,
)
from tenants.duties.states import ANSWER, OVERSEE, READ, RECORD

HERE = Path(__file__).parent

__all__ = ["contribution", "models"]

NEWS = (
    "plan.adopted",
    "plan.amended",
    "offering.approved",
    "offering.changed",
    "offering.published",
    "offering.running",
    "offering.suspended",
    "application.item_refused",
    "billing.run_finished",
    "fees.standard_in_force",
    "fees.standard_blocked",
)
"""Events after which a check may find something else. What comes by the thousand (enrolments, lessons held) is left to
the daily run: the doors have looked at each already."""

BUREAU = ("bureau_officer", "bureau_head")
SCHOOL = ("principal", "office")
GROUP = _l("督导")

contribution = Contribution(
    key="duties",
    handlers=(*pages_bans.HANDLERS, *pages_list.HANDLERS, *routes.HANDLERS),
    permissions=(
        Permission(READ, _l("查看责任清单和十条严禁"), roles=(*SCHOOL, *BUREAU)),
        Permission(RECORD, _l("填报责任清单"), roles=(*SCHOOL, *BUREAU)),
        Permission(ANSWER, _l("说明十条严禁的警示"), roles=SCHOOL),
        Permission(OVERSEE, _l("查看各校责任清单和十条严禁"), roles=BUREAU),
    ),
    nav=(
        NavItem("desk", _l("十条严禁"), "desk/bans", "ban", 600, READ, GROUP, watch.unanswered),
        NavItem("desk", _l("责任清单"), "desk/duties", "list-check", 610, READ, GROUP, service.overdue),
        NavItem("bureau", _l("十条严禁"), "bureau/bans", "ban", 30, OVERSEE, badge=report.breaches_open),
        NavItem("bureau", _l("各校责任清单"), "bureau/schools-duties", "list-check", 40, OVERSEE),
        NavItem("bureau", _l("本局责任清单"), "bureau/duties", "checklist", 50, READ, badge=service.overdue),
    ),
    jobs=(Job(report.CHECK, report.daily, title=_l("检查十条严禁，更新责任清单")),),
    schedules=(Schedule("duties.daily", report.CHECK, frozenset({"school", "bureau"}), at=time(5, 30)),),
    subscribers=(
        *(Subscriber(event, f"duties.on.{event}", report.soon) for event in NEWS),
        Subscriber("duties.flag_answered", "duties.flag_told", report.told),
        Subscriber("duties.recorded", "duties.record_told", report.told),
    ),
    documents=(DocumentHandler(report.REPORT, report.receive, _l("责任清单和十条严禁报送")),),
    templates=HERE / "templates",
    locale=HERE / "locale",
    ban_checks=(*checks_families.CHECKS, *checks_outside.CHECKS),
)
