"""Drafts and packs as pages show them: rules in words, what stands above them, faults in the reader's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from pydantic import ValidationError

from core.base import clock
from core.base.errors import KehouError
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.db.uow import UnitOfWork
from core.policy.catalogue import GROUPS, Catalogue
from core.policy.compare import Change, changes
from core.policy.errors import PackProblem
from core.policy.explain import scope_in_words
from core.policy.library import PackLibrary
from core.policy.load import ScopeModel
from core.policy.types import EVERYWHERE, Entry, Pack, Scope
from core.web.i18n import fdate
from tenants.editor import service
from tenants.editor.models import PackDraft, PackTrial
from tenants.editor.service import DRAFT_FILE

FAULTS: Final[Mapping[str, Any]] = {
    "unknown_key": _l("规则目录里没有这一条，请删除"),
    "value": _l("这个值不对，请按说明填写"),
    "twice": _l("同样的适用范围已有一条，请删去其中一条，或改变适用范围"),
    "ends_first": _l("到期日早于生效日"),
    "overlap": _l("有效期和同一规则包的另一个版本（%(from)s 起）重叠"),
    "parent_missing": _l("没有找到上级规则包 %(parent)s"),
    "parent_level": _l("《%(title)s》是%(level)s文件，不能作为上级"),
    "wider": _l("比上级宽：《%(title)s》%(clause)s要求 %(limit)s，这里是 %(given)s。下级只能收紧"),
    "past": _l("生效日要在今天或以后，已经过去的日子不能改"),
    "not_ours": _l("还有不归本局管理的单位在用这个规则包，不能替它们改；可以改为建立下级规则包"),
}
SHAPES: Final[Mapping[str, Any]] = {
    "source": _l("请至少写明一份依据文件"),
    "rule": _l("请至少写一条规则"),
}
PLACES: Final[Mapping[str, Any]] = {
    "valid_from": _l("生效日"),
    "valid_to": _l("到期日"),
    "parent": _l("上级规则包"),
    "key": _l("代号"),
    "source": _l("依据文件"),
    "rule": _l("规则"),
    "title": _l("名称"),
    "issuer": _l("发布单位"),
    "territory": _l("适用地区"),
    "stages": _l("学段"),
    "ownership": _l("办学性质"),
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One problem in words: where it lies, and where it is put right (a rule's place, or None for the head)."""

    where: str
    text: str
    rule: int | None


def fault_text(problem: PackProblem, catalogue: Catalogue) -> str:
    """The sentence of a problem in the reader's language."""
    told = {k: fdate(v) if isinstance(v, date) else v for k, v in problem.told.items()}
    if problem.file != DRAFT_FILE and problem.code == "wider":
        rule = str(catalogue[problem.key].title) if problem.key in catalogue else problem.key
        return _(
            "下级《%(below)s》的「%(rule)s」是 %(given)s，会比这里的 %(limit)s 宽，请先改下级规则包", rule=rule, **told
        )
    text = FAULTS.get(problem.code)
    if text is not None:
        return str(text) % told
    shape = SHAPES.get(str(problem.at[0])) if len(problem.at) == 1 else None
    return str(shape) if shape else _("请按说明填写此项")


def faults(found: Iterable[PackProblem], catalogue: Catalogue) -> list[Fault]:
    """All problems of a draft in words, the head's first."""
    made = []
    for problem in found:
        mine = problem.file == DRAFT_FILE
        place = problem.at[1] if mine and len(problem.at) > 1 and problem.at[0] == "rule" else None
        if place is not None or not mine:
            where = str(catalogue[problem.key].title) if problem.key in catalogue else problem.key
        else:
            first = str(problem.at[0]) if problem.at else problem.key
            where = str(PLACES.get(first, first))
        made.append(Fault(where, fault_text(problem, catalogue), place if isinstance(place, int) else None))
    return sorted(made, key=lambda f: -1 if f.rule is None else f.rule)


@dataclass(frozen=True, slots=True)
class RuleLine:
    """One rule of a draft. `above` are the upper levels' rules of the same key, `mark` says what the draft did."""

    place: int
    key: str
    title: str
    shown: str
    when: str
    raw: Mapping[str, Any]
    faults: Sequence[str]
    above: Sequence[Entry]
    mark: str


