"""The whole way over HTTP: the office makes a draw, two families rank, two officers draw, anybody checks."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from core.base import clock
from core.enrollment import seats
from core.enrollment.draw import program
from core.people.models import Guardian, Guardianship
from tenants import service as tenants
from tests.support import draws, menu
from tests.support.database import DatabaseAddresses
from tests.support.world import Family, Person, School, World

HOME = "/t/school/home"


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, name
    return found[1]


def pill(html: str) -> str:
    """What the first badge of the page's own part says."""
    found = re.search(r'<span class="pill[^"]*">([^<]*)<', html[html.index("<main") :])
    assert found is not None
    return found[1]


async def follow(client: httpx.AsyncClient, response: httpx.Response) -> str:
    assert response.status_code == 303, (response.status_code, re.sub(r"<[^>]+>", " ", response.text)[:3000])
    page = await client.get(response.headers["location"])
    assert page.status_code == 200, page.text[:2000]
    return page.text


def tap(html: str, label: str) -> dict[str, Any]:
    """What the form whose button says `label` sends."""
    for form in re.findall(r"<form.*?</form>", html, re.S):
        if label in form:
            fields: dict[str, Any] = {}
            for name, value in re.findall(r'name="(\w+)" value="([^"]*)"', form):
                if name == "ranked":
                    fields.setdefault(name, []).append(value)
                else:
                    fields[name] = value
            return fields
    raise AssertionError(label)


