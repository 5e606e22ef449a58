"""`kehou db`: migrations of the core and of each plugin."""

from __future__ import annotations

import sys
from pathlib import Path

import rich_click as click

from deploy.commands import common


@click.group()
def db() -> None:
    """Migrate and check the database."""


@db.command()
@common.data_option
def upgrade(data: Path | None) -> None:
    """Bring the core's tables and each plugin's to the newest version. Safe to repeat, and to run twice at once."""
    settings = common.settings(data)
    from core.db.migrate import upgrade as migrate
    from tenants.service import relay_roles

    moved = migrate(
        common.owner_url(settings), common.house(settings).plugins, say=lambda key: print(f"{key} …", flush=True)
    )
    common.with_house(settings, relay_roles)  # a new version may bring new permissions
    print(f"已更新：{'、'.join(moved)} / upgraded" if moved else "已是最新 / up to date")


@db.command()
@common.json_option
@common.data_option
def check(as_json: bool, data: Path | None) -> None:
    """Say which migrations wait and where the tables differ from the models; exit code 1 when there is anything."""
    settings = common.settings(data)
    from core.db.migrate import drift, pending

    url, plugins = common.owner_url(settings), common.house(settings).plugins
    waiting = pending(url, plugins)
    differences = {} if waiting else {key: [str(d) for d in found] for key, found in drift(url, plugins).items()}
    if as_json:
        common.show({"ok": not (waiting or differences), "pending": waiting, "drift": differences})
    elif waiting:
        print(f"等待更新：{'、'.join(waiting)}，请运行 kehou db upgrade / run `kehou db upgrade`")
    elif differences:
        for key, found in differences.items():
            print(f"{key}:")
            print("\n".join(f"  {line}" for line in found))
    else:
        print("数据库与程序一致 / the database is as it should be")
    sys.exit(1 if waiting or differences else 0)


@db.command()
@click.option("--role", type=click.Choice(["app", "owner", "relay"]), default="app", show_default=True)
@common.data_option
def url(role: str, data: Path | None) -> None:
    """Print the database's address for a role, password included: for psql and the like."""
    settings = common.settings(data)
    found = {"app": settings.database_url, "relay": settings.relay_url}.get(role)
    print(common.owner_url(settings) if role == "owner" else found.get_secret_value() if found else "")


@db.command()
@click.argument("chain")
@click.argument("number")
@click.argument("message")
@common.data_option
def revise(chain: str, number: str, message: str, data: Path | None) -> None:
    """For developers: write the next migration of CHAIN (core or a plugin's key) from the models, to be edited."""
    settings = common.settings(data)
    from core.db.revise import revise as write

    print(write(common.owner_url(settings), common.house(settings).plugins, chain, message, number))
