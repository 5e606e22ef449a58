"""Signing in: by phone and code, over pages and the API, and what stands in the way of strangers."""

from __future__ import annotations

import httpx
import pytest

from core.base.settings import SettingsError
from core.db.global_tables import InstallationMark
from core.db.house import House
from core.identity import demo
from core.identity.cookies import local_path
from core.identity.gateway import CodeGateway, FileGateway
from core.identity.service import CODE_TRIES, CODES_PER_HOUR, TRIES_PER_DAY
from core.web.access import COOKIE
from tests.support.world import World


def last_code(house: House, phone: str) -> str | None:
    gateway = house.get(CodeGateway)
    assert isinstance(gateway, FileGateway)
    return gateway.last(phone)


async def through_pages(client: httpx.AsyncClient, house: House, phone: str, next: str = "") -> httpx.Response:
    sent = await client.post("/sign-in", data={"phone": phone, "next": next})
    assert sent.status_code == 303
    shown = await client.get(sent.headers["location"])
    assert shown.status_code == 200
    assert phone[-4:] in shown.text
    return await client.post("/sign-in/code", data={"phone": phone, "code": last_code(house, phone), "next": next})


async def test_a_guardian_signs_in_and_lands_where_she_belongs(world: World, house: House) -> None:
    school = await world.school()
    client = await world.client(page=True)
    signed = await through_pages(client, house, school.families[0].guardian.phone)
    assert signed.status_code == 303 and signed.headers["location"] == "/me"
    cookie = signed.headers.get_list("set-cookie")[0]
    assert COOKIE in cookie and "HttpOnly" in cookie and "SameSite=lax" in cookie
    me = await client.get("/me")
    assert me.status_code == 303 and me.headers["location"] == "/t/school/home"
    home = await client.get("/t/school")
    assert home.headers["location"] == "/t/school/home"


async def test_cookies_are_secure_where_the_site_is(world: World, house: House) -> None:
    school = await world.school()
    house.settings = house.settings.model_copy(update={"public_url": "https://kehou.test"})
    phone = school.families[0].guardian.phone
    client = await world.client(page=True)
    await client.post("/sign-in", data={"phone": phone})
    signed = await client.post("/sign-in/code", data={"phone": phone, "code": last_code(house, phone)})
    assert "Secure" in signed.headers.get_list("set-cookie")[0]


async def test_a_person_of_several_places_chooses(world: World) -> None:
    school = await world.school()
    second = await world.school("second", name="第二小学", families=0)
    from tenants import service as tenants

    guardian = school.families[0].guardian
    async with world.house.unit(second.ctx) as uow:
        await tenants.join(uow, [guardian.account_id], "guardian", "teacher")
    client = await world.client(guardian, page=True)
    me = await client.get("/me")
    assert me.status_code == 200
    for href in ("/t/school/home", "/t/second/home", "/t/second/teach"):
        assert f'href="{href}"' in me.text


async def test_signing_out_ends_the_session(world: World) -> None:
    school = await world.school()
    client = await world.client(school.people["office"], page=True)
    assert (await client.get("/me")).status_code == 303
    assert (await client.post("/sign-out")).status_code == 303
    assert "/sign-in" in (await client.get("/me")).headers["location"]


async def test_next_is_kept_through_both_steps_when_it_is_ours(world: World, house: House) -> None:
    school = await world.school()
    client = await world.client(page=True)
    refused = await client.get("/t/school/home/me")
    assert refused.headers["location"] == "/sign-in?next=/t/school/home/me"
    signed = await through_pages(client, house, school.families[0].guardian.phone, next="/t/school/home/me")
    assert signed.headers["location"] == "/t/school/home/me"


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        " /me",
        "/x\r\nSet-Cookie: a=b",
        "",
        "me",
    ],
)
async def test_next_never_leads_away(world: World, house: House, address: str) -> None:
    assert local_path(address) == "/me"
    school = await world.school()
    client = await world.client(page=True)
    signed = await through_pages(client, house, school.families[0].guardian.phone, next=address)
    assert signed.headers["location"] == "/me"


