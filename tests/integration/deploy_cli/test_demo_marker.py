"""Demo mode needs a mark that only the demonstration leaves in the database that it made."""

from __future__ import annotations

import pytest
from sqlalchemy.dialects.postgresql import insert

from core.db.global_tables import InstallationMark
from core.db.house import House
from deploy.process import DeployError
from deploy.web import DEMO_MARK, refuse_false_demo


async def test_a_marker_that_the_database_does_not_hold_is_refused(house: House) -> None:
    settings = house.settings.model_copy(update={"demo": "guessed"})
    with pytest.raises(DeployError, match="KEHOU_DEMO"):
        refuse_false_demo(settings, "127.0.0.1")
    async with house.db.globally() as session:
        await session.execute(insert(InstallationMark).values(key=DEMO_MARK, value="other"))
    with pytest.raises(DeployError, match="KEHOU_DEMO"):
        refuse_false_demo(settings, "127.0.0.1")
    refuse_false_demo(settings.model_copy(update={"demo": "other"}), "127.0.0.1")
    refuse_false_demo(settings.model_copy(update={"demo": None}), "0.0.0.0")
