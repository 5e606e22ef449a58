"""What the table of levels brings to the house."""

from __future__ import annotations

from datetime import time
from pathlib import Path

from core.base.text import lazy_gettext as _l
from core.host.contribution import Contribution, Job, Schedule
from tenants.levels import jobs, models, pages

__all__ = ["contribution", "models"]

HERE = Path(__file__).parent

contribution = Contribution(
    key="levels",
    handlers=pages.HANDLERS,
    jobs=(Job(jobs.TIDY, jobs.tidy, title=_l("清除过期的层级表格")),),
    schedules=(Schedule(jobs.TIDY, jobs.TIDY, frozenset({"school"}), at=time(2, 15)),),
    templates=HERE / "templates",
    locale=HERE / "locale",
)
