"""Rules of a pack that are values to be read, put to the facts of a plan or an offering: sessions, period, first day.

The engine asks the rules that are questions; these here say no in the same type, with clause and quote.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import date, time, timedelta
from typing import Final

from core.base.text import LazyText
from core.base.text import lazy_gettext as _l
from core.policy import vocab as v
from core.policy.ask import EffectivePack
from core.policy.rules_service import shown_spans
from core.policy.types import Objection, Setting

AFTERNOON: Final = ("afternoon", "extended")
"""The windows that the sessions of a day (time.sessions) speak of."""

_SETS_HOMEWORK: Final = re.compile(r"(布置.{0,8}|留(书面|家庭|课后|回家)?)作业")
_NOT: Final = re.compile(r"[不禁无免没]")


def refusal(pack: EffectivePack, setting: Setting, message: LazyText | str) -> Objection:
    """An objection that rests on a value read from the pack."""
    entry = next((e for e in pack.entries if (e.key, e.clause) == (setting.key, setting.clause)), None)
    return Objection(
        code=f"policy.{setting.key}",
        message=message,
        force=setting.force,
        clause=setting.clause,
        source=pack.source_of(entry) if entry else "",
        quote=setting.quote,
        pack_key=setting.pack_key,
        rule=setting.key,
    )


def grades_of(stages: Iterable[str]) -> list[int]:
    """The grades of the stages named."""
    return [g for stage in sorted(stages, reverse=True) for g in (range(1, 7) if stage == "primary" else range(7, 10))]


def outside_sessions(pack: EffectivePack, grades: Sequence[int], starts_at: time, ends_at: time) -> list[Objection]:
    """What a service from `starts_at` to `ends_at` breaks of the sessions that the pack sets for each grade (R-202).

    A time that runs through several sessions is measured by the day's first beginning and last end.
    """
    start, end = f"{starts_at:%H:%M}", f"{ends_at:%H:%M}"
    found: list[Objection] = []
    for grade in grades:
        setting = pack.get("time.sessions", grades=(grade,))
        if setting.value is None:
            continue
        first, last = min(s[:5] for s in setting.value), max(s[-5:] for s in setting.value)
        if first <= start and end <= last:
            continue
        facts = {"grade": v.GRADES.label(grade), "limit": shown_spans(setting.value), "given": f"{start}–{end}"}
        found.append(refusal(pack, setting, _l("%(grade)s的服务场次为 %(limit)s，现为 %(given)s") % facts))
    return found


def first_day(pack: EffectivePack, first: date, last: date) -> date | None:
    """The day from which the pack lets the service run, when it lies in this span (time.start_date)."""
    value = pack.get("time.start_date").value
    for year in range(first.year, last.year + 1) if value is not None else ():
        day = date(year, value // 100, value % 100)
        if first <= day <= last:
            return day
    return None


def before_first_day(pack: EffectivePack, starts_on: date, first: date, last: date) -> list[Objection]:
    """R-021: a scheme that names its first day is not begun before it."""
    day = first_day(pack, first, last)
    if day is None or starts_on >= day:
        return []
    facts = {"limit": f"{day:%Y-%m-%d}", "given": f"{starts_on:%Y-%m-%d}"}
    return [refusal(pack, pack.get("time.start_date"), _l("服务从 %(limit)s 开始，现为 %(given)s") % facts)]


def other_period(pack: EffectivePack, period: int | None) -> list[Objection]:
    """R-197: the class period in which the service stands (第几节课)."""
    setting = pack.get("time.afternoon_period")
    if setting.value is None or setting.value == period:
        return []
    facts = {"limit": setting.value}
    return [refusal(pack, setting, _l("服务应安排在下午第 %(limit)s 节课，请在方案里写明") % facts)]


def seasons(pack: EffectivePack, first: date, last: date) -> list[str]:
    """The seasons, by the pack's own months, that the days of a span belong to."""
    months = {date(d.year, d.month, 1) for d in (first + timedelta(days=n) for n in range((last - first).days + 1))}
    return sorted({pack.season(month) for month in months})


def sets_homework(texts: Iterable[str]) -> bool:
    """Whether words say that homework is given out (布置作业), and not that it is not or that it is done here."""
    clauses = (clause for text in texts for clause in re.split(r"[，。；！？,;!?\n]", text))
    return any(
        (hit := _SETS_HOMEWORK.search(clause)) is not None and not _NOT.search(clause[: hit.start()])
        for clause in clauses
    )