@dataclass(frozen=True, slots=True)
class RuleGroup:
    key: str
    title: Any
    lines: tuple[RuleLine, ...]


def scope_of(raw: Mapping[str, Any]) -> Scope:
    """The scope of a rule's fields; everywhere where they cannot be read."""
    try:
        model = ScopeModel.model_validate(raw.get("when", {}))
    except ValidationError:
        return EVERYWHERE
    return Scope(**{name: getattr(model, name) for name in ScopeModel.model_fields})


def shown_value(catalogue: Catalogue, raw: Mapping[str, Any]) -> str:
    """A rule's value in words; as it was typed where it cannot be read."""
    key = str(raw.get("key", ""))
    if key not in catalogue:
        return str(raw.get("value", ""))
    kind = catalogue[key].kind
    try:
        return kind.show(kind.parse(raw.get("value")))
    except ValueError:
        return str(raw.get("value", ""))


def rule_groups(
    uow: UnitOfWork, row: PackDraft, found: Sequence[PackProblem], changed: Sequence[Change]
) -> list[RuleGroup]:
    """The rules of a draft by subject, in the catalogue's order."""
    catalogue = service.library(uow).catalogue
    above = above_of(uow, row)
    marks = {(c.key, str(c.when)): c.kind for c in changed}
    order = {rule.key: n for n, rule in enumerate(catalogue)}
    lines: dict[str, list[RuleLine]] = {}
    for place, raw in enumerate(service.rules_of(row)):
        key = str(raw.get("key", ""))
        when = str(scope_in_words(scope_of(raw)))
        line = RuleLine(
            place=place,
            key=key,
            title=str(catalogue[key].title) if key in catalogue else key,
            shown=shown_value(catalogue, raw),
            when=when,
            raw=raw,
            faults=[fault_text(p, catalogue) for p in service.of_rule(found, place)],
            above=[e for e in above if e.key == key],
            mark=marks.get((key, when), ""),
        )
        lines.setdefault(key.partition(".")[0], []).append(line)
    for some in lines.values():
        some.sort(key=lambda line: (order.get(line.key, len(order)), line.place))
    known = [RuleGroup(key, title, tuple(lines[key])) for key, title in GROUPS.items() if key in lines]
    return known + [RuleGroup(key, key, tuple(some)) for key, some in lines.items() if key not in GROUPS]


def above_of(uow: UnitOfWork, row: PackDraft) -> tuple[Entry, ...]:
    """The rules of the levels above a draft, as they hold on its first day."""
    parent = row.content.get("parent")
    packs = service.library(uow)
    if not parent or parent not in packs:
        return ()
    try:
        return packs.effective(str(parent), first_day(row)).entries
    except KehouError:
        return ()


def starts_of(row: PackDraft) -> date:
    """The draft's first day; every draft has one from its first form on."""
    return date.fromisoformat(str(row.content["valid_from"]))


def ends_of(row: PackDraft) -> date | None:
    ends = row.content.get("valid_to")
    return date.fromisoformat(str(ends)) if ends else None


def first_day(row: PackDraft) -> date:
    """The first day on which the draft can count."""
    return max(clock.today(), starts_of(row))


def predecessor(packs: PackLibrary, key: str, starts: date, *, but: int | None = None) -> Pack | None:
    """The version that a version from `starts` on takes the place of; None where there is none."""
    earlier = [
        p for p in packs if p.key == key and (p.number or 0) != but and (p.valid_from is None or p.valid_from < starts)
    ]
    return max(earlier, key=lambda p: p.valid_from or date.min, default=None)


def changes_of(uow: UnitOfWork, row: PackDraft, pack: Pack | None) -> list[Change]:
    """What the draft says otherwise than the version whose place it takes; nothing where there is none, or no pack."""
    packs = service.library(uow)
    before = predecessor(packs, row.key, first_day(row), but=row.number)
    if before is None or pack is None:
        return []
    return changes(before.entries, pack.entries, packs.catalogue)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the trial of a draft is: for the bar and the table under it."""

    total: int
    answered: int
    rows: Sequence[PackTrial]

    @property
    def done(self) -> bool:
        return self.answered == self.total


def progress(rows: Sequence[PackTrial]) -> Progress | None:
    """None while nobody was asked."""
    return Progress(len(rows), sum(1 for r in rows if r.answered_at), rows) if rows else None
