"""What the roster import brings to the house."""

from __future__ import annotations

from datetime import time
from pathlib import Path

from core.base.text import lazy_gettext as _l
from core.host.contribution import Contribution, Job, NavItem, Permission, Schedule
from tenants.roster import jobs, models, pages, routes
from tenants.roster.service import APPLY, CHECK, TIDY

__all__ = ["contribution", "models"]

HERE = Path(__file__).parent

contribution = Contribution(
    key="roster",
    handlers=(*pages.HANDLERS, *routes.HANDLERS),
    permissions=(Permission("roster.import", _l("导入花名册"), roles=("office", "principal")),),
    nav=(
        NavItem(
            "desk", _l("花名册导入"), "desk/roster", "table-import", order=440, permission="roster.import",
            group=_l("名册"),
        ),
    ),
    jobs=(
        Job(CHECK, jobs.check, transactional=False, title=_l("检查花名册")),
        Job(APPLY, jobs.run_import, transactional=False, title=_l("导入花名册")),
        Job(TIDY, jobs.tidy, title=_l("清除过期的花名册文件")),
    ),
    schedules=(Schedule(TIDY, TIDY, frozenset({"school"}), at=time(2, 10)),),
    templates=HERE / "templates",
    static=HERE / "static",
    locale=HERE / "locale",
)  # fmt: skip
