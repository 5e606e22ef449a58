"""Clubs (社团): weekly courses that the school's own teachers lead (requirements 2.11)."""

from __future__ import annotations

from pathlib import Path

from core.api import Plugin, PluginManifest
from core.api import lazy_gettext as _l
from core.api import lazy_pgettext as _lp
from plugins.clubs import hooks
from plugins.clubs.schemas import ClubsSettings

HERE = Path(__file__).parent

plugin = Plugin(
    PluginManifest(
        key="clubs",
        title=_lp("clubs", "社团"),
        version="1.0.0",
        prefix="clubs_",
        migrations=HERE / "migrations",
        settings=ClubsSettings,
        description=_l("本校教师开设的社团：计划、时间、名额、名单和收费"),
        icon="ball-basketball",
    ),
    hooks,
)
