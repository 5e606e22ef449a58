"""Fee standards with their posting, charges for care, and relief for families in hardship."""

from __future__ import annotations

from pathlib import Path

from core.api import Plugin, PluginManifest
from core.api import lazy_gettext as _l
from plugins.fees import hooks
from plugins.fees.schemas import FeesSettings

HERE = Path(__file__).parent

plugin = Plugin(
    PluginManifest(
        key="fees",
        title=_l("收费标准与减免"),
        description=_l("收费标准先批准、公开、公示，再收费；家庭经济困难的学生可以私下申请减免。"),
        version="1.0.0",
        prefix="fees_",
        migrations=HERE / "migrations",
        settings=FeesSettings,
        icon="receipt-yuan",
    ),
    hooks,
)
