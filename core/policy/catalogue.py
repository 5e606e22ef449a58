"""A catalogue of rule keys: what a pack may speak of, and what a question about each must bring.

The platform's own is :data:`core.policy.rules.CATALOGUE`; a plugin adds keys of its own under its own prefix.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from core.base.text import LazyText
from core.base.text import lazy_gettext as _l
from core.policy.errors import UnknownRule
from core.policy.kinds import Kind
from core.policy.types import Force


@dataclass(frozen=True)
class RuleDef:
    """One key of the catalogue.

    key      dotted; the part before the first dot is its group
    title    what it is about: a noun phrase, or for a duty the duty itself
    kind     how values are read, compared and checked
    text     the sentence of the objection where the kind's own does not fit; `%(title)s %(limit)s %(given)s`
    default  raw value that the platform uses where packs are silent; None: silence stays silence
    default_force, default_provisional   how that default bites, and whether it is a guess of ours
    fills    facts that another rule's value supplies when the question leaves them out
    refs     requirement ids and conflicts of `domain/requirements.md`
    private  the permission of those who may learn that it decided something: a refusal under it tells of one person
    """

    key: str
    title: LazyText
    kind: Kind
    text: LazyText | None = None
    default: Any = None
    default_force: Force = "block"
    default_provisional: bool = True
    fills: Mapping[str, str] = field(default_factory=dict)
    refs: str = ""
    private: str = ""

    @property
    def group(self) -> str:
        return self.key.partition(".")[0]

    @property
    def sentence(self) -> LazyText:
        return self.text or self.kind.text

    @property
    def code(self) -> str:
        """The stable code of its objections."""
        return f"policy.{self.key}"


GROUPS: Mapping[str, LazyText] = {
    "plan": _l("服务方案"),
    "time": _l("服务时间"),
    "content": _l("服务内容"),
    "provider": _l("服务提供方"),
    "exit": _l("评估与退出"),
    "score": _l("评分"),
    "staff": _l("教职工"),
    "application": _l("报名与审核"),
    "enrolment": _l("参加与变更"),
    "agreement": _l("协议"),
    "class": _l("编班"),
    "staffing": _l("人员配备"),
    "place": _l("场所"),
    "fee": _l("收费"),
    "lunch": _l("午餐"),
    "refund": _l("退费"),
    "subsidy": _l("补贴"),
    "pay": _l("劳务报酬"),
    "publication": _l("公示公开"),
    "insurance": _l("保险"),
    "attendance": _l("考勤"),
    "pickup": _l("接送交接"),
    "records": _l("档案"),
    "safety": _l("安全"),
    "oversight": _l("督导考核"),
    "complaint": _l("意见与投诉"),
}


class Catalogue:
    """Rule definitions by key; immutable, extended by making a new one."""

    def __init__(self, rules: Iterable[RuleDef]) -> None:
        self._rules: dict[str, RuleDef] = {}
        for rule in rules:
            if rule.key in self._rules:
                raise ValueError(f"rule key {rule.key} is defined twice")
            if rule.default is not None:
                rule.kind.parse(rule.default)
            self._rules[rule.key] = rule

    def extended(self, rules: Iterable[RuleDef], prefix: str) -> Catalogue:
        """This catalogue and a plugin's rules, whose keys must all begin with `prefix.`."""
        rules = tuple(rules)
        for rule in rules:
            if rule.group != prefix:
                raise ValueError(f"rule key {rule.key} does not begin with {prefix}.")
        return Catalogue((*self._rules.values(), *rules))

    def __getitem__(self, key: str) -> RuleDef:
        try:
            return self._rules[key]
        except KeyError:
            raise UnknownRule(f"no rule key {key!r} in the catalogue") from None

    def __contains__(self, key: object) -> bool:
        return key in self._rules

    def __iter__(self) -> Iterator[RuleDef]:
        return iter(self._rules.values())

    def __len__(self) -> int:
        return len(self._rules)

    def group_title(self, group: str) -> str:
        return GROUPS.get(group, group)
