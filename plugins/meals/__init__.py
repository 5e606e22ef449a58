"""Lunch (午餐): dishes, dietary bans, orders by weekday, the count, settlement by actual use (requirements 2.10)."""

from __future__ import annotations

from pathlib import Path

from core.api import Plugin, PluginManifest
from core.api import lazy_gettext as _l
from plugins.meals import hooks
from plugins.meals.schemas import MealsSettings

HERE = Path(__file__).parent

plugin = Plugin(
    PluginManifest(
        key="meals",
        title=_l("午餐"),
        version="1.0.0",
        prefix="meals_",
        migrations=HERE / "migrations",
        settings=MealsSettings,
        description=_l("每周菜单、饮食禁忌、按星期订餐、每日份数和按实际用餐结算"),
        icon="soup",
    ),
    hooks,
)
