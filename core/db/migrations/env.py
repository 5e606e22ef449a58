"""Alembic's way in, for the core and for each plugin alike; core.db.migrate sets `attributes`."""

from alembic import context

from core.db.migrate import configure

configure(context)
