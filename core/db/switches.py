"""The settings that an organisation gave to a plugin, as the plugin's own type."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel
from sqlalchemy import select, update

from core.db.kernel_tables import PluginSwitch
from core.db.uow import UnitOfWork

S = TypeVar("S", bound=BaseModel)


async def plugin_settings(uow: UnitOfWork, key: str, model: type[S]) -> S:
    """The settings of plugin `key` here; where nothing was set, the model's defaults."""
    stored = (await uow.session.execute(select(PluginSwitch.settings).where(PluginSwitch.plugin == key))).scalar()
    return model.model_validate(stored or {})


async def change_settings(uow: UnitOfWork, key: str, values: BaseModel) -> None:
    """Keep a plugin's settings for this organisation; nothing happens where the plugin was never switched on."""
    kept = values.model_dump(mode="json")
    await uow.session.execute(update(PluginSwitch).where(PluginSwitch.plugin == key).values(settings=kept))
    await uow.audit("plugin.settings", "plugin", None, plugin=key)
