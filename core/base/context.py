"""Who acts, in which organisation, with which rights. Resolved once for a request or a job, then frozen."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal
from uuid import UUID

from core.base.errors import Forbidden

OrganisationKind = Literal["school", "bureau", "vendor"]
ActorKind = Literal["person", "worker"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A person with an account, or a worker acting for the system (then `account_id` is None)."""

    kind: ActorKind
    account_id: UUID | None
    name: str


WORKER = Actor(kind="worker", account_id=None, name="worker")


@dataclass(frozen=True, slots=True)
class TenantContext:
    """The frozen context of one request or job inside one organisation.

    `permissions` are registered names such as "enrollment.approve"; `plugins` are the keys of the plugins
    switched on for this organisation; `pack` is the key of the policy pack that binds it, if any.
    """

    tenant_id: UUID
    slug: str
    kind: OrganisationKind
    name: str
    actor: Actor
    permissions: frozenset[str] = field(default_factory=frozenset)
    plugins: frozenset[str] = field(default_factory=frozenset)
    pack: str | None = None
    locale: str = "zh_CN"
    request_id: str = ""

    def may(self, permission: str) -> bool:
        return permission in self.permissions

    def require(self, permission: str) -> None:
        """Raises Forbidden (403) unless the actor holds `permission`."""
        if permission not in self.permissions:
            raise Forbidden(permission=permission)

    def as_worker(self) -> TenantContext:
        """The same organisation, acted in by a worker, who holds no person's permissions."""
        return replace(self, actor=WORKER, permissions=frozenset())
