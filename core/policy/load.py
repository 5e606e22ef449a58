"""Reads pack files: TOML, one file a version of a scheme. Every fault of every file is reported at once.

Refused are: a file that is not TOML, an unknown field or rule key, a value of the wrong shape, a missing
source or clause, a quote that is too long to be one, two versions of a pack that hold on one day, a parent
that does not exist or is not above, and a lower level that widens what an upper one limits.
"""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterable
from datetime import date
from itertools import combinations
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from core.policy import vocab as v
from core.policy.catalogue import Catalogue, RuleDef
from core.policy.errors import PackProblem, PacksRefused
from core.policy.kinds import Kind
from core.policy.library import PackLibrary
from core.policy.rules import CATALOGUE
from core.policy.types import EVERYWHERE, Entry, Level, Pack, Scope, Source
from core.policy.vocab_people import INSTRUMENTS

_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]
_Strict = ConfigDict(extra="forbid")


class ScopeModel(BaseModel):
    """`when = { … }` of a rule."""

    model_config = _Strict
    stages: v.STAGES.type | None = None  # type: ignore[name-defined]
    grades: v.GRADES.type | None = None  # type: ignore[name-defined]
    seasons: v.SEASONS.type | None = None  # type: ignore[name-defined]
    windows: v.WINDOWS.type | None = None  # type: ignore[name-defined]
    providers: v.PROVIDERS.type | None = None  # type: ignore[name-defined]
    instruments: INSTRUMENTS.type | None = None  # type: ignore[name-defined]


class RuleModel(BaseModel):
    """One `[[rule]]`."""

    model_config = _Strict
    key: _Text
    value: Any
    force: Literal["block", "warn"]
    clause: _Text
    quote: Annotated[str, StringConstraints(strip_whitespace=True, min_length=2, max_length=29)]
    when: ScopeModel = ScopeModel()
    note: str = ""
    provisional: bool = False


class SourceModel(BaseModel):
    """One `[[source]]`: the document, and which bytes of it were read."""

    model_config = _Strict
    ref: _Text
    document: _Text
    file: _Text
    lines: Annotated[str, StringConstraints(pattern=r"^([1-9]\d*-[1-9]\d*)?$")] = ""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class PackModel(BaseModel):
    """A whole pack file."""

    model_config = _Strict
    key: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    title: _Text
    issuer: _Text
    level: Level
    territory: _Text
    parent: _Text | None = None
    stages: v.STAGES.type  # type: ignore[name-defined]
    ownership: v.OWNERSHIP.type  # type: ignore[name-defined]
    school_kinds: v.SCHOOL_KINDS.type = frozenset(v.SCHOOL_KINDS.labels)  # type: ignore[name-defined]
    valid_from: date | None = None
    valid_to: date | None = None
    provisional: bool = False
    summary: str = ""
    unruled: list[_Text] = []
    source: Annotated[list[SourceModel], Field(min_length=1)]
    rule: Annotated[list[RuleModel], Field(min_length=1)]


def load_packs(folder: Path, catalogue: Catalogue = CATALOGUE) -> PackLibrary:
    """All `*.toml` of a folder as a library. Raises PacksRefused with every problem found."""
    problems: list[PackProblem] = []
    packs: list[Pack] = []
    files = sorted(folder.glob("*.toml"))
    if not files:
        problems.append(PackProblem(str(folder.name), "-", "no pack file (*.toml) in this folder"))
    for path in files:
        pack = read_pack(path.name, path.read_bytes(), catalogue, problems)
        if pack is not None:
            packs.append(pack)
    problems += check_together(packs, catalogue)
    if problems:
        raise PacksRefused(problems)
    return PackLibrary(packs, catalogue)


