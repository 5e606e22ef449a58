"""The versions of a pack as pages tell them: from when to when each counts, and what it changed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from core.base import clock
from core.base.text import gettext as _
from core.policy.compare import Change, changes
from core.policy.library import PackLibrary
from core.policy.types import Pack
from core.web.i18n import fdate


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a pack, with what it changed in the one before; `first` has none before it."""

    pack: Pack
    days: str
    state: str
    tone: str
    changes: list[Change]
    first: bool


def versions_of(packs: PackLibrary, key: str) -> list[Version]:
    """All versions of a pack, the newest first."""
    today, found = clock.today(), []
    versions = [pack for pack in packs if pack.key == key]
    for before, pack in zip([None, *versions], versions, strict=False):
        state, tone = state_of(pack, today)
        said = changes(before.entries, pack.entries, packs.catalogue) if before else []
        found.append(Version(pack, days_of(pack), state, tone, said, before is None))
    return list(reversed(found))


def state_of(pack: Pack, today: date) -> tuple[str, str]:
    """Whether a version counts on a day, in words, and the tone of its pill."""
    if pack.valid_on(today):
        return _("生效中"), "ok"
    if pack.valid_from is not None and pack.valid_from > today:
        return _("将生效"), "info"
    return _("已失效"), ""


def days_of(pack: Pack) -> str:
    """From when to when a version counts, in the reader's words."""
    starts = fdate(pack.valid_from) if pack.valid_from else ""
    ends = fdate(pack.valid_to) if pack.valid_to else ""
    if starts and ends:
        return f"{starts} – {ends}"
    if ends:
        return _("至 %(day)s", day=ends)
    return _("%(day)s 起", day=starts) if starts else _("文件没有写明")
