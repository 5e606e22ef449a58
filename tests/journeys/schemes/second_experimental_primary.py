"""Second Experimental Primary (002#2): paid and voluntary, the class teacher decides, lunch apart."""

from __future__ import annotations

from tests.journeys.schemes.scene import Refused, Scene, Wrong

SCENE = Scene(
    pack="second-experimental-primary",
    filed="review",
    plan={"staffing.voluntary": True},
    wrong=(
        Wrong({"staffing.class_size": 60}, "class.size_max", "002#2 合理编班", "warn"),
        Wrong({"staffing.voluntary": False}, "staff.voluntary", "002#2 二、有偿自愿原则"),
        Wrong({"joining.others_leave": False}, "enrolment.others_leave", "002#2 服务时间"),
    ),
    refused=(Refused({"capacity": 60}, "class.size_max", "002#2 合理编班"),),
    by_school="",
    fee=450,
    no_fee=Refused({"service": "lunch", "fund": "meals", "unit": "meal"}, "lunch.through_school", "002#2 十、经费保障"),
)
