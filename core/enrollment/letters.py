"""The letter to parents (告家长书) and the agreement as data: texts from files, filled with what is on the menu.

Both are papers in Chinese. A text is a list of parts as core.web.pdf draws them; its SHA-256 is of its canonical JSON,
so that what a family read or signed can be shown again word for word.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from core.base import clock
from core.base.text import in_locale
from core.billing.views import UnitPrice
from core.db.uow import UnitOfWork
from core.enrollment.menu_service import MenuView, on_menu, prices
from core.enrollment.views import OfferingView
from core.enrollment.words import grades_line, kind_title, per_unit, when_line
from core.policy.library import PackLibrary
from core.terms.models import Term
from core.terms.service import term_title
from core.web.i18n import fdate, fdatetime, money

TEXTS: Final = Path(__file__).parent / "texts"
TOLD: Final = ("mode", "contents", "times", "items", "fees", "safety")
"""What the letter tells, in the packs' words (application.told_first)."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A text as parts; `sha256` names exactly this wording."""

    title: str
    to: str
    parts: tuple[Mapping[str, Any], ...]
    sha256: str


@dataclass(frozen=True, slots=True)
class AgreementText:
    """An agreement's template: which scheme's, which version, what it states and for whom."""

    key: str
    version: int
    title: str
    states: tuple[str, ...]
    parties: tuple[str, ...]
    covers: tuple[str, ...]
    """Which agreements this one paper is (agreement.kinds): one that lays down the safety duties is both."""
    sections: tuple[Mapping[str, Any], ...]

    def filled(self, facts: Mapping[str, str], items: Sequence[Sequence[str]]) -> dict[str, Any]:
        """The whole text with its blanks filled, as it is stored, hashed and printed."""
        parts: list[dict[str, Any]] = []
        for section in self.sections:
            parts.append({"kind": "heading", "text": section["heading"]})
            parts.append({"kind": "list", "items": [clause.format_map(facts) for clause in section["clauses"]]})
            if section.get("items"):
                parts.append(_table(("项目", "时间", "费用"), items))
        return {"title": self.title, "facts": dict(facts), "parts": parts}


def digest(content: Any) -> str:
    """SHA-256 of data in canonical JSON."""
    return hashlib.sha256(
        json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
    ).hexdigest()


@lru_cache(maxsize=32)
def _read(path: Path) -> Mapping[str, Any]:
    with path.open("rb") as file:
        return tomllib.load(file)


def template_text(stem: str) -> Mapping[str, Any]:
    """A text file of ours as data, by its name without the ending."""
    return _read(TEXTS / f"{stem}.toml")


def scheme_text(uow: UnitOfWork, stem: str) -> tuple[str, Mapping[str, Any]]:
    """The text that holds here, by its file's name without the ending: the scheme's own (stem-pack) where there is one,
    else the common one. Raises FileNotFoundError."""
    packs = []
    if uow.ctx.pack is not None:
        packs = [pack.key for pack in reversed(uow.house.get(PackLibrary).chain(uow.ctx.pack, clock.today()))]
    for path in (*(TEXTS / f"{stem}-{pack}.toml" for pack in packs), TEXTS / f"{stem}.toml"):
        if path.is_file():
            return path.stem, _read(path)
    raise FileNotFoundError(TEXTS / f"{stem}.toml")


def agreement_text(uow: UnitOfWork) -> AgreementText:
    """The template that holds here: the scheme's own where there is one, else the common one."""
    stem, raw = scheme_text(uow, "agreement")
    return AgreementText(
        key=f"{stem}/{raw['key']}",
        version=int(raw["version"]),
        title=raw["title"],
        states=tuple(raw["states"]),
        parties=tuple(raw["parties"]),
        covers=tuple(raw["covers"]),
        sections=tuple(raw["section"]),
    )


async def letter(uow: UnitOfWork, term: Term, menu: MenuView) -> Letter:
    """The letter to parents for the term's menu: mode, content and times, fees, safety (R-090, R-136)."""
    views = await on_menu(uow, term.id)
    priced = await prices(uow, term.id, views)
    with in_locale("zh_CN"):
        return _compose(uow.ctx.name, term, menu, views, priced)


def _compose(
    school: str, term: Term, menu: MenuView, views: Sequence[OfferingView], priced: Mapping[str, UnitPrice]
) -> Letter:
    raw = _read(TEXTS / "notice.toml")
    facts = {
        "school": school,
        "term": term_title(term.code),
        "opens": fdatetime(menu.opens_at, "medium"),
        "closes": fdatetime(menu.closes_at, "medium"),
        "starts": fdate(term.starts_on),
        "ends": fdate(term.ends_on),
    }
    parts: list[Mapping[str, Any]] = [{"kind": "text", "text": raw["opening"]["text"].format_map(facts)}]
    for name in ("mode", "content", "fees", "safety"):
        own = {"mode": menu.mode, "safety": menu.safety}.get(name, "")
        parts.append({"kind": "heading", "text": raw[name]["heading"]})
        parts.append({"kind": "text", "text": own or raw[name]["text"].format_map(facts)})
        if name == "content" and views:
            parts.append(_table(("项目", "时间", "面向年级", "费用"), [_row(view, priced) for view in views]))
    parts.append({"kind": "text", "text": raw["closing"]["text"]})
    content = {"title": raw["title"], "to": raw["to"], "parts": parts}
    return Letter(raw["title"], raw["to"], tuple(parts), digest(content))


def _row(view: OfferingView, priced: Mapping[str, UnitPrice]) -> tuple[str, ...]:
    kind = kind_title(view.kind)
    name = view.title if view.kind == "care" or kind in view.title else f"{view.title}（{kind}）"
    return (name, when_line(view) or "不占用在校时间", grades_line(view.grades), price_words(view, priced))


def price_words(view: OfferingView, priced: Mapping[str, UnitPrice], grade: int | None = None) -> str:
    """The posted price in Chinese words for a paper: 免费, ¥4 / 课次, or whom the family pays.

    A standard that names grades costs the others nothing: `grade` is the child's, None on a paper for all.
    """
    price = priced.get(view.service) if view.service else None
    if price is None:
        if view.details.get("paid_to"):
            return f"与{view.details['paid_to']}结算"
        return "免费" if view.service is None else "未公示"
    if grade is not None and not price.covers(grade):
        return "免费"
    partly = grade is None and not all(price.covers(g) for g in view.grades)
    words = f"{money(price.fen)} / {per_unit(price.unit)}"
    return f"{words}（{grades_line(price.grades)}）" if partly else words


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> dict[str, Any]:
    return {
        "kind": "table",
        "columns": [{"title": title} for title in columns],
        "rows": [list(row) for row in rows],
    }
