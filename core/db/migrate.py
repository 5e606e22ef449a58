"""Migrates the core, then each plugin in dependency order, each with a version table of its own."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text

from core.db.models import metadata
from core.host.loader import LoadedPlugins

CORE = Path(__file__).parent / "migrations"
LOCK = 5_230_117


@dataclass(frozen=True, slots=True)
class Chain:
    """One line of migrations: the core's (prefix None) or a plugin's."""

    key: str
    versions: Path
    prefix: str | None

    @property
    def version_table(self) -> str:
        return "alembic_version" if self.prefix is None else f"alembic_version_{self.key}"


def chains(plugins: LoadedPlugins) -> list[Chain]:
    """The core first, then every loaded plugin that has tables, requirements before those that need them."""
    found = [Chain("core", CORE / "versions", None)]
    for report in plugins.loaded:
        manifest = report.plugin.manifest if report.plugin else None
        if manifest and manifest.migrations:
            found.append(Chain(manifest.key, manifest.migrations / "versions", manifest.prefix))
    return found


def sync_url(url: str) -> str:
    """The same address for psycopg."""
    return "postgresql+psycopg://" + url.partition("://")[2]


def upgrade(owner_url: str, plugins: LoadedPlugins, *, say: Any = None) -> list[str]:
    """Bring every chain to its head under one advisory lock; returns the keys of those that moved."""
    engine = create_engine(sync_url(owner_url))
    moved: list[str] = []
    with engine.connect() as connection:
        connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": LOCK})
        connection.commit()
        try:
            for chain in chains(plugins):
                if _current(connection, chain) != heads(chain):
                    if say:
                        say(chain.key)
                    connection.execute(text("set local lock_timeout = '5s'"))
                    command.upgrade(config_for(chain, connection), "heads")
                    connection.commit()
                    moved.append(chain.key)
        finally:
            connection.rollback()
            connection.execute(text("select pg_advisory_unlock(:lock)"), {"lock": LOCK})
            connection.commit()
    engine.dispose()
    return moved


def pending(url: str, plugins: LoadedPlugins) -> list[str]:
    """Keys of the chains that are behind their head."""
    engine = create_engine(sync_url(url))
    with engine.connect() as connection:
        behind = [c.key for c in chains(plugins) if _current(connection, c) != heads(c)]
    engine.dispose()
    return behind


def drift(owner_url: str, plugins: LoadedPlugins) -> dict[str, list[Any]]:
    """Where the database differs from the models, by chain; empty when all is as it should be."""
    engine = create_engine(sync_url(owner_url))
    all_chains = chains(plugins)
    found: dict[str, list[Any]] = {}
    with engine.connect() as connection:
        for chain in all_chains:
            context = MigrationContext.configure(connection, opts=options(chain, all_chains))
            if differences := compare_metadata(context, metadata):
                found[chain.key] = differences
    engine.dispose()
    return found


def configure(context: Any) -> None:
    """What env.py does: run the asked-for commands on the connection that `attributes` carries."""
    attributes = context.config.attributes
    chain: Chain = attributes["chain"]
    connection: Connection = attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        **options(chain, attributes["chains"]),
    )
    with context.begin_transaction():
        context.run_migrations()


def options(chain: Chain, all_chains: Iterable[Chain]) -> dict[str, Any]:
    prefixes = tuple(c.prefix for c in all_chains if c.prefix)

    def mine(thing: Any, name: str | None, type_: str, reflected: bool, compare_to: Any) -> bool:
        if type_ != "table" or name is None:
            return True
        if name.startswith("alembic_version"):
            return False
        owner = next((p for p in prefixes if name.startswith(p)), None)
        return owner == chain.prefix

    return {"version_table": chain.version_table, "include_object": mine, "compare_server_default": False}


def config_for(chain: Chain, connection: Connection | None, all_chains: Sequence[Chain] = ()) -> Config:
    config = Config()
    config.set_main_option("script_location", str(CORE))
    config.set_main_option("version_locations", str(chain.versions))
    config.set_main_option("path_separator", "newline")
    config.attributes.update(chain=chain, connection=connection, chains=all_chains or [chain])
    return config


def heads(chain: Chain) -> set[str]:
    """The last revisions of a chain; one, once the branches of a day's work are joined."""
    return set(ScriptDirectory.from_config(config_for(chain, None)).get_heads())


def _current(connection: Connection, chain: Chain) -> set[str]:
    context = MigrationContext.configure(connection, opts={"version_table": chain.version_table})
    return set(context.get_current_heads())
