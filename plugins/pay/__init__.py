"""Subsidies that come in and pay of those who serve that goes out (requirements 2.14, R-454)."""

from __future__ import annotations

from pathlib import Path

from core.api import Plugin, PluginManifest
from core.api import lazy_gettext as _l
from plugins.pay import hooks
from plugins.pay.schemas import PaySettings

HERE = Path(__file__).parent

plugin = Plugin(
    PluginManifest(
        key="pay",
        title=_l("补贴与报酬"),
        description=_l("财政补贴按实际参加人数核算；教职工补助只按实际开展的课次发放，逐月造表，两人办理。"),
        version="1.0.0",
        prefix="pay_",
        migrations=HERE / "migrations",
        settings=PaySettings,
        icon="cash-banknote",
    ),
    hooks,
)
