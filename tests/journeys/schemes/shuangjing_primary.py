"""Shuangjing primary (001#4): free homework care for grades 1 and 2; calligraphy and writing for the others."""

from __future__ import annotations

from tests.journeys.schemes.scene import Refused, Scene, Wrong

ITEMS = [
    {"title": "作业看护", "kind": "homework", "weekdays": [1, 2, 3, 4, 5]},
    {"title": "书法", "kind": "calligraphy", "weekdays": [2, 4]},
]

SCENE = Scene(
    pack="shuangjing-primary",
    plan={"contents.items": ITEMS},
    wrong=(
        Wrong(
            {"contents.items": [*ITEMS, {"title": "合唱社团", "kind": "club", "weekdays": [2]}]},
            "content.kinds",
            "001#4 四（二）",
            "warn",
        ),
    ),
    refused=(Refused({"content": ["sport"]}, "content.kinds", "001#4 四（二）"),),
    fee=300,
    fee_form={"grades": [3, 4, 5, 6]},
    no_fee=Refused({}, "fee.payer", "001#4 四（二）"),
)
