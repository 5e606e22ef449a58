"""Why something was decided, a year later: the stored verdict held against the pack as it was.

The kept file is read bare, without today's catalogue: a key renamed or dropped since then still explains itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.db.uow import UnitOfWork
from core.policy.catalogue import Catalogue
from core.policy.library import PackLibrary
from core.policy.models import PackRevision, PolicyVerdict
from core.policy.types import PLATFORM
from core.policy.verdicts import kept


@dataclass(frozen=True, slots=True)
class Ground:
    """One objection of a stored verdict, with the rule as the pack said it then.

    `value` is the rule's value in words ("" where the file was not kept or a plugin objected); `facts` what was asked.
    """

    message: str
    force: str
    rule: str
    title: str
    clause: str
    quote: str
    document: str
    value: str
    note: str
    pack_title: str
    facts: Mapping[str, Any]
    is_default: bool
    as_it_was: bool
    """Whether value, clause and quotation were read from the kept file and not from today's."""


@dataclass(frozen=True, slots=True)
class Why:
    """A decision and its grounds."""

    verdict: PolicyVerdict
    grounds: tuple[Ground, ...]
    packs: tuple[PackRevision, ...]


async def explain(uow: UnitOfWork, verdict: PolicyVerdict) -> Why:
    """A stored verdict in words."""
    packs = await kept(uow, verdict.pack_revision)
    files = [(p, p.content) for p in packs]
    catalogue = uow.house.get(PackLibrary).catalogue
    grounds = tuple(_ground(said, files, catalogue) for said in verdict.objections)
    return Why(verdict, grounds, tuple(packs))


async def rules_of(uow: UnitOfWork, revision: str, prefixes: tuple[str, ...]) -> list[Ground]:
    """The rules of a stored revision whose keys begin with one of `prefixes`: what an amount of then rests on."""
    catalogue = uow.house.get(PackLibrary).catalogue
    files = [(p, p.content) for p in await kept(uow, revision)]
    return [
        _ground({**rule, "pack_key": pack.pack_key, "rule": rule["key"]}, files, catalogue)
        for pack, data in files
        for rule in data["rule"]
        if rule["key"].startswith(prefixes)
    ]


def _ground(
    said: Mapping[str, Any], files: Sequence[tuple[PackRevision, Mapping[str, Any]]], catalogue: Catalogue
) -> Ground:
    key = str(said.get("rule", ""))
    pack, rule = _find(said, files)
    value = None if rule is None else rule["value"]
    return Ground(
        message=str(said.get("message", "")),
        force=str(said.get("force", "")),
        rule=key,
        title=str(catalogue[key].title) if key in catalogue else key,
        clause=str((rule or said).get("clause", "")),
        quote=str((rule or said).get("quote", "")),
        document=_document(rule, pack) or str(said.get("source", "")),
        value="" if value is None else _shown(key, value, catalogue),
        note=str((rule or {}).get("note", "")),
        pack_title=str(pack["title"]) if pack else "",
        facts=dict(said.get("facts", {})),
        is_default=said.get("pack_key") == PLATFORM,
        as_it_was=rule is not None,
    )


def _find(
    said: Mapping[str, Any], files: Sequence[tuple[PackRevision, Mapping[str, Any]]]
) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    """The rule that spoke: by its pack, key and clause; one of several scopes by its quotation too."""
    for kept_, data in files:
        if kept_.pack_key != said.get("pack_key"):
            continue
        same = [r for r in data["rule"] if r["key"] == said.get("rule") and r["clause"] == said.get("clause")]
        exact = [r for r in same if r["quote"] == said.get("quote")]
        if found := (exact or same):
            return data, found[0]
    return None, None


def _document(rule: Mapping[str, Any] | None, pack: Mapping[str, Any] | None) -> str:
    if rule is None or pack is None:
        return ""
    sources: list[Mapping[str, Any]] = list(pack["source"])
    return str(next((s["document"] for s in sources if rule["clause"].startswith(s["ref"])), sources[0]["document"]))


def _shown(key: str, value: Any, catalogue: Catalogue) -> str:
    """A value in words; as it stands in the file where today's catalogue cannot read it any more."""
    if key not in catalogue:
        return str(value)
    kind = catalogue[key].kind
    try:
        return str(kind.show(kind.parse(value)))
    except ValueError:
        return str(value)
