"""Golden cases: questions to packs with the answers that the documents give. They are data files beside the tests.

A file holds `pack` and `on` for all its `[[case]]`, or each case names its own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from core.policy.ask import EffectivePack
from core.policy.library import PackLibrary


@dataclass(frozen=True)
class Case:
    """One question (`ask` with facts, or `get` with a scope) and what must come back; "" and None are not compared.

    A fact of `["*"]` is every word of the rule's vocabulary, also those that will be added to it.
    """

    pack: str
    on: date
    file: str
    ask: str = ""
    get: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    expect: str = ""
    clause: str | None = None
    says: str = ""
    shows: str = ""
    value: Any = None
    default: bool = False
    name: str = ""

    @property
    def key(self) -> str:
        return self.ask or self.get

    def __str__(self) -> str:
        return f"{self.pack}:{self.key}:{self.name or self.facts}"

    def faults(self, pack: EffectivePack) -> list[str]:
        """In what the pack answers otherwise; empty when it answers as expected."""
        return list(self._asked(pack) if self.ask else self._got(pack))

    def _asked(self, pack: EffectivePack) -> Iterator[str]:
        vocab = getattr(pack.catalogue[self.ask].kind, "vocab", None)
        facts = {name: list(vocab.labels) if vocab and given == ["*"] else given for name, given in self.facts.items()}
        verdict = pack.ask(self.ask, **facts)
        came = "allowed" if verdict.ok else "blocked" if verdict.blocked else "warned"
        if came != self.expect:
            yield f"{came}, expected {self.expect}"
        objections = verdict.objections
        if self.clause is not None and self.clause not in [o.clause for o in objections]:
            yield f"clauses {[o.clause for o in objections]}, expected {self.clause}"
        if self.says and self.says not in [str(o.message) for o in objections]:
            yield f"says {[str(o.message) for o in objections]}, expected {self.says}"
        if objections and any(o.is_default for o in objections) != self.default:
            yield "a default answered" if not self.default else "no default answered"

    def _got(self, pack: EffectivePack) -> Iterator[str]:
        setting = pack.get(self.get, **self.facts)
        shown = str(pack.catalogue[self.get].kind.show(setting.value)) if setting.value is not None else ""
        if self.shows and shown != self.shows:
            yield f"shows {shown}, expected {self.shows}"
        if self.value is not None and setting.value != self.value:
            yield f"is {setting.value}, expected {self.value}"
        if self.clause is not None and setting.clause != self.clause:
            yield f"clause {setting.clause}, expected {self.clause}"
        if setting.is_default != self.default:
            yield "a default answered" if not self.default else "no default answered"


def read_cases(folder: Path) -> list[Case]:
    """Every case of every `*.toml` of a folder, in order of the files' names."""
    cases = []
    for path in sorted(folder.glob("*.toml")):
        data = tomllib.loads(path.read_text("utf-8"))
        head = {k: v for k, v in data.items() if k != "case"}
        cases += [Case(**{**head, **case}, file=path.name) for case in data["case"]]
    return cases


@dataclass(frozen=True, slots=True)
class Scheme:
    """How one pack stands with its golden cases. `rules` are the entries of its own file, all versions together."""

    key: str
    title: str
    rules: int
    with_case: int
    cases: int
    passed: int
    without_case: tuple[str, ...]
    failed: Mapping[str, tuple[str, ...]]

    @property
    def ok(self) -> bool:
        return self.passed == self.cases


def check(library: PackLibrary, cases: Iterable[Case]) -> list[Scheme]:
    """Every pack of a library held against the cases about it."""
    of_pack: dict[str, list[Case]] = {}
    for case in cases:
        of_pack.setdefault(case.pack, []).append(case)
    schemes = []
    for key in sorted({pack.key for pack in library}):
        mine = of_pack.get(key, [])
        failed = {str(c): tuple(faults) for c in mine if (faults := c.faults(library.effective(key, c.on)))}
        packs = [pack for pack in library if pack.key == key]
        entries = [entry for pack in packs for entry in pack.entries]
        seen = {(case.key, case.clause) for case in mine}
        bare = tuple(sorted({e.key for e in entries if (e.key, e.clause) not in seen}))
        schemes.append(
            Scheme(
                key=key,
                title=str(packs[-1].title),
                rules=len(entries),
                with_case=sum((e.key, e.clause) in seen for e in entries),
                cases=len(mine),
                passed=len(mine) - len(failed),
                without_case=bare,
                failed=failed,
            )
        )
    return schemes
