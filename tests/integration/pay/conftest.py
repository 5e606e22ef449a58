"""A school under the pack that says most of subsidies and pay."""

from __future__ import annotations

import pytest

from tests.support.world import School, World


@pytest.fixture
async def school(world: World) -> School:
    return await world.school(pack="anhui-ten-bans")
