"""The minimal plugin of the author's guide is short, and works as it stands there."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from core.api.testing import problems
from core.enrollment.errors import Objected
from core.enrollment.service import propose_offering
from core.enrollment.views import OfferingDraft
from core.web.app import build_app
from deploy.app import build_house
from tests.support.database import DatabaseAddresses
from tests.support.world import World

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "plugins" / "README.md"
_FILE = re.compile(r"^`(kehou_hello/[\w/.]+)`\n\n```\w+\n(.*?)^```", re.MULTILINE | re.DOTALL)


def files() -> dict[str, str]:
    return dict(_FILE.findall(GUIDE.read_text(encoding="utf-8")))


@pytest.fixture
def hello(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The plugin of the guide as an importable package."""
    for name, content in files().items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    import kehou_hello  # type: ignore[import-not-found]

    yield kehou_hello
    sys.modules.pop("kehou_hello")


def test_it_is_short() -> None:
    written = files()
    assert set(written) == {"kehou_hello/__init__.py", "kehou_hello/templates/index.html"}
    assert sum(len(content.splitlines()) for content in written.values()) < 60


def test_the_kit_wants_only_its_english(hello: ModuleType) -> None:
    assert problems(hello.plugin) == ["it has pages and no locale folder"]


async def test_it_works_as_written(hello: ModuleType, database: DatabaseAddresses) -> None:
    house = build_house(database.settings(), plugins=[hello.plugin])
    world = World(house, build_app(house))
    try:
        school = await world.school(plugins=())
        client = await world.client(school.people["office"], page=True)
        assert (await client.get("/t/school/desk/hello")).status_code == 404
        from tenants.service import switch_plugin

        async with house.unit(school.ctx) as uow:
            await switch_plugin(uow, "hello", on=True)
        page = await client.get("/t/school/desk/hello")
        assert page.status_code == 200 and "0 个项目" in page.text and 'href="/t/school/desk/hello"' in page.text
        ctx = await world.as_(school, "office")
        draft = OfferingDraft(kind="care", title="作业王小班", grades=(3,), reason="试一试")
        async with house.unit(ctx) as uow:
            assert school.term_id is not None
            with pytest.raises(Objected) as refused:
                await propose_offering(uow, school.term_id, draft)
        assert [o.code for o in refused.value.objections if o.blocks] == ["hello.rude"]
    finally:
        await house.db.close()
