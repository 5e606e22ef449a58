"""`kehou keys`: the secret that everything else hangs on."""

from __future__ import annotations

import base64
import secrets

import rich_click as click


@click.group()
def keys() -> None:
    """Make a master key."""


@keys.command()
def new() -> None:
    """Print a fresh KEHOU_MASTER_KEY. Keep it outside the database, and keep a copy: without it sealed data is lost."""
    print(base64.b64encode(secrets.token_bytes(32)).decode())
