"""The words of messages and postings. A message keeps its kind and its facts; the sentence is made when it is read,
in the reader's own language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from core.base.text import LazyText, gettext
from core.base.text import lazy_gettext as _l
from core.base.text import lazy_pgettext as _pl
from core.notices.changes import changes_text
from core.notices.message_words import MESSAGES
from core.terms.service import term_title
from core.web.i18n import class_name, fdate, fdatetime, money

NOTICE_KINDS: Final[Mapping[str, LazyText]] = {
    "plan": _l("服务方案"),
    "fees": _l("收费标准"),
    "menu": _l("课程菜单"),
    "accounts": _l("收支情况"),
    "hires": _l("外聘人员"),
    "list": _l("名单"),
    "draw": _l("抽签"),
    "timetable": _l("课表与编班"),
    "change": _l("调整通知"),
    "other": _pl("notice", "其他"),
}
"""What the board shows: requirements 2.20."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A message as its reader sees it."""

    title: str
    body: str
    icon: str
    tone: str


def shown(kind: str, params: Mapping[str, Any]) -> Shown:
    """The sentence of a message in the current language; dates and amounts as people write them."""
    words = MESSAGES.get(kind) or MESSAGES["plain"]
    values = _Values({name: _told(name, value) for name, value in params.items()})
    return Shown(gettext(words.title) % values, gettext(words.body) % values, words.icon, words.tone)


class _Values(dict[str, Any]):
    """A fact that an older message lacks reads as nothing rather than breaking the list of messages."""

    def __missing__(self, key: str) -> str:
        return ""


def _told(name: str, value: Any) -> Any:
    if name == "what" and isinstance(value, list):
        return changes_text(value)
    if name in ("due", "amount", "old_total", "new_total") and isinstance(value, int):
        return money(value)
    if name in ("opens_at", "closes_at") and isinstance(value, str):
        return fdatetime(datetime.fromisoformat(value)) if value else ""
    if name in ("starts", "to") and isinstance(value, str):
        return fdate(date.fromisoformat(value[:10])) if value else ""
    if name == "term" and isinstance(value, str):
        return term_title(value)
    if name == "class" and isinstance(value, list) and len(value) == 2:
        return class_name(*value)
    if name == "until" and isinstance(value, str):
        return fdatetime(datetime.fromisoformat(value)) if value else ""
    if isinstance(value, (date, datetime)):
        return fdate(value)
    return value
