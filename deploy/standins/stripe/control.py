"""What a person or a test may do behind the API: move the clock, let payments succeed, break things, look."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from deploy.standins.stripe import checkout, money, payments, refunds
from deploy.standins.stripe.errors import ApiError
from deploy.standins.stripe.faults import Fault
from deploy.standins.stripe.world import Obj

if TYPE_CHECKING:
    from deploy.standins.stripe.server import Standin


class Control:
    """Answers `/_control/…`: GET state and events; POST with a JSON body for everything else."""

    def __init__(self, standin: Standin) -> None:
        self.standin = standin
        self.world = standin.world
        self._acts: dict[tuple[str, str], Callable[[str, dict[str, Any]], Any]] = {
            ("payment_intents", "succeed"): self._intent_succeeds,
            ("payment_intents", "fail"): self._intent_fails,
            ("checkout", "pay"): lambda i, b: checkout.pay(self.world, self._get(i), b.get("type", "alipay")),
            ("checkout", "fail"): lambda i, b: checkout.pay(
                self.world, self._get(i), b.get("type", "alipay"), good=False
            ),
            ("refunds", "succeed"): lambda i, b: refunds.settle(self.world, self._get(i), True),
            ("refunds", "fail"): lambda i, b: refunds.settle(self.world, self._get(i), False),
            ("charges", "dispute"): lambda i, b: refunds.dispute(self.world, self._get(i)),
            ("disputes", "close"): lambda i, b: refunds.close_dispute(self.world, self._get(i), bool(b["won"])),
        }

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, Any]:
        """Status and JSON."""
        parts = path.removeprefix("/_control/").strip("/").split("/")
        try:
            if method == "GET":
                return 200, self._look(parts[0])
            if len(parts) == 3 and parts[0] == "events" and parts[2] == "deliver":
                return 200, {"status": self.standin.courier.deliver(self._get(parts[1]))}
            with self.world.lock:
                found = self._act(parts, body)
                self.world.save()
                return 200, self.world.public(found) if isinstance(found, dict) and "object" in found else found
        except ApiError as exc:
            return exc.status, exc.body
        except (KeyError, TypeError, ValueError) as exc:
            return 400, {"error": {"message": f"{type(exc).__name__}: {exc}"}}

    def _act(self, parts: list[str], body: dict[str, Any]) -> Any:
        if len(parts) == 3:
            return self._acts[parts[0], parts[2]](parts[1], body)
        what = parts[0]
        if what == "faults":
            self.standin.faults.arm(Fault(**body)) if body else self.standin.faults.clear()
        elif what == "clock":
            self.world.advance(float(body["advance"]))
            self.standin.api.expire_due()
        elif what == "webhooks":
            self._point(body)
        elif what == "payouts":
            return money.pay_out(self.world, body.get("account"))
        elif what == "reset":
            self.world.reset()
        else:
            raise KeyError(what)
        return self._look("state")

    def _look(self, what: str) -> Any:
        with self.world.lock:
            if what == "events":
                events = [o for o in self.world.objects.values() if o["object"] == "event"]
                return [self.world.public(e) for e in events]
            if what != "state":
                raise KeyError(what)
            counts: dict[str, int] = {}
            for found in self.world.objects.values():
                counts[found["object"]] = counts.get(found["object"], 0) + 1
            courier = self.standin.courier
            return {
                "now": self.world.now(),
                "objects": counts,
                "webhook": {"url": courier.url, "held": courier.held, "waiting": courier.waiting()},
                "faults": [{"kind": f.kind, "path": f.path, "times": f.times} for f in self.standin.faults.armed],
            }

    def _point(self, body: dict[str, Any]) -> None:
        courier = self.standin.courier
        courier.url = body.get("url", courier.url)
        courier.secret = body.get("secret", courier.secret)
        courier.hold(bool(body.get("hold", False)))

    def _intent_succeeds(self, id_: str, body: dict[str, Any]) -> Obj:
        intent = self._get(id_)
        return payments.succeed(self.world, intent, body.get("type") or intent.get("__kind") or "alipay")

    def _intent_fails(self, id_: str, body: dict[str, Any]) -> Obj:
        return payments.fail(
            self.world, self._get(id_), "payment_intent_payment_attempt_failed", "The payer did not authorise it."
        )

    def _get(self, id_: str) -> Obj:
        found = self.world.objects.get(id_)
        if found is None:
            raise KeyError(id_)
        return found
