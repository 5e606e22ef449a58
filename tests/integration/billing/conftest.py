"""Runs need no web application; pages make one of their own."""

from __future__ import annotations

import pytest

from core.db.house import House
from tests.support.world import World


@pytest.fixture
def world(house: House) -> World:
    return World(house)
