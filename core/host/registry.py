"""All contributions of the core's features and of the loaded plugins, looked up by name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from core.host.contribution import (
    AccountDef,
    Contribution,
    DocumentHandler,
    Job,
    NavItem,
    Permission,
    Schedule,
    Subscriber,
)

T = TypeVar("T")


class DuplicateName(RuntimeError):
    """Two contributions use one name; the start stops rather than let one hide the other."""


_PARAMETER = re.compile(r"\{[^}:]*")


def _addresses(handler: Any) -> list[str]:
    """ "GET /t/{:str}/desk/x" for each address of a handler: what a parameter is called makes no difference."""
    methods = sorted(str(getattr(method, "value", method)) for method in getattr(handler, "http_methods", ()))
    return [
        f"{method} {_PARAMETER.sub('{', path)}" for path in sorted(getattr(handler, "paths", ())) for method in methods
    ]


@dataclass(frozen=True, slots=True)
class Owned(Generic[T]):
    """A contributed thing and the plugin that owns it (None: the core itself)."""

    plugin: str | None
    item: T


class Registry:
    """Frozen after the start. A plugin's things carry its key, so that "off" can be checked at each door."""

    def __init__(self) -> None:
        self.contributions: list[tuple[str | None, Contribution]] = []
        self.permissions: dict[str, Owned[Permission]] = {}
        self.jobs: dict[str, Owned[Job]] = {}
        self.documents: dict[str, Owned[DocumentHandler]] = {}
        self.schedules: dict[str, Owned[Schedule]] = {}
        self.subscribers: dict[str, list[Owned[Subscriber]]] = {}
        self.nav: list[Owned[NavItem]] = []
        self.accounts: list[Owned[AccountDef]] = []
        self._addresses: set[str] = set()

    def add(self, contribution: Contribution, *, plugin: str | None = None) -> None:
        """Take in one contribution whole, or raise DuplicateName and take nothing."""
        self._refuse_duplicates(contribution)
        self.contributions.append((plugin, contribution))
        for permission in contribution.permissions:
            self.permissions[permission.key] = Owned(plugin, permission)
        for job in contribution.jobs:
            self.jobs[job.name] = Owned(plugin, job)
        for document in contribution.documents:
            self.documents[document.kind] = Owned(plugin, document)
        for schedule in contribution.schedules:
            self.schedules[schedule.name] = Owned(plugin, schedule)
        for subscriber in contribution.subscribers:
            self.subscribers.setdefault(subscriber.event, []).append(Owned(plugin, subscriber))
        self.nav += [Owned(plugin, item) for item in contribution.nav]
        self.accounts += [Owned(plugin, account) for account in contribution.accounts]
        self._addresses.update(r for handler in contribution.handlers for r in _addresses(handler))

    def _refuse_duplicates(self, new: Contribution) -> None:
        taken = {contribution.key for _, contribution in self.contributions}
        named: Iterable[tuple[str, Sequence[str], Iterable[str]]] = (
            ("contribution", [new.key], taken),
            ("permission", [p.key for p in new.permissions], self.permissions),
            ("job", [j.name for j in new.jobs], self.jobs),
            ("document", [d.kind for d in new.documents], self.documents),
            ("schedule", [s.name for s in new.schedules], self.schedules),
            ("subscriber", [s.name for s in new.subscribers], self._subscriber_names()),
            ("account", [a.code for a in new.accounts], {owned.item.code for owned in self.accounts}),
            ("ban check", [c.key for c in new.ban_checks], self._ban_checks()),
            ("address", [r for h in new.handlers for r in _addresses(h)], self._addresses),
        )
        for what, names, known in named:
            known = set(known)
            for name in names:
                if name in known or names.count(name) > 1:
                    raise DuplicateName(f"{what} {name!r} of {new.key} is already there")

    def _subscriber_names(self) -> set[str]:
        return {owned.item.name for group in self.subscribers.values() for owned in group}

    def _ban_checks(self) -> set[str]:
        return {check.key for _, contribution in self.contributions for check in contribution.ban_checks}

    def subscribers_of(self, event: str) -> list[Owned[Subscriber]]:
        return self.subscribers.get(event, [])

    def subscriber(self, name: str) -> Owned[Subscriber] | None:
        return next((owned for group in self.subscribers.values() for owned in group if owned.item.name == name), None)

    def role_grants(self) -> dict[str, set[str]]:
        """Permissions of each standard role. A switched-off plugin's permissions are taken away when rights
        are resolved, so that switching it on again needs no repair of roles."""
        grants: dict[str, set[str]] = {}
        for owned in self.permissions.values():
            for role in owned.item.roles:
                grants.setdefault(role, set()).add(owned.item.key)
        return grants
