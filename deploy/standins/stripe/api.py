"""The API by method and path: lists, single objects, what may be created, and idempotency keys."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deploy.standins.stripe import checkout, money, payments, refunds
from deploy.standins.stripe.errors import ApiError, invalid
from deploy.standins.stripe.params import checked
from deploy.standins.stripe.world import API_VERSION, Obj, World

LISTED = {
    "accounts": "account",
    "balance_transactions": "balance_transaction",
    "charges": "charge",
    "checkout/sessions": "checkout.session",
    "customers": "customer",
    "disputes": "dispute",
    "events": "event",
    "payment_intents": "payment_intent",
    "payouts": "payout",
    "refunds": "refund",
}
FILTERS = ("charge", "currency", "customer", "email", "payment_intent", "source", "status", "type")
_NO_METHOD_TYPES = ("payment_intents", "checkout/sessions")


@dataclass(frozen=True, slots=True)
class Call:
    """One request as the API sees it; `params` are decoded and unchecked."""

    method: str
    path: str
    params: dict[str, Any]
    authorization: str
    account: str | None = None
    key: str | None = None
    version: str | None = None


class Api:
    """Answers calls over one world. `base` is the address under which the hosted page is reached."""

    def __init__(self, world: World, base: str) -> None:
        self.world = world
        self.base = base
        self._posts: dict[str, Callable[..., Obj]] = {
            "customers": payments.create_customer,
            "customers/:id": payments.update_customer,
            "accounts": payments.create_account,
            "payment_intents": payments.create_intent,
            "payment_intents/:id": payments.update_intent,
            "payment_intents/:id/confirm": payments.confirm,
            "payment_intents/:id/cancel": payments.cancel,
            "refunds": refunds.create_refund,
            "checkout/sessions": self._create_session,
            "checkout/sessions/:id/expire": checkout.expire,
            "payouts": money.create_payout,
        }

    def answer(self, call: Call) -> tuple[int, Obj, dict[str, str]]:
        """Status, body and further headers. Whatever changed is saved before this returns."""
        fingerprint = hashlib.sha256(
            json.dumps([call.method, call.path, call.params], sort_keys=True).encode()
        ).hexdigest()
        with self.world.lock:
            key = call.key if call.method == "POST" else None
            known = self.world.answer(call.account, key) if key else None
            if known:
                if known[0] != fingerprint:
                    text = (
                        "Keys for idempotent requests can only be used with the parameters they were first used with."
                    )
                    return 400, ApiError(400, "idempotency_error", text).body, {}
                return known[1], known[2], {"Idempotent-Replayed": "true"}
            kept = True
            try:
                status, body = 200, self._run(call)
            except ApiError as exc:
                status, body, kept = exc.status, exc.body, exc.kept
            if key and kept:
                self.world.remember(call.account, key, fingerprint, status, body)
            self.world.save()
            return status, body, {}

    def _run(self, call: Call) -> Obj:
        if not call.authorization.startswith("Bearer sk_test_"):
            text = "Invalid API Key provided (the stand-in takes test keys only: sk_test_…)."
            raise ApiError(401, "invalid_request_error", text, "api_key_invalid", kept=False)
        if call.version not in (None, API_VERSION):
            raise invalid(f"The stand-in plays API version {API_VERSION} only.", "invalid_api_version", kept=False)
        if call.account and call.account not in self.world.objects:
            text = f"The provided key does not have access to account '{call.account}' (or it does not exist)."
            raise ApiError(403, "invalid_request_error", text, "account_invalid", kept=False)
        self.expire_due()
        head, rest = _split(call.path)
        params = dict(call.params)
        expand = params.pop("expand", [])
        expand = expand if isinstance(expand, list) else [expand]
        if call.method == "GET":
            return self._read(call, head, rest, params, expand)
        route = "/".join([head, *(":id" if n == 0 else part for n, part in enumerate(rest))])
        act = self._posts.get(route)
        if call.method != "POST" or act is None:
            raise self._unknown(call)
        if head in _NO_METHOD_TYPES and "payment_method_types" in params:
            code = "payment_method_types_no_longer_supported"
            raise invalid("payment_method_types is no longer supported.", code, "payment_method_types", kept=False)
        values = checked(route, params)
        return self.world.public(act(self.world, call.account, values, *rest[:1]), expand)

    def _read(self, call: Call, head: str, rest: list[str], params: dict[str, Any], expand: list[str]) -> Obj:
        if head == "balance" and not rest:
            return money.balance(self.world, call.account)
        if head == "account" and not rest:
            return {"id": "acct_standin", "object": "account", "country": "HK", "default_currency": "hkd"}
        if head not in LISTED or len(rest) > 2 or (len(rest) == 2 and rest[1] != "line_items"):
            raise self._unknown(call)
        kind = LISTED[head]
        if rest:
            found = self.world.find(rest[0], None if kind == "account" else call.account, kind)
            if len(rest) == 1:
                return self.world.public(found, expand)
            return _page(self.world, found["__lines"], params, expand, call.path)
        rows = list(self.world.all(kind, call.account))
        for name in FILTERS:
            if name in params:
                rows = [r for r in rows if r.get(name) == params[name]]
        if "payout" in params:
            rows = [r for r in rows if r.get("__payout") == params["payout"]]
        if "types" in params:
            rows = [r for r in rows if r["type"] in params["types"]]
        return _page(self.world, [r for r in rows if _created(r, params.get("created"))], params, expand, call.path)

    def expire_due(self) -> None:
        """Close the sessions whose time has come by the stand-in's clock."""
        for found in list(self.world.objects.values()):
            if (
                found["object"] == "checkout.session"
                and found["status"] == "open"
                and found["expires_at"] <= self.world.now()
            ):
                checkout.run_out(self.world, found)

    def _create_session(self, world: World, account: str | None, params: dict[str, Any]) -> Obj:
        return checkout.create_session(world, account, params, self.base)

    @staticmethod
    def _unknown(call: Call) -> ApiError:
        text = f"Unrecognized request URL ({call.method}: {call.path}); the stand-in may not play it."
        return ApiError(404, "invalid_request_error", text, kept=False)


