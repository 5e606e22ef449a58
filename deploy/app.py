"""The composition root: the one place that knows all rooms and puts them together."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from litestar import Litestar

from core.api import hooks as hookspecs
from core.base.settings import Settings
from core.db import global_tables, kernel_tables  # noqa: F401 - their tables belong to every house
from core.db.engine import Database
from core.db.house import House
from core.db.models import Base
from core.host.contribution import Contribution
from core.host.dispatch import Dispatcher
from core.host.loader import load_plugins
from core.host.manifest import Plugin
from core.host.registry import Registry
from core.identity.gateway import CodeGateway, FileGateway
from core.policy.library import PackLibrary
from core.policy.load import load_packs
from core.policy.published import Shelf, take_in
from core.policy.types import Objection
from core.web.app import build_app, check_handlers
from deploy.features import features

PACKS = Path(__file__).resolve().parent.parent / "tenants" / "packs"


def build_house(
    settings: Settings,
    *,
    plugins: Sequence[EntryPoint | Plugin] | None = None,
    contributions: Sequence[Contribution] | None = None,
) -> House:
    """Settings in, house out: registry, plugins, dispatcher, database, services. Nothing is global.

    `plugins` replaces discovery by entry points, `contributions` the features of core, tenants and workers (tests).
    """
    registry = Registry()
    for contribution in features() if contributions is None else contributions:
        registry.add(contribution)
    loaded = load_plugins(
        hookspecs,
        registry,
        found=plugins,
        allow=settings.plugins_allow,
        block=settings.plugins_block,
        reserved=core_tables(),
        check=check_handlers,
    )
    house = House(
        settings=settings,
        registry=registry,
        plugins=loaded,
        hooks=Dispatcher(loaded.manager, loaded.order, Objection),
        db=Database.from_settings(settings),
    )
    shipped = load_packs(PACKS)
    house.services[PackLibrary], house.services[Shelf] = shipped, Shelf(shipped)
    house.load_packs = take_in
    house.services[CodeGateway] = FileGateway(settings.sms_outbox) if settings.sms_outbox else CodeGateway()
    for _, contribution in registry.contributions:
        house.services.update(contribution.services)
    return house


def core_tables() -> frozenset[str]:
    """The tables of core, tenants and workers: no plugin's prefix may fall on one of them."""
    ours = ("core", "tenants", "workers")
    return frozenset(
        str(mapper.class_.__tablename__)
        for mapper in Base.registry.mappers
        if mapper.class_.__module__.partition(".")[0] in ours
    )


def create_app(settings: Settings | None = None, **options: Any) -> Litestar:
    """The web application with a house of its own."""
    house = build_house(settings or Settings.from_environment(), **options)
    return build_app(house, on_shutdown=[house.db.close])
