"""The catalogue of every rule key the platform knows."""

from __future__ import annotations

from typing import Final

from core.policy.catalogue import Catalogue
from core.policy.rules_care import CARE
from core.policy.rules_money import MONEY
from core.policy.rules_people import PEOPLE
from core.policy.rules_service import SERVICE

CATALOGUE: Final = Catalogue((*SERVICE, *PEOPLE, *MONEY, *CARE))