def moment(days: float) -> str:
    return clock.school_time(clock.now() + timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")


async def second_guardian(world: World, school: School, family: Family, *, may_choose: bool = True) -> Person:
    person = await world.person("另一位家长")
    async with world.house.unit(school.ctx) as uow:
        await tenants.join(uow, [person.account_id], "guardian")
        guardian = Guardian(account_id=person.account_id, name=person.name, phone=person.phone)
        uow.session.add(guardian)
        await uow.session.flush()
        uow.session.add(
            Guardianship(student_id=family.student_id, guardian_id=guardian.id, relation="父亲", may_choose=may_choose)
        )
    return person


def verified(folder: Path) -> subprocess.CompletedProcess[str]:
    """What a stranger's machine says: the downloaded program on the downloaded file, in a Python that knows nothing."""
    command = [sys.executable, "-I", "kehou_draw.py", "verify", "draw.json"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.req("R-145", "R-213", "R-216")
async def test_the_whole_way(world: World, database: DatabaseAddresses, tmp_path: Path) -> None:
    school = await world.school(families=3)
    chess, clay = await draws.clubs(world, school, draws.club("围棋社"), draws.club("陶艺社"))
    office = await world.client(school.people["office"], page=True)

    # The office makes a round and opens it; sent twice it is one round.
    key = hidden((await office.get("/t/school/desk/draws/new")).text, "_key")
    form = {
        "_key": key,
        "title": "周三社团",
        "offerings": [str(chess.id), str(clay.id)],
        "opens_at": moment(-1),
        "closes_at": moment(1),
        "per_child": "1",
        "seed_source": "双色球第 2026140 期开奖号码",
        "seed_at": moment(0.5),
    }
    early = await office.post("/t/school/desk/draws", data=form)
    assert early.status_code == 422
    assert "公开数字应在填报截止 10 分钟以后才公布" in early.text
    # Wrong times are said together with everything else, and what was typed stays.
    wrong = await office.post(
        "/t/school/desk/draws", data={**form, "title": "", "closes_at": moment(-2), "seed_at": moment(-3)}
    )
    assert wrong.status_code == 422 and "有 3 处需要修改" in wrong.text
    for name, text in (("title", "请填写此项"), ("closes_at", "晚于开始时间"), ("seed_at", "10 分钟以后")):
        assert re.search(rf'id="f-{name}-err">.*?{text}', wrong.text), name
    assert "双色球第 2026140 期开奖号码" in wrong.text and moment(-3) in wrong.text
    form["seed_at"] = moment(2)
    sent = await office.post("/t/school/desk/draws", data=form)
    shown = await follow(office, sent)
    here = sent.headers["location"]
    round_id = here.rsplit("/", 1)[1]
    assert (await office.post("/t/school/desk/draws", data=form)).headers["location"] == here
    assert "准备中" in shown
    await follow(office, await office.post(f"{here}/open"))

    # First come counts for nothing here, and the refusal leads to the ranking.
    one, two, three = school.families
    mother = await world.client(one.guardian, page=True)
    listed = (await mother.get(f"{HOME}/menu")).text
    assert f"{HOME}/wishes?child={one.student_id}" in listed
    refused = await mother.post(f"{HOME}/basket", data={"child": str(one.student_id), "offering": str(chess.id)})
    assert refused.status_code == 409
    assert "通过志愿抽签分配名额" in refused.text
    assert f"{HOME}/wishes?child={one.student_id}" in refused.text
    raced = await mother.post(
        "/api/t/school/home/claims",
        json={"student_id": str(one.student_id), "offering_id": str(chess.id), "weekdays": []},
        headers={"idempotency-key": "race-0001"},
    )
    assert raced.status_code != 200 or raced.json()["outcome"] == "not_open"

    # Nothing is ranked beforehand; each tap saves, and a tap sent twice changes nothing.
    wishes = (await mother.get(f"{HOME}/wishes")).text
    assert "还没有志愿" in wishes
    assert "checked" not in wishes
    save = f"{HOME}/wishes/{round_id}"
    added = tap(wishes, "加入「围棋社」")
    wishes = await follow(mother, await mother.post(save, data=added))
    again = await follow(mother, await mother.post(save, data=added))
    assert hidden(wishes, "version") == hidden(again, "version") == "1"
    wishes = await follow(mother, await mother.post(save, data=tap(wishes, "加入「陶艺社」")))

    # The other guardian sees the same and may move it; an old page does not overwrite that unknowingly.
    father = await world.client(await second_guardian(world, school, one), page=True)
    his = (await father.get(f"{HOME}/wishes")).text
    assert his.index("围棋社") < his.index("陶艺社")
    his = await follow(father, await father.post(save, data=tap(his, "「陶艺社」上移")))
    assert his.index("陶艺社") < his.index("围棋社")
    stale = await mother.post(save, data=tap(wishes, "「围棋社」移除"))
    assert stale.status_code == 409
    assert "志愿刚被另一位家长修改过" in stale.text
    his = await follow(father, await father.post(save, data=tap(his, "「围棋社」上移")))
    receipt = (await father.get(f"{save}/receipt?child={one.student_id}")).json()
    assert program.leaf(receipt["line"]) == receipt["leaf"]
    assert receipt["line"]["receipt"] in his
    assert receipt["leaf"] in his
    assert [course for course, _cls in receipt["line"]["ranked"]] == [str(chess.id), str(clay.id)]

    for family in (two, three):
        await draws.rank(world, school, family, UUID(round_id), [chess, clay])

    # Time passes; the round is closed and committed to by the clock alone.
    public = f"/t/school/draw/{round_id}"
    anyone = await world.client(page=True)
    assert (await anyone.get(public)).status_code == 404
    tooearly = await office.post(f"{here}/seed", data={"seed": draws.SEED})
    assert tooearly.status_code == 409 or tooearly.status_code == 422
    assert "到了约定的公布时间才能录入" in tooearly.text
    assert pill((await mother.get(f"{HOME}/wishes")).text) == pill((await office.get(here)).text) == "填报中"
    draws.pass_time(database.superuser, UUID(round_id), closing=True)
    for client, path in ((office, here), (office, "/t/school/desk/draws"), (mother, f"{HOME}/wishes")):
        assert pill((await client.get(path)).text) == "填报结束", path  # by the clock: no worker has been here
    assert "截止后抽签" not in (await mother.get(HOME)).text
    assert (await draws.round_of(world, school, UUID(round_id))).state == "open"
    async with world.house.unit(school.ctx) as uow:
        await uow.enqueue("draw.turn", {})
    await world.drain(school)
    shut = await father.post(save, data=tap(his, "「陶艺社」移除"))
    assert shut.status_code == 409
    promised = (await anyone.get(public)).text
    row = await draws.round_of(world, school, UUID(round_id))
    assert row.state == "committed"
    board = (await anyone.get("/t/school/board")).text
    assert "周三社团：抽签前锁定" in board
    for digest in row.record["commitment"].values():
        assert digest in promised
    # Families read plain words; what experts call it stands once, folded away.
    assert promised.count("Merkle") == 1 and promised.index("Merkle") > promised.index("<details")
    assert "Merkle" not in board
    assert (await anyone.get(f"{public}/draw.json")).status_code == 404
    tooearly = await office.post(f"{here}/seed", data={"seed": draws.SEED})
    assert "到了约定的公布时间才能录入" in tooearly.text

    # The public value exists now: one types it, another confirms it.
    draws.pass_time(database.superuser, UUID(round_id), seed=True)
    await follow(office, await office.post(f"{here}/seed", data={"seed": draws.SEED}))
    alone = await office.post(f"{here}/confirm", data={"seed": draws.SEED})
    assert alone.status_code == 422
    assert "录入和确认要由两个人完成" in alone.text
    principal = await world.client(school.people["principal"], page=True)
    assert draws.SEED not in (await principal.get(here)).text  # confirmed from the source, not from the screen
    wrong = await principal.post(f"{here}/confirm", data={"seed": draws.SEED + "1"})
    assert "两次录入的数字不一致" in wrong.text
    await follow(principal, await principal.post(f"{here}/confirm", data={"seed": f" {draws.SEED} "}))
    assert "draw-job" in (await principal.get(here)).text
    await world.drain(school)
    assert (await principal.get(f"{here}/progress")).headers.get("hx-refresh") == "true"

    # Anybody downloads file and program, and draws again: byte for byte the same.
    file = (await anyone.get(f"{public}/draw.json")).content
    (tmp_path / "draw.json").write_bytes(file)
    (tmp_path / "kehou_draw.py").write_bytes((await anyone.get(f"{public}/kehou_draw.py")).content)
    run = verified(tmp_path)
    assert run.returncode == 0, run.stdout + run.stderr
    drawn = json.loads(file)
    assert run.stdout.splitlines()[-1] in (await anyone.get(public)).text
    assert file == program.canonical(drawn)
    assert receipt["line"] in drawn["wishes"]
    assert drawn["commitment"] == row.record["commitment"]
    for name in ("学生1", "家长1", str(one.student_id), str(one.guardian.account_id), one.guardian.phone):
        assert name not in file.decode()
    (tmp_path / "draw.json").write_bytes(file.replace(draws.SEED.encode(), b"02 07 11 19 24 30 + 09"))
    flipped = verified(tmp_path)
    assert flipped.returncode == 1

    # Two places, three children: each reads why, and the places are claims that wait for an application.
    sentences = []
    for family in school.families:
        client = await world.client(family.guardian, page=True)
        page = (await client.get(f"{HOME}/wishes")).text
        number = drawn["outcome"]["numbers"][hidden_receipt(page)]
        sentences.append((number, page, client, family))
    sentences.sort(key=lambda item: item[0])
    (_, first, _, _), (_, second, winner, second_family), (_, third, loser, third_family) = sentences
    assert "第 1 志愿「围棋社」录取，抽签号 1" in first
    assert "第 2 志愿「陶艺社」录取；第 1 志愿「围棋社」录取到 1 号，你的是 2 号" in second
    assert "第 1 志愿「围棋社」录取到 1 号，你的是 3 号" in third
    assert "抽签录取：陶艺社" in (await winner.get(f"{HOME}/messages")).text
    assert "没有抽中：围棋社" in (await loser.get(f"{HOME}/messages")).text
    async with world.house.unit(school.ctx) as uow:
        assert school.term_id is not None
        held = await seats.held_by(uow, second_family.student_id, school.term_id)
        assert list(held) == [clay.id]
        until, keep = held[clay.id].until, (await draws.round_of(world, school, UUID(round_id))).keep_until
        assert until is not None and keep is not None
        assert abs(until - keep) < timedelta(seconds=5)
        assert await seats.held_by(uow, third_family.student_id, school.term_id) == {}

    # The place goes into the application as any other: nothing more to choose, one tap to apply.
    applying = (await winner.get(f"{HOME}/apply?child={second_family.student_id}")).text
    assert "陶艺社" in applying
    await menu.apply(world, school, second_family, [(clay, clay.weekdays)])
    async with world.house.unit(school.ctx) as uow:
        held = await seats.held_by(uow, second_family.student_id, school.term_id)
        assert held[clay.id].until is None
    english = await anyone.get(public, headers={"accept-language": "en"})
    assert "Check it yourself" in english.text


def hidden_receipt(page: str) -> str:
    found = re.search(r"[2-9A-Z]{4}-[2-9A-Z]{4}-[2-9A-Z]{4}", page)
    assert found
    return found[0]
