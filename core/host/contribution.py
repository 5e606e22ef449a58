"""What a core feature or a plugin adds to the house. Both use this one type, so both come in by one door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import time, timedelta
from pathlib import Path
from typing import Any, Literal

from core.base.context import OrganisationKind
from core.base.settings import Settings

Area = Literal["desk", "teach", "home", "vendor", "bureau"]
"""The five faces: school office, teacher, guardian, vendor, bureau officer."""


@dataclass(frozen=True, slots=True)
class Permission:
    """A registered right. `roles` are the standard roles that hold it in a newly provisioned organisation."""

    key: str
    title: Any
    roles: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class NavItem:
    """A place in a face's navigation; shown only to those who hold `permission` (None: everyone in that face)."""

    area: Area
    label: Any
    path: str
    """Below the organisation, such as "desk/plan"."""
    icon: str
    order: int = 100
    permission: str | None = None
    group: Any = None
    badge: Callable[[Any], Awaitable[int]] | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """Work done by a worker in one tenant's context.

    A transactional job runs inside one unit of work together with its inbox mark, so that it happens once. A long
    job (`transactional=False`) opens units of its own, writes its progress, and must go on where it was killed.
    `handler` takes a core.db.delivery.Delivery.
    """

    name: str
    handler: Callable[[Any], Awaitable[None]]
    transactional: bool = True
    title: Any = ""


@dataclass(frozen=True, slots=True)
class Subscriber:
    """Consumes one versioned event; each subscriber has a delivery row and retries of its own."""

    event: str
    name: str
    handler: Callable[[Any], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class DocumentHandler:
    """Receives one kind of document from another organisation, inside the receiver's tenant."""

    kind: str
    handler: Callable[[Any], Awaitable[None]]
    title: Any
    """What people are shown instead of the kind, in the list of sent and of refused documents."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """Enqueues `job` in every organisation of `kinds`, each `every`, or daily at school time `at`."""

    name: str
    job: str
    kinds: frozenset[OrganisationKind]
    every: timedelta | None = None
    at: time | None = None


@dataclass(frozen=True, slots=True)
class AccountDef:
    """A ledger account that a feature needs; opened when the organisation is provisioned or the plugin switched on."""

    code: str
    title: Any
    kind: Literal["asset", "liability", "net", "income", "expense"]
    floor: int | None = None
    ceil: int | None = None


@dataclass(frozen=True, slots=True)
class Contribution:
    """All that one feature or plugin brings; everything is optional.

    `handlers` are Litestar route handlers, each with an access rule. `templates`, `static` and `locale` are
    folders; templates are addressed as "<key>/page.html". `models` is the declarative metadata of its tables.
    """

    key: str
    handlers: Sequence[Any] = ()
    permissions: Sequence[Permission] = ()
    nav: Sequence[NavItem] = ()
    jobs: Sequence[Job] = ()
    subscribers: Sequence[Subscriber] = ()
    documents: Sequence[DocumentHandler] = ()
    schedules: Sequence[Schedule] = ()
    accounts: Sequence[AccountDef] = ()
    templates: Path | None = None
    static: Path | None = None
    locale: Path | None = None
    services: Mapping[type, Any] = field(default_factory=dict)
    payment_provider: Callable[[Settings], Any] | None = None
    """Makes the plugin's core.billing.port.PaymentProvider from the deployment's settings."""
    ban_checks: Sequence[Any] = ()
    """core.policy.bans.BanCheck: what it watches of the ten bans (R-450 to R-459)."""
    demo: Callable[[Any], Awaitable[None]] | None = None