async def test_an_unknown_phone_is_answered_like_a_known_one_and_gets_no_code(world: World, house: House) -> None:
    school = await world.school()
    client = await world.client()
    known = await client.post("/api/sign-in/codes", json={"phone": school.families[0].guardian.phone})
    unknown = await client.post("/api/sign-in/codes", json={"phone": "13900001111"})
    assert (known.status_code, known.json()) == (unknown.status_code, unknown.json()) == (202, known.json())
    assert last_code(house, "13900001111") is None
    guess = await client.post("/api/sign-in", json={"phone": "13900001111", "code": "123456"})
    assert guess.status_code == 422 and guess.json()["code"] == "wrong_code"


async def test_without_a_gateway_known_and_unknown_are_refused_alike(world: World, house: House) -> None:
    school = await world.school()
    house.services[CodeGateway] = CodeGateway()
    client = await world.client()
    answers = [
        await client.post("/api/sign-in/codes", json={"phone": phone})
        for phone in (school.families[0].guardian.phone, "13900001111")
    ]
    assert {(a.status_code, a.json()["code"]) for a in answers} == {(503, "no_sms_gateway")}


async def test_a_code_dies_after_five_tries(world: World, house: House) -> None:
    school = await world.school()
    phone = school.families[0].guardian.phone
    client = await world.client()
    await client.post("/api/sign-in/codes", json={"phone": phone})
    right = last_code(house, phone)
    wrong = "000000" if right != "000000" else "111111"
    for _ in range(CODE_TRIES):
        assert (await client.post("/api/sign-in", json={"phone": phone, "code": wrong})).status_code == 422
    assert (await client.post("/api/sign-in", json={"phone": phone, "code": right})).status_code == 422


async def test_only_the_newest_code_counts_and_only_once(world: World, house: House) -> None:
    school = await world.school()
    phone = school.families[0].guardian.phone
    client = await world.client()
    await client.post("/api/sign-in/codes", json={"phone": phone})
    first = last_code(house, phone)
    await client.post("/api/sign-in/codes", json={"phone": phone})
    second = last_code(house, phone)
    if first != second:
        assert (await client.post("/api/sign-in", json={"phone": phone, "code": first})).status_code == 422
    signed = await client.post("/api/sign-in", json={"phone": phone, "code": second})
    assert signed.status_code == 200
    mine = await client.get("/api/me", headers={"authorization": f"Bearer {signed.json()['token']}"})
    assert mine.json()["places"] == [{"slug": "school", "name": "实验小学", "kind": "school", "faces": ["home"]}]
    assert (await client.post("/api/sign-in", json={"phone": phone, "code": second})).status_code == 422


async def test_codes_and_tries_are_limited(world: World, house: House) -> None:
    school = await world.school()
    phone = school.families[0].guardian.phone
    client = await world.client()
    statuses = [
        (await client.post("/api/sign-in/codes", json={"phone": phone})).status_code for _ in range(CODES_PER_HOUR + 1)
    ]
    assert statuses == [202] * CODES_PER_HOUR + [429]
    async with house.db.globally() as session:
        from sqlalchemy import update

        from core.db.global_tables import SignInCode

        await session.execute(update(SignInCode).values(attempts=CODE_TRIES))
    assert CODES_PER_HOUR * CODE_TRIES >= TRIES_PER_DAY
    last = await client.post("/api/sign-in", json={"phone": phone, "code": last_code(house, phone)})
    assert last.status_code == 429 and last.json()["code"] == "too_many_tries"


async def test_signing_in_often_is_nobodys_crime(world: World, house: House) -> None:
    school = await world.school()
    phone = school.families[0].guardian.phone
    client = await world.client()
    for _ in range(CODES_PER_HOUR + 2):
        assert (await client.post("/api/sign-in/codes", json={"phone": phone})).status_code == 202
        signed = await client.post("/api/sign-in", json={"phone": phone, "code": last_code(house, phone)})
        assert signed.status_code == 200


