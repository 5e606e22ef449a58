"""What goes back to a family for lessons not held: never more than it paid, and nothing twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.billing.refunds import back


@pytest.mark.req("R-374")
@given(data=st.data(), charged=st.integers(1, 10_000_000))
def test_what_was_given_back_is_not_owed_again(data: st.DataObject, charged: int) -> None:
    owed = data.draw(st.integers(0, charged), "owed after reductions")
    earned = data.draw(st.integers(0, charged), "earned")
    gone = data.draw(st.integers(0, owed), "given back")
    now = back(owed, charged, earned, gone)
    assert 0 <= now <= owed - gone
    assert back(owed, charged, earned, gone + now) == 0
    assert gone + now >= owed * (charged - earned) / charged - 1e-6, "rounded in the family's favour"
    assert back(owed, charged, charged, 0) == 0 and back(owed, charged, 0, 0) == owed
