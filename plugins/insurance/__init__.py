"""Insurance (保险): the school's liability policy, voluntary accident insurance, claims (requirements 2.15, 5.11)."""

from __future__ import annotations

from pathlib import Path

from core.api import Plugin, PluginManifest
from core.api import lazy_gettext as _l
from plugins.insurance import hooks
from plugins.insurance.schemas import InsuranceSettings

HERE = Path(__file__).parent

plugin = Plugin(
    PluginManifest(
        key="insurance",
        title=_l("保险"),
        version="1.0.0",
        prefix="insurance_",
        migrations=HERE / "migrations",
        settings=InsuranceSettings,
        description=_l("校方责任险的到期提醒、自愿的意外伤害险、给保险公司的名单和理赔"),
        icon="shield-check",
    ),
    hooks,
)
