"""Books (借书): what a child has borrowed during care, and whether it is back."""

from __future__ import annotations

from pathlib import Path

from core.api import Plugin, PluginManifest
from core.api import lazy_gettext as _l
from kehou_borrowed_books import hooks

plugin = Plugin(
    PluginManifest(
        key="borrowed_books",
        title=_l("借书登记"),
        version="0.3.1",
        prefix="books_",
        migrations=Path(__file__).parent / "migrations",
        icon="book",
    ),
    hooks,
)
