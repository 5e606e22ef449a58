"""The JSON API: claims in a rush, and the whole way without a page."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from core.base import clock
from core.identity.gateway import CodeGateway, FileGateway
from tests.support import menu, rush
from tests.support.world import World

CARE = {
    "title": "课后托管",
    "grades": [1, 2, 3],
    "weekdays": [1, 2, 3, 4, 5],
    "starts_at": "16:30",
    "ends_at": "17:30",
    "content": ["homework"],
    "any_days": True,
}


@pytest.mark.req("R-132", "R-136", "R-156")
async def test_the_whole_way(world: World) -> None:
    school = await world.school()
    office = await world.client(school.people["office"])
    made = (await office.post("/api/t/school/desk/offerings", json=CARE)).json()
    await office.post(f"/api/t/school/desk/offerings/{made['id']}/approve", json={})
    now = clock.now()
    window = {
        "opens_at": (now - timedelta(hours=1)).isoformat(),
        "closes_at": (now + timedelta(days=2)).isoformat(),
    }
    assert (await office.post("/api/t/school/desk/menu/window", json=window)).json() == {"phase": "draft"}
    unheard = await office.post("/api/t/school/desk/menu/publish", json={})
    assert (unheard.status_code, unheard.json()["code"]) == (409, "no_survey")
    await menu.heard(world, school)
    assert [o["state"] for o in (await office.post("/api/t/school/desk/menu/publish", json={})).json()] == ["published"]

    family = school.families[0]
    parent = await world.client(family.guardian)
    seen = (await parent.get("/api/t/school/home/menu")).json()
    assert seen["phase"] == "open"
    told = {"child": seen["student_id"], "sha256": seen["notice_sha256"]}
    assert (await parent.post("/api/t/school/home/notice", json=told)).status_code == 200
    body = {
        "student_id": seen["student_id"],
        "items": [{"offering_id": made["id"], "weekdays": [1, 3]}],
        "notice_sha256": seen["notice_sha256"],
    }
    no_key = await parent.post("/api/t/school/home/applications", json=body)
    assert (no_key.status_code, no_key.json()["code"]) == (400, "idempotency_key_missing")
    key = {"idempotency-key": "phone-1-tap-1"}
    first = await parent.post("/api/t/school/home/applications", json=body, headers=key)
    again = await parent.post("/api/t/school/home/applications", json=body, headers=key)
    assert first.status_code == 200, first.text
    assert first.json() == again.json()
    other = {**body, "items": [{"offering_id": made["id"], "weekdays": [2]}]}
    reused = await parent.post("/api/t/school/home/applications", json=other, headers=key)
    assert (reused.status_code, reused.json()["code"]) == (409, "idempotency_key_reused")

    id_ = first.json()["id"]
    teacher = await world.client(school.people["class_teacher"])
    assert (await teacher.post(f"/api/t/school/teach/applications/{id_}/pass")).json()["state"] == "class_reviewed"
    done = (await office.post(f"/api/t/school/desk/applications/{id_}/approve", json={"reason": "同意"})).json()
    assert done["state"] == "agreement_pending"
    text = (await parent.get(f"/api/t/school/home/agreements/{done['agreement_id']}")).json()
    await parent.post(f"/api/t/school/home/agreements/{text['id']}/code")
    gateway = world.house.get(CodeGateway)
    assert isinstance(gateway, FileGateway)
    code = gateway.last(family.guardian.phone)
    signed = await parent.post(
        f"/api/t/school/home/agreements/{text['id']}/sign", json={"code": code, "sha256": text["sha256"]}
    )
    assert signed.json()["state"] == "in_force"
    assert (await parent.get(f"/api/t/school/home/applications/{id_}")).json()["state"] == "enrolled"


async def test_claims_over_http(world: World) -> None:
    school = await world.school(families=2)
    club = await menu.approved(world, school, title="少儿篮球", capacity=3, any_days=False)
    await menu.publish(world, school)
    assert school.class_id is not None
    first, second = school.families
    children = await rush.children(world.house, school.ctx, school.class_id, 9, first.guardian_id)
    parent = await world.client(first.guardian)

    async def claim(child: object, key: str = "", **more: object) -> tuple[int, dict[str, object]]:
        headers = {"idempotency-key": key} if key else {}
        body = {"student_id": str(child), "offering_id": str(club.id), **more}
        answer = await parent.post("/api/t/school/home/claims", json=body, headers=headers)
        return answer.status_code, answer.json()

    assert (await claim(children[0]))[0] == 400
    answers = await asyncio.gather(*(claim(child, f"key-{child}") for child in children))
    assert {status for status, _ in answers} == {200}
    outcomes = [body["outcome"] for _, body in answers]
    assert outcomes.count("claimed") == 3
    assert outcomes.count("full") == 6
    winner = next(c for c, (_, body) in zip(children, answers, strict=True) if body["outcome"] == "claimed")
    assert (await claim(winner, "another"))[1]["outcome"] == "claimed"
    status, body = await claim(second.student_id, "not-my-child")  # in memory it is full for everybody
    assert (status, body.get("outcome", body.get("code"))) in ((200, "full"), (404, "not_found"))
    wrong = await parent.post("/api/t/school/home/claims", json={"student_id": "x"}, headers={"idempotency-key": "k"})
    assert wrong.status_code in (400, 422)
    assert wrong.headers["content-type"].startswith("application/problem+json")


async def test_a_stranger_cannot_claim_for_a_child(world: World) -> None:
    school = await world.school(families=2)
    club = await menu.approved(world, school, title="少儿篮球", capacity=3, any_days=False)
    await menu.publish(world, school)
    mine, other = school.families
    stranger = await world.client(other.guardian)
    body = {"student_id": str(mine.student_id), "offering_id": str(club.id)}
    refused = await stranger.post("/api/t/school/home/claims", json=body, headers={"idempotency-key": "steal-it"})
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")
    teacher = await world.client(school.people["teacher"])
    refused = await teacher.post("/api/t/school/home/claims", json=body, headers={"idempotency-key": "steal-it"})
    assert refused.status_code == 403


async def test_off_means_off_for_claims_too(world: World) -> None:
    school = await world.school()
    club = await menu.approved(world, school, title="少儿篮球", capacity=3, any_days=False)
    await menu.publish(world, school)
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(
            text("update offering set plugin = 'gone' where tenant_id = :t"), {"t": school.ctx.tenant_id}
        )
    family = school.families[0]
    parent = await world.client(family.guardian)
    body = {"student_id": str(family.student_id), "offering_id": str(club.id)}
    refused = await parent.post("/api/t/school/home/claims", json=body, headers={"idempotency-key": "switched-off"})
    assert refused.status_code == 404
    assert (await parent.get("/api/t/school/home/menu")).json()["offerings"] == []


async def test_the_crowded_door_answers_like_the_others(world: World) -> None:
    """Looked up together or alone: 401, then 404 for strangers and unknown places, then 403."""
    school, elsewhere = await world.school("school"), await world.school("elsewhere")
    club = await menu.approved(world, school, title="少儿篮球", capacity=3, any_days=False)
    await menu.publish(world, school)
    family = school.families[0]
    body = {"student_id": str(family.student_id), "offering_id": str(club.id)}
    key = {"idempotency-key": "at-the-door"}

    async def knock(client: httpx.AsyncClient, place: str = "school", **more: str) -> int:
        answer = await client.post(f"/api/t/{place}/home/claims", json=body, headers={**key, **more})
        return answer.status_code

    nobody, guest = await world.client(), await world.client(elsewhere.families[0].guardian)
    mine, staff = await world.client(family.guardian), await world.client(school.people["office"])
    knocked = await asyncio.gather(
        knock(nobody),
        knock(nobody, authorization="Bearer made-up"),
        knock(guest),
        knock(mine, "no-such-school"),
        knock(mine, "elsewhere"),
        knock(staff),
        knock(mine),
    )
    assert knocked == [401, 401, 404, 404, 404, 403, 200]
    # Rights are read anew each time: what was taken away is gone at once.
    async with world.house.unit(school.ctx) as uow:
        await uow.session.execute(
            text("delete from role_member where tenant_id = :t and account_id = :a"),
            {"t": school.ctx.tenant_id, "a": family.guardian.account_id},
        )
    assert await knock(mine) == 403
