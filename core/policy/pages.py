"""The rules page: what holds for an organisation, in words, with clause, source and what it took the place of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from litestar import Request, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery
from sqlalchemy import select

from core.base import clock
from core.base.errors import NotFound
from core.db.global_tables import Organisation
from core.db.uow import UnitOfWork
from core.policy import service as policy
from core.policy.catalogue import GROUPS
from core.policy.kinds import Forbidden
from core.policy.library import PackLibrary
from core.policy.types import Entry, Explained, Pack
from core.policy.versions import versions_of
from core.policy.vocab import OWNERSHIP, STAGES
from core.web.access import access
from core.web.page import page

FAMILY_GROUPS = (
    "time", "content", "application", "enrolment", "agreement", "fee", "lunch", "refund", "insurance", "attendance",
    "pickup", "class", "staffing", "publication", "complaint", "safety",
)  # fmt: skip
"""What concerns families; the rest is for staff."""

READ = "policy.read"


@dataclass(frozen=True, slots=True)
class Group:
    """Rules of one subject."""

    key: str
    title: Any
    rules: tuple[Explained, ...]


@dataclass(frozen=True, slots=True)
class Replaced:
    """An upper level's rule whose place another has taken."""

    title: str
    shown: str
    clause: str


def groups_of(rules: Sequence[Explained], only: Sequence[str] | None = None, q: str = "") -> list[Group]:
    """Rules by subject, in the catalogue's order; `q` looks in title, value and quotation."""
    found = []
    words = q.strip().casefold()
    for key, title in GROUPS.items():
        if only is not None and key not in only:
            continue
        listed = tuple(r for r in rules if r.group == key and (not words or words in _text(r)))
        if listed:
            found.append(Group(key, title, listed))
    return found


def _text(rule: Explained) -> str:
    return f"{rule.title} {rule.shown} {rule.quote} {rule.clause} {rule.when_shown}".casefold()


def replaced(uow: UnitOfWork, entries: Sequence[Entry]) -> list[Replaced]:
    """What was overridden, in words."""
    catalogue = uow.house.get(PackLibrary).catalogue
    return [Replaced(e.pack_title, str(catalogue[e.key].kind.show(e.value)), e.clause) for e in entries]


async def rules_page(
    request: Request[Any, Any, Any],
    uow: UnitOfWork,
    template: str,
    key: str | None,
    *,
    only: Sequence[str] | None = None,
    q: str = "",
    defaults: bool = True,
    **more: Any,
) -> Response[str]:
    """Draw the rules of a pack (None: the platform's defaults alone)."""
    library = uow.house.get(PackLibrary)
    pack = policy.for_pack(uow.house, key)
    rules = policy.explain(pack, defaults=defaults)
    chain: tuple[Pack, ...] = pack.chain if key else ()
    return await page(
        request,
        template,
        uow,
        pack=pack.pack if key else None,
        chain=list(reversed(chain)),
        groups=groups_of(rules, only, q),
        many=sum(1 for r in rules if not r.is_default),
        forbidden=frozenset(rule.key for rule in pack.catalogue if isinstance(rule.kind, Forbidden)),
        replaced=lambda entries: replaced(uow, entries),
        stages=STAGES,
        ownership=OWNERSHIP,
        q=q,
        revision=pack.revision,
        versions=[(p, told) for p in reversed(chain) if len(told := versions_of(library, p.key)) > 1],
        **more,
    )


@get("/t/{tenant:str}/desk/rules", opt=access(READ))
async def desk(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], q: FromQuery[str] = ""
) -> Response[str]:
    """The rules that bind this school."""
    return await rules_page(request, uow, "policy/rules.html", uow.ctx.pack, q=q, packs=[])


@get("/t/{tenant:str}/home/rules", opt=access(face="home"))
async def home(
    request: Request[Any, Any, Any], uow: NamedDependency[UnitOfWork], q: FromQuery[str] = ""
) -> Response[str]:
    """The rules that concern families."""
    return await rules_page(request, uow, "policy/rules_home.html", uow.ctx.pack, only=FAMILY_GROUPS, q=q)


async def packs_below(uow: UnitOfWork) -> Mapping[str, int]:
    """The packs that a bureau has to do with, its own and its schools', with how many schools each binds."""
    query = select(Organisation.pack).where(
        Organisation.parent_id == uow.ctx.tenant_id, Organisation.kind == "school", Organisation.pack.is_not(None)
    )
    found: dict[str, int] = {uow.ctx.pack: 0} if uow.ctx.pack else {}
    for key in (await uow.session.execute(query)).scalars():
        if key is not None:
            found[key] = found.get(key, 0) + 1
    return found


@get("/t/{tenant:str}/bureau/rules", opt=access(READ))
async def bureau(
    request: Request[Any, Any, Any],
    uow: NamedDependency[UnitOfWork],
    pack: FromQuery[str] = "",
    q: FromQuery[str] = "",
) -> Response[str]:
    """The rules of each pack that binds one of the bureau's schools."""
    below = await packs_below(uow)
    if pack and pack not in below:
        raise NotFound()
    chosen = pack or next(iter(below), "")
    library, today = uow.house.get(PackLibrary), clock.today()
    packs = [(library.version(key, today), many, key == chosen) for key, many in below.items() if key in library]
    return await rules_page(request, uow, "policy/rules.html", chosen or None, q=q, packs=packs)


HANDLERS = (desk, home, bureau)
