"""For developers: writes the next migration of a chain from the models, with row-level security and grants."""

from __future__ import annotations

import re
from pathlib import Path

from alembic import command
from sqlalchemy import create_engine

from core.db.global_tables import GLOBAL_TABLES
from core.db.kernel_tables import APPEND_ONLY
from core.db.migrate import chains, config_for, sync_url
from core.host.loader import LoadedPlugins

_CREATED = re.compile(r"op\.create_table\(\s*'(\w+)'")
_NOISE = re.compile(r"    # ### .*\n")


def revise(owner_url: str, plugins: LoadedPlugins, key: str, message: str, rev_id: str) -> Path:
    """Compare the models with an upgraded database and write the difference as a migration; returns the file."""
    all_chains = chains(plugins)
    chain = next(c for c in all_chains if c.key == key)
    chain.versions.mkdir(parents=True, exist_ok=True)
    engine = create_engine(sync_url(owner_url))
    with engine.connect() as connection:
        script = command.revision(
            config_for(chain, connection, all_chains),
            message=message,
            autogenerate=True,
            rev_id=rev_id,
        )
    engine.dispose()
    path = Path(script.path)  # type: ignore[union-attr]
    path.write_text(_secured(path.read_text(encoding="utf-8")), encoding="utf-8")
    return path


def _secured(source: str) -> str:
    head = _NOISE.sub("", source).partition("\ndef downgrade")[0]
    lines = []
    for table in _CREATED.findall(head):
        if table in GLOBAL_TABLES:
            lines.append(f'    global_table(op, "{table}")')
        elif table in APPEND_ONLY:
            lines.append(f'    append_only_table(op, "{table}")')
        else:
            lines.append(f'    tenant_table(op, "{table}")')
    used = sorted({line.strip().partition("(")[0] for line in lines})
    head = head.replace("import tenant_table", "import " + ", ".join(used)) if used else head
    return head.rstrip() + "\n" + "\n".join(lines) + "\n"