def read_pack(file: str, content: bytes, catalogue: Catalogue, problems: list[PackProblem]) -> Pack | None:
    """One file by itself; its faults go to `problems`, and then there is no pack."""
    try:
        raw = tomllib.loads(content.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        problems.append(PackProblem(file, "-", f"not a TOML file in UTF-8: {exc}"))
        return None
    return read_fields(file, raw, hashlib.sha256(content).hexdigest(), catalogue, problems)


def read_fields(
    file: str, raw: dict[str, Any], revision: str, catalogue: Catalogue, problems: list[PackProblem]
) -> Pack | None:
    """A pack from the fields of its file, wherever they were kept; `revision` is the SHA-256 of what was kept."""
    before = len(problems)
    try:
        model = PackModel.model_validate(raw)
    except ValidationError as exc:
        problems += [PackProblem(file, _where(e["loc"], raw), str(e["msg"]), e["loc"]) for e in exc.errors()]
        return None
    if model.valid_from and model.valid_to and model.valid_to < model.valid_from:
        problems.append(PackProblem(file, "valid_to", "lies before valid_from", ("valid_to",), "ends_first"))
    sources = tuple(Source(**s.model_dump()) for s in model.source)
    entries: list[Entry] = []
    seen: set[tuple[str, Scope]] = set()
    for place, rule in enumerate(model.rule):
        at = ("rule", place)
        entry = _entry(file, model, rule, catalogue, problems, at)
        if entry is None:
            continue
        if (entry.key, entry.when) in seen:
            problems.append(PackProblem(file, entry.key, "stands twice for the same scope", at, "twice"))
        seen.add((entry.key, entry.when))
        entries.append(entry)
    if len(problems) > before:
        return None
    fields = {n: getattr(model, n) for n in PackModel.model_fields if n not in {"source", "rule", "unruled"}}
    return Pack(
        **fields,
        sources=sources,
        entries=tuple(entries),
        file=file,
        revision=revision,
        unruled=tuple(model.unruled),
        raw=raw,
    )


def _where(loc: tuple[int | str, ...], raw: dict[str, Any]) -> str:
    """The rule's key where the fault lies in a rule that has one, else the dotted place in the file."""
    if len(loc) > 1 and loc[0] == "rule" and isinstance(loc[1], int):
        rule = raw["rule"][loc[1]]
        name = rule.get("key") if isinstance(rule, dict) else None
        return ".".join([str(name or f"rule {loc[1] + 1}"), *map(str, loc[2:])])
    return ".".join(map(str, loc)) or "-"


def _entry(
    file: str,
    pack: PackModel,
    rule: RuleModel,
    catalogue: Catalogue,
    problems: list[PackProblem],
    at: tuple[int | str, ...],
) -> Entry | None:
    if rule.key not in catalogue:
        problems.append(PackProblem(file, rule.key, "unknown rule key", (*at, "key"), "unknown_key"))
        return None
    definition: RuleDef = catalogue[rule.key]
    try:
        value = definition.kind.parse(rule.value)
    except ValueError as exc:
        problems.append(PackProblem(file, rule.key, str(exc), (*at, "value"), "value"))
        return None
    scope = Scope(**{name: getattr(rule.when, name) for name in ScopeModel.model_fields})
    return Entry(
        key=rule.key,
        value=value,
        force=rule.force,
        clause=rule.clause,
        quote=rule.quote,
        when=scope if scope.dimensions() else EVERYWHERE,
        pack_key=pack.key,
        pack_title=pack.title,
        level=pack.level,
        note=rule.note,
        provisional=rule.provisional,
    )


def check_together(packs: Iterable[Pack], catalogue: Catalogue) -> list[PackProblem]:
    """Faults that show only between packs: overlapping versions, parents, widening."""
    packs = list(packs)
    problems: list[PackProblem] = []
    by_key: dict[str, list[Pack]] = {}
    for pack in packs:
        by_key.setdefault(pack.key, []).append(pack)
    for versions in by_key.values():
        for one, other in combinations(versions, 2):
            if _same_days(one, other):
                reason = f"holds on days on which {one.file} holds too"
                told = {"from": one.valid_from, "to": one.valid_to, "title": one.title}
                problems.append(PackProblem(other.file, "valid_from", reason, ("valid_from",), "overlap", told))
    for pack in packs:
        if pack.parent is None:
            continue
        parents = by_key.get(pack.parent)
        if parents is None:
            reason, told = f"there is no pack {pack.parent!r}", {"parent": pack.parent}
            problems.append(PackProblem(pack.file, "parent", reason, ("parent",), "parent_missing", told))
            continue
        for parent in parents:
            if parent.level.rank >= pack.level.rank:
                reason = f"{parent.key} ({parent.level.value}) is not above {pack.level.value}"
                told = {"title": parent.title, "level": parent.level.label}
                problems.append(PackProblem(pack.file, "parent", reason, ("parent",), "parent_level", told))
            elif _same_days(pack, parent):
                problems += _widenings(pack, _line(parent, by_key), catalogue)
    return problems


def _line(pack: Pack, by_key: dict[str, list[Pack]]) -> list[Pack]:
    """A pack and everything above it, in every version. Levels only rise, so this ends."""
    line, todo = [], [pack]
    while todo:
        current = todo.pop()
        line.append(current)
        todo += [up for up in by_key.get(current.parent or "", ()) if up.level.rank < current.level.rank]
    return line


def _widenings(pack: Pack, above: Iterable[Pack], catalogue: Catalogue) -> list[PackProblem]:
    problems = []
    for upper in above:
        for theirs in upper.entries:
            for place, ours in enumerate(pack.entries):
                if ours.key != theirs.key or not ours.when.overlaps(theirs.when):
                    continue
                kind = catalogue[ours.key].kind
                if not kind.narrows(theirs.value, ours.value) and not _repeats(pack, upper, theirs, ours, kind):
                    shown = f"{kind.show(ours.value)} is wider than {kind.show(theirs.value)}"
                    reason = f"{shown} of {upper.key} ({theirs.clause})"
                    told = {
                        "title": upper.title,
                        "limit": kind.show(theirs.value),
                        "given": kind.show(ours.value),
                        "clause": theirs.clause,
                        "below": pack.title,
                    }
                    at = ("rule", place, "value")
                    problems.append(PackProblem(pack.file, ours.key, reason, at, "wider", told))
    return problems


def _repeats(pack: Pack, upper: Pack, theirs: Entry, ours: Entry, kind: Kind) -> bool:
    """Whether `ours` only says again what the upper pack says elsewhere, while `theirs` is kept in full beside it."""
    said = any((e.key, e.when, e.value) == (ours.key, ours.when, ours.value) for e in upper.entries)
    return said and any(
        e.key == theirs.key
        and e.when.covers(theirs.when)
        and kind.narrows(theirs.value, e.value)
        and not (theirs.force == "block" and e.force == "warn")
        for e in pack.entries
    )


def _same_days(one: Pack, other: Pack) -> bool:
    latest_start = max(one.valid_from or date.min, other.valid_from or date.min)
    return latest_start <= min(one.valid_to or date.max, other.valid_to or date.max)


def json_schema(catalogue: Catalogue = CATALOGUE) -> dict[str, Any]:
    """A JSON Schema of pack files, for editors and checks, made from the same types that read them."""
    schema = PackModel.model_json_schema(mode="validation")
    rule = schema["$defs"]["RuleModel"]
    rule["properties"]["key"]["enum"] = [r.key for r in catalogue]
    rule["allOf"] = [
        {
            "if": {"properties": {"key": {"const": r.key}}},
            "then": {"properties": {"value": {**r.kind.adapter.json_schema(), "description": str(r.title)}}},
        }
        for r in catalogue
    ]
    return schema
