"""Every scheme of the seeds, lived through by a school for a term."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

from core.policy.load import load_packs
from tests.journeys.schemes.scene import Play, Scene
from tests.support.world import World

HERE = Path(__file__).parent
PACKS = HERE.parents[2] / "tenants" / "packs"
NOT_SCENES = {"__init__", "plans", "scene", "test_schemes"}
SCENES: dict[str, Scene] = {
    scene.pack: scene
    for path in sorted(HERE.glob("*.py"))
    if path.stem not in NOT_SCENES
    for scene in [import_module(f"tests.journeys.schemes.{path.stem}").SCENE]
}


def test_every_scheme_has_a_scene() -> None:
    assert set(SCENES) == set(load_packs(PACKS).keys())


@pytest.mark.req("R-020", "R-021", "R-032", "R-037", "R-142", "R-341", "R-333", "R-374")
@pytest.mark.parametrize("key", sorted(SCENES))
async def test_a_school_lives_through_a_term(world: World, key: str) -> None:
    await Play(world, SCENES[key]).run()
