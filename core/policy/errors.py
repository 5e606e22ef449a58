"""Refusals of the policy engine: bad pack files, unknown keys, questions without their facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from core.base.errors import KehouError
from core.base.text import lazy_gettext as _l


@dataclass(frozen=True, slots=True)
class PackProblem:
    """One fault of one pack file; `key` is the rule's key or the name of the field in the head.

    at       where it lies: the steps from the top of the file, such as ("rule", 3, "value")
    code     names the fault for those who word it anew: unknown_key, value, twice, ends_first, overlap,
             parent_missing, parent_level, wider; empty for a fault of shape
    told     what a wording may name
    """

    file: str
    key: str
    reason: str
    at: tuple[int | str, ...] = ()
    code: str = ""
    told: Mapping[str, Any] = field(default_factory=dict, compare=False)

    def __str__(self) -> str:
        return f"{self.file}: {self.key}: {self.reason}"


class PacksRefused(KehouError):
    """The folder of packs does not load: every problem of every file at once, none of them taken."""

    code = "policy.packs_refused"
    status = 422
    text = _l("规则包没有载入：%(count)s 处有误")

    def __init__(self, problems: Sequence[PackProblem]) -> None:
        super().__init__(count=len(problems))
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {p}" for p in self.problems)])


class UnknownPack(KehouError):
    """No pack of this key holds on this day."""

    code = "policy.unknown_pack"
    status = 404
    text = _l("规则包「%(pack)s」在 %(day)s 没有生效的版本")


class UnknownRule(LookupError):
    """A programming error: code asked for a key that the catalogue does not have."""


class FactsWrong(TypeError):
    """A programming error: a question lacks a fact that its rule needs, or brings one that it does not know.

    It is raised, not answered, because an answer would be a consent or a refusal that nobody meant.
    """

    def __init__(self, key: str, missing: Sequence[str] = (), unknown: Sequence[str] = ()) -> None:
        parts: list[Any] = []
        if missing:
            parts.append(f"needs {', '.join(missing)}")
        if unknown:
            parts.append(f"does not know {', '.join(unknown)}")
        super().__init__(f"{key} {' and '.join(parts)}")