async def test_errors_stand_beside_their_fields(world: World) -> None:
    client = await world.client(page=True)
    page = await client.post("/sign-in", data={"phone": "12345"})
    assert page.status_code == 422
    assert "请填写 11 位手机号" in page.text and 'value="12345"' in page.text and 'aria-invalid="true"' in page.text
    problem = await client.post("/api/sign-in", json={"phone": "1", "code": "x"})
    assert problem.status_code == 422
    assert {e["field"] for e in problem.json()["errors"]} == {"phone", "code"}
    garbage = await client.post("/api/sign-in", content=b"not json")
    assert garbage.status_code == 422


async def test_a_write_from_another_site_is_refused(world: World) -> None:
    client = await world.client(page=True)
    refused = await client.post(
        "/sign-in", data={"phone": "13800000000"}, headers={"sec-fetch-site": "cross-site", "origin": "https://evil.x"}
    )
    assert refused.status_code == 403


# ---- demo mode


async def _mark(house: House, **rows: str) -> None:
    async with house.db.globally() as session:
        for key, value in rows.items():
            session.add(InstallationMark(key=key, value=value))


def _personas(phone: str) -> str:
    return (
        f'[{{"phone":"{phone}","name":"家长1","title":"家长","place":"实验小学",'
        '"path":"/t/school/home","icon":"home-heart"}]'
    )


async def test_outside_demo_mode_the_door_does_not_exist(world: World, house: House) -> None:
    school = await world.school()
    phone = school.families[0].guardian.phone
    await _mark(house, personas=_personas(phone), demo="marker")
    client = await world.client(page=True)
    refused = await client.post("/demo/enter", data={"phone": phone})
    assert refused.status_code == 404 and "set-cookie" not in refused.headers
    assert "/demo/enter" not in (await client.get("/")).text


@pytest.mark.parametrize("mark", [{}, {"demo": "another"}, {"demo": ""}])
async def test_the_setting_alone_opens_nothing(world: World, house: House, mark: dict[str, str]) -> None:
    school = await world.school()
    phone = school.families[0].guardian.phone
    await _mark(house, personas=_personas(phone), **mark)
    house.settings = house.settings.model_copy(update={"demo": "marker"})
    client = await world.client(page=True)
    assert (await client.post("/demo/enter", data={"phone": phone})).status_code == 404
    with pytest.raises(SettingsError):
        await demo.verify_at_start(house)


async def test_in_demo_mode_one_enters_as_a_listed_persona_only(world: World, house: House) -> None:
    school = await world.school()
    phone = school.families[0].guardian.phone
    await _mark(house, personas=_personas(phone), demo="marker")
    house.settings = house.settings.model_copy(update={"demo": "marker"})
    assert await demo.verify_at_start(house)
    client = await world.client(page=True)
    landing = await client.get("/")
    assert "/demo/enter" in landing.text and "家长1" in landing.text
    entered = await client.post("/demo/enter", data={"phone": phone})
    assert entered.status_code == 303 and entered.headers["location"] == "/t/school/home"
    other = await client.post("/demo/enter", data={"phone": school.people["office"].phone})
    assert other.status_code == 404


async def test_the_language_is_kept(world: World) -> None:
    client = await world.client(page=True)
    changed = await client.post(
        "/locale", data={"locale": "en"}, headers={"referer": "http://kehou.test/sign-in?next=/me"}
    )
    assert changed.headers["location"] == "/sign-in?next=/me"
    assert "Sign in" in (await client.get("/sign-in")).text
    away = await client.post("/locale", data={"locale": "zh_CN"}, headers={"referer": "https://evil.example/x"})
    assert away.headers["location"] == "/"
    assert "登录" in (await client.get("/sign-in")).text
