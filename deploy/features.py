"""The contributions of the core's features, of tenants and of workers, in order. Plugins are not listed here or
anywhere: they are found by entry point."""

from __future__ import annotations

from importlib import import_module

from core.host.contribution import Contribution

FEATURES = (
    "core.identity",
    "core.people",
    "core.terms",
    "core.policy",
    "core.enrollment",
    "core.lessons",
    "core.ledger",
    "core.billing",
    "core.notices",
    "tenants",
    "tenants.roster",
    "tenants.levels",
    "tenants.documents",
    "tenants.oversight",
    "tenants.publication",
    "tenants.editor",
    "tenants.duties",
    "workers",
)
"""Packages that bring a module `feature` with a `contribution`."""


def features() -> list[Contribution]:
    """Each feature's contribution; a package without a module `feature` brings only tables and services."""
    found: list[Contribution] = []
    for package in FEATURES:
        try:
            module = import_module(f"{package}.feature")
        except ModuleNotFoundError as exc:
            if exc.name != f"{package}.feature":
                raise
            continue
        found.append(module.contribution)
    return found
