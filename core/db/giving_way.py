"""Whose turn it is in a web process: a crowd that asks for one thing gives way to everybody else.

While a rush lasts, hundreds of its requests are ready at any moment, and a page of another school would wait behind all
of them at each of its steps. So the crowd is answered in small portions: one after another while anybody else waits for
an answer, larger ones while nobody does.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from core.db.house import House

PORTION: Final = 8
"""Answers in one turn of the loop while nobody else waits; one while somebody does."""
PAUSE: Final = 0.001
"""Seconds that the crowd then leaves to the others after each answer; a loop measures no less."""


class Others:
    """The requests of everybody else that one process is answering. Ask `others_of(house)` for it."""

    def __init__(self) -> None:
        self.waiting = 0
        self._given = 0

    def came(self) -> None:
        """A request of somebody else has come; `answered` is called once when its answer begins, or fails."""
        self.waiting += 1

    def answered(self) -> None:
        self.waiting -= 1

    async def give_way(self) -> None:
        """Called by the crowd after each of its answers."""
        self._given += 1
        if self.waiting:
            await asyncio.sleep(PAUSE)
        elif self._given % PORTION == 0:
            await asyncio.sleep(0)


def others_of(house: House) -> Others:
    """This process's; made when first asked for."""
    others = house.services.get(Others)
    if not isinstance(others, Others):
        others = house.services[Others] = Others()
    return others