def _split(path: str) -> tuple[str, list[str]]:
    parts = path.removeprefix("/v1/").strip("/").split("/")
    size = 2 if parts[0] == "checkout" else 1
    return "/".join(parts[:size]), parts[size:]


def _created(row: Obj, asked: Any) -> bool:
    if asked is None:
        return True
    if not isinstance(asked, dict):
        return bool(row["created"] == int(asked))
    tests: dict[str, Callable[[int, int], bool]] = {
        "gte": lambda a, b: a >= b,
        "gt": lambda a, b: a > b,
        "lte": lambda a, b: a <= b,
        "lt": lambda a, b: a < b,
    }
    return all(tests[op](row["created"], int(value)) for op, value in asked.items() if op in tests)


def _page(world: World, rows: list[Obj], params: dict[str, Any], expand: list[str], path: str) -> Obj:
    limit = str(params.get("limit", "10"))
    if not limit.isdigit() or not 1 <= int(limit) <= 100:
        raise invalid("This value must be between 1 and 100.", param="limit")
    ids = [r["id"] for r in rows]
    cursor = params.get("starting_after") or params.get("ending_before")
    if cursor and cursor not in ids:
        raise invalid(f"No such object: '{cursor}'", "resource_missing", "starting_after")
    if params.get("starting_after"):
        rows = rows[ids.index(cursor) + 1 :]
    more = len(rows) > int(limit)
    if params.get("ending_before"):
        rows = rows[: ids.index(cursor)]
        more = len(rows) > int(limit)
        rows = rows[-int(limit) :]
    below = [e.removeprefix("data.") for e in expand]
    data = [world.public(r, below) for r in rows[: int(limit)]]
    return {"object": "list", "url": path, "has_more": more, "data": data}
