"""A school with online payment, and a stand-in that plays Stripe for it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from core.billing.port import PaymentProvider
from core.db.house import House
from deploy.app import build_house
from deploy.standins.stripe import Standin
from plugins.payments_stripe.provider import StripePayments
from tests.integration.payments.till import SECRET, Till
from tests.support import database as databases
from tests.support.world import World


@pytest.fixture
def standin() -> Iterator[Standin]:
    with Standin(secret=SECRET) as running:
        yield running


@pytest.fixture
async def house(database: databases.DatabaseAddresses, tmp_path: object, standin: Standin) -> AsyncIterator[House]:
    built = build_house(
        database.settings(
            data_dir=str(tmp_path),
            stripe_key="sk_test_till",
            stripe_webhook_secret=SECRET,
            stripe_api_base=standin.base,
        )
    )
    # As the factory makes it, but tired of waiting sooner.
    built.services[PaymentProvider] = {
        "payments_stripe": StripePayments("sk_test_till", standin.base, timeout=(5, 4), retries=0)
    }
    yield built
    await built.db.close()


@pytest.fixture
async def till(world: World, standin: Standin) -> Till:
    return Till(world, standin, await world.school())
