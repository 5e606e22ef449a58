"""Sign-in as JSON: a code to the phone, a token for the code, and who the token's holder is."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from pydantic import ValidationError

from core.base.errors import Invalid
from core.db.house import House
from core.db.resolve import SignedIn
from core.identity import service
from core.identity.pages import address_of
from core.identity.schemas import AskCode, GiveCode
from core.web.access import in_session, public, token_of
from core.web.messages import field_errors


async def _body(request: Request[Any, Any, Any], model: Any) -> Any:
    """The JSON body as `model`. Raises Invalid, naming each wrong field."""
    try:
        return model.model_validate_json(await request.body())
    except ValidationError as error:
        raise Invalid(fields=field_errors(model, error)) from error


@post("/api/sign-in/codes", opt=public(), status_code=202)
async def post_code(request: Request[Any, Any, Any], house: NamedDependency[House]) -> dict[str, Any]:
    """{"phone"} → a code is on its way, if the phone is known; the answer does not say."""
    asked: AskCode = await _body(request, AskCode)
    await service.request_code(house, asked.phone, address_of(request))
    return {"valid_minutes": service.CODE_MINUTES}


@post("/api/sign-in", opt=public(), status_code=200)
async def post_sign_in(request: Request[Any, Any, Any], house: NamedDependency[House]) -> dict[str, Any]:
    """{"phone", "code"} → {"token"}: to be sent as `Authorization: Bearer`."""
    given: GiveCode = await _body(request, GiveCode)
    token = await service.sign_in(house, given.phone, given.code, request.headers.get("user-agent", ""))
    return {"token": token, "valid_days": service.SESSION_DAYS}


@post("/api/sign-out", opt=in_session(), status_code=204)
async def post_sign_out(request: Request[Any, Any, Any], house: NamedDependency[House]) -> None:
    """End the session of the token that came with the request."""
    await service.sign_out(house, token_of(request) or "")


@get("/api/me", opt=in_session())
async def get_me(request: Request[Any, Any, Any], house: NamedDependency[House]) -> Response[dict[str, Any]]:
    """Name and places of the token's holder."""
    person: SignedIn = request.state.person
    places = await service.places_of(house, person.account_id)
    listed = [{"slug": p.slug, "name": p.name, "kind": p.kind, "faces": list(p.faces)} for p in places]
    return Response({"name": person.name, "locale": person.locale, "places": listed})


HANDLERS = (post_code, post_sign_in, post_sign_out, get_me)
