"""The front door: what Kehou is, sign-in by phone and code, the places of a person, the language."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromQuery
from litestar.response import Redirect

from core.base.context import TenantContext
from core.base.errors import NotFound
from core.base.text import SUPPORTED, use_locale
from core.base.text import gettext as _
from core.base.text import lazy_gettext as _l
from core.db.house import House
from core.db.resolve import SignedIn
from core.identity import demo, service
from core.identity.cookies import (
    PHONE_COOKIE,
    came_from,
    local_path,
    phone_cookie,
    secure,
    session_cookie,
)
from core.identity.schemas import AskCode, GiveCode
from core.web.access import COOKIE, access, in_session, public, token_of
from core.web.forms import Form
from core.web.frame import LOCALE_COOKIE
from core.web.i18n import mask_phone
from core.web.page import page, redirect

FACE_TITLES = {
    "desk": (_l("学校办公"), _l("方案、课程、收费、名册"), "building"),
    "teach": (_l("教师"), _l("点名、交接、我的班级"), "school"),
    "home": (_l("家长"), _l("选课、缴费、接送"), "home-heart"),
    "vendor": (_l("机构"), _l("课程、课堂、结算"), "building-store"),
    "bureau": (_l("教育局"), _l("备案、督导、统计"), "building-bank"),
}
"""Of each face: its name, what one does there, its icon."""


@get("/", opt=public())
async def landing(request: Request[Any, Any, Any], house: NamedDependency[House]) -> Response[str]:
    """What Kehou is, in one screen; in demo mode, the personas to enter as."""
    return await page(
        request,
        "identity/landing.html",
        personas=demo.by_place(await demo.personas(house)),
        signed_in=request.state.person is not None,
    )


@get("/sign-in", opt=public())
async def ask_phone(request: Request[Any, Any, Any], next: FromQuery[str] = "") -> Response[Any]:
    """Step one: the phone. Whoever is signed in already goes straight on."""
    if request.state.person is not None:
        return redirect(local_path(next))
    return await page(request, "identity/sign_in.html", form=Form.blank(AskCode, {"next": next}))


@post("/sign-in", opt=public(), status_code=200)
async def send_code(request: Request[Any, Any, Any], house: NamedDependency[House]) -> Response[Any]:
    """Send a code, then ask for it on the next page."""
    form = await Form.from_request(AskCode, request)
    if form:
        async with form.attempt():
            await service.request_code(house, form.value.phone, address_of(request))
            onward = {"next": form.value.next} if form.value.next else {}
            response = redirect("/sign-in/code" + (f"?{urlencode(onward)}" if onward else ""))
            response.set_cookie(phone_cookie(house, form.value.phone))
            return response
    return await page(request, "identity/sign_in.html", form=form, status=form.status)


@get("/sign-in/code", opt=public())
async def ask_code(request: Request[Any, Any, Any], next: FromQuery[str] = "") -> Response[Any]:
    """Step two: the code."""
    phone = request.cookies.get(PHONE_COOKIE, "")
    if not phone:
        return redirect("/sign-in" + (f"?{urlencode({'next': next})}" if next else ""))
    form = Form.blank(GiveCode, {"phone": phone, "next": next})
    return await page(request, "identity/code.html", form=form, phone=mask_phone(phone))


@post("/sign-in/code", opt=public(), status_code=200)
async def check_code(request: Request[Any, Any, Any], house: NamedDependency[House]) -> Response[Any]:
    """Trade the code for a signed-in browser."""
    form = await Form.from_request(GiveCode, request)
    if form:
        given = form.value
        async with form.attempt():
            token = await service.sign_in(house, given.phone, given.code, request.headers.get("user-agent", ""))
            response = redirect(local_path(given.next))
            response.set_cookie(session_cookie(house, token))
            response.delete_cookie(PHONE_COOKIE, path="/sign-in")
            return response
    phone = mask_phone(str(form.data.get("phone", "")))
    return await page(request, "identity/code.html", form=form, phone=phone, status=form.status)


@post("/sign-out", opt=public(), status_code=200)
async def sign_out(request: Request[Any, Any, Any], house: NamedDependency[House]) -> Redirect:
    """End this browser's session; signing out twice is no error."""
    if token := token_of(request):
        await service.sign_out(house, token)
    response = redirect("/", flash=_("已退出登录"))
    response.delete_cookie(COOKIE)
    return response


@get("/me", opt=in_session())
async def me(request: Request[Any, Any, Any], house: NamedDependency[House]) -> Response[Any]:
    """The places of a person; who has one only goes there at once."""
    person: SignedIn = request.state.person
    places = await service.places_of(house, person.account_id)
    doors = [(place, face) for place in places for face in place.faces if face in FACE_TITLES]
    if len(doors) == 1:
        place, face = doors[0]
        return redirect(f"/t/{place.slug}/{face}")
    shown = [
        (place, [(f"/t/{place.slug}/{face}", *FACE_TITLES[face]) for face in place.faces if face in FACE_TITLES])
        for place in places
    ]
    return await page(request, "identity/me.html", places=shown, person=person)


@post("/locale", opt=public(), status_code=200)
async def choose_locale(request: Request[Any, Any, Any], house: NamedDependency[House]) -> Redirect:
    """Keep the reader's language in a cookie and, when signed in, with the account; then back to the page."""
    sent = await request.form()
    locale = str(sent.get("locale", ""))
    response = redirect(came_from(request))
    if locale in SUPPORTED:
        response.set_cookie(
            LOCALE_COOKIE, locale, max_age=365 * 86_400, httponly=True, samesite="lax", secure=secure(house)
        )
        use_locale(locale)
        person: SignedIn | None = request.state.person
        if person is not None:
            await service.set_locale(house, person.account_id, locale)
    return response


@get("/t/{tenant:str}", opt=access())
async def place_home(request: Request[Any, Any, Any], ctx: NamedDependency[TenantContext]) -> Redirect:
    """An organisation's address alone leads to the member's first face there."""
    faces = [face for face in request.state.faces if face in FACE_TITLES]
    return redirect(f"/t/{ctx.slug}/{faces[0]}" if faces else "/me")


@post("/demo/enter", opt=public(), status_code=200)
async def enter(request: Request[Any, Any, Any], house: NamedDependency[House], phone: FromQuery[str] = "") -> Redirect:
    """Demo mode alone: sign in as a listed persona without a code. Elsewhere this address does not exist."""
    sent = await request.form()
    found = await demo.persona_account(house, str(sent.get("phone") or phone))
    if found is None:
        raise NotFound()
    persona, account = found
    token = await service.open_session(house, account, request.headers.get("user-agent", ""))
    response = redirect(local_path(persona.path))
    response.set_cookie(session_cookie(house, token))
    return response


def address_of(request: Request[Any, Any, Any]) -> str:
    """The network address that asks; behind a proxy, uvicorn's --proxy-headers puts the real one here."""
    return request.client.host if request.client else ""


HANDLERS = (
    landing, ask_phone, send_code, ask_code, check_code, sign_out, me, choose_locale, place_home, enter,
)  # fmt: skip
