"""Invented people, the same for the same seed: pupils with guardians, teachers, classes.

Names are random pairings of common surnames and given-name characters. Phones begin with 199 and count up; ID numbers
inside roll numbers use an area code (99….) that no place has, so that none can be a real child's.
"""

from __future__ import annotations

import datetime as dt
import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

_SURNAMES: Final = (
    "王李张刘陈杨黄赵周吴徐孙马朱胡郭何林高罗郑梁谢宋唐许韩邓冯曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔"
    "钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
_DOUBLE: Final = ("欧阳", "上官", "司徒", "诸葛", "夏侯", "皇甫", "令狐", "慕容")
_BOYS: Final = "轩宇浩泽睿航辰博文俊杰子铭昊天明远志诚嘉恒毅承逸凡景行云帆一诺乐安奕皓然思齐君立言知行鸿煜霖越川"
_GIRLS: Final = "欣怡梓涵诗雨佳琪可馨雅静思语嫣然若曦婉清妍芷晴悦心怡然舒窈安琪语桐晓月书瑶一诺念慈静姝云汐知夏沐"
_ADULT: Final = "伟强磊军勇杰涛明超鹏辉刚平波斌凯丽娟敏静艳芳霞玲燕萍红梅莉琴倩颖慧婷雪洁琳建国志华文海春秀英晓东"
_RARE: Final = ("喆", "堃", "龑", "䶮", "𬭎", "𫖯", "𪟝", "犇")
_GIVEN_WEST: Final = (
    "阿依古丽",
    "帕提曼",
    "艾力",
    "麦麦提",
    "古丽娜尔",
    "吐尔逊",
    "努尔艾力",
    "热依汗",
    "巴哈尔",
    "凯赛尔",
)
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_GRADES: Final = "一二三四五六七八九"


@dataclass(frozen=True, slots=True)
class Grown:
    """An adult of a family; `relation` as written in a roster (父亲, 祖母 …)."""

    name: str
    phone: str
    relation: str


@dataclass(frozen=True, slots=True)
class Child:
    """A pupil. `grade` 1–9; `class_number` from 1; `gender` 男 or 女."""

    roll_number: str
    school_number: str
    name: str
    gender: str
    grade: int
    class_number: int
    guardians: tuple[Grown, ...]
    pickups: tuple[Grown, ...] = ()
    note: str = ""

    @property
    def grade_name(self) -> str:
        """三年级."""
        return f"{_GRADES[self.grade - 1]}年级"

    @property
    def class_name(self) -> str:
        """三年级2班."""
        return f"{self.grade_name}{self.class_number}班"


@dataclass(frozen=True, slots=True)
class Teacher:
    """A member of staff; `posts` as written in a roster; `homeroom` (grade, class number)."""

    staff_number: str
    name: str
    phone: str
    posts: tuple[str, ...]
    homeroom: tuple[int, int] | None = None

    @property
    def homeroom_name(self) -> str:
        """三年级2班, or empty."""
        return f"{_GRADES[self.homeroom[0] - 1]}年级{self.homeroom[1]}班" if self.homeroom else ""


@dataclass(frozen=True, slots=True)
class School:
    """A whole school; `classes` as (grade, class number, room)."""

    children: tuple[Child, ...]
    teachers: tuple[Teacher, ...]
    classes: tuple[tuple[int, int, str], ...]


class _Invention:
    """Draws people one after another; phones and roll numbers never repeat within a seed."""

    def __init__(self, seed: int, school_year: int) -> None:
        self.random = random.Random(f"kehou-{seed}")  # noqa: S311 repeatable, not secret
        self.seed = seed
        self.school_year = school_year
        self._phones = 0
        self._rolls: set[str] = set()

    def phone(self) -> str:
        """199, three digits of the seed, five that count up."""
        self._phones += 1
        return f"199{self.seed % 1000:03d}{self._phones:05d}"

    def surname(self) -> str:
        """One of the common ones, the commonest more often."""
        if self.random.random() < 0.01:
            return self.random.choice(_DOUBLE)
        place = min(int(self.random.expovariate(1 / 25)), len(_SURNAMES) - 1)
        return _SURNAMES[place]

    def given(self, characters: str) -> str:
        """One or two characters."""
        count = 1 if self.random.random() < 0.15 else 2
        return "".join(self.random.choice(characters) for _ in range(count))

    def child_name(self, surname: str, gender: str) -> str:
        """Mostly surname and given name; some with a rare character."""
        if self.random.random() < 0.01:
            return surname + self.random.choice(_RARE)
        return surname + self.given(_BOYS if gender == "男" else _GIRLS)

    def roll_number(self, grade: int, gender: str) -> str:
        """``G`` + an ID number with a right check digit, born in the years of the grade."""
        while True:
            first_day = dt.date(self.school_year - 6 - grade, 9, 1)
            born = first_day + dt.timedelta(days=self.random.randrange(365))
            serial = self.random.randrange(500) * 2 + (1 if gender == "男" else 0)
            first = f"99{self.seed % 10_000:04d}{born:%Y%m%d}{serial:03d}"
            total = sum(int(digit) * weight for digit, weight in zip(first, _WEIGHTS, strict=True))
            number = f"G{first}{'10X98765432'[total % 11]}"
            if number not in self._rolls:
                self._rolls.add(number)
                return number


def _family(draw: _Invention, surname: str, west: bool) -> tuple[tuple[Grown, ...], tuple[Grown, ...]]:
    """Guardians and those who fetch the child."""
    chance = draw.random

    def grown(relation: str, family_name: str) -> Grown:
        name = "·".join(chance.sample(_GIVEN_WEST, 2)) if west else family_name + draw.given(_ADULT)
        return Grown(name, draw.phone(), relation)

    mother, father = grown("母亲", draw.surname()), grown("父亲", surname)
    kind = chance.random()
    guardians: tuple[Grown, ...]
    if kind < 0.7:
        guardians = (mother, father) if chance.random() < 0.6 else (father, mother)
    elif kind < 0.95:
        guardians = (mother,) if chance.random() < 0.7 else (father,)
    else:
        guardians = (grown(chance.choice(("祖父", "祖母", "外祖母")), surname),)
    pickups = (grown(chance.choice(("祖母", "祖父", "外祖父", "外祖母")), surname),) if chance.random() < 0.25 else ()
    return guardians, pickups


def _classes(count: int, grades: Sequence[int], size: int) -> Iterator[tuple[int, int, str]]:
    each = max(1, math.ceil(count / len(grades) / size))
    for grade in grades:
        for number in range(1, each + 1):
            yield grade, number, f"教学楼 {grade}{number:02d}"


def _children(draw: _Invention, count: int, classes: Sequence[tuple[int, int, str]]) -> Iterator[Child]:
    taken: set[tuple[str, int, int]] = set()
    earlier: list[Child] = []
    serials: dict[tuple[int, int], int] = {}
    for place in range(count):
        grade, number, _ = classes[place * len(classes) // count]
        gender = "男" if draw.random.random() < 0.52 else "女"
        sibling = draw.random.choice(earlier) if earlier and draw.random.random() < 0.07 else None
        west = "·" in sibling.name if sibling else draw.random.random() < 0.02
        surname = sibling.name[: 2 if sibling.name[:2] in _DOUBLE else 1] if sibling and not west else draw.surname()
        while True:
            name = "·".join(draw.random.sample(_GIVEN_WEST, 2)) if west else draw.child_name(surname, gender)
            if (name, grade, number) not in taken:
                break
        taken.add((name, grade, number))
        guardians, pickups = (sibling.guardians, sibling.pickups) if sibling else _family(draw, surname, west)
        serial = serials[grade, number] = serials.get((grade, number), 0) + 1
        child = Child(
            draw.roll_number(grade, gender),
            f"{draw.school_year - grade + 1}{number:02d}{serial:02d}",
            name,
            gender,
            grade,
            number,
            guardians,
            pickups,
        )
        earlier.append(child)
        yield child


def _teachers(
    draw: _Invention, classes: Sequence[tuple[int, int, str]], children: Sequence[Child]
) -> Iterator[Teacher]:
    def teacher(posts: tuple[str, ...], homeroom: tuple[int, int] | None = None) -> Teacher:
        serials.append(len(serials) + 1)
        name = draw.surname() + draw.given(_ADULT)
        return Teacher(f"T{serials[-1]:04d}", name, draw.phone(), posts, homeroom)

    serials: list[int] = []
    yield teacher(("校长",))
    yield teacher(("校领导",))
    yield teacher(("教务员",))
    yield teacher(("财务",))
    yield teacher(("安全员",))
    for grade in sorted({grade for grade, _, _ in classes}):
        yield teacher(("年级组长", "任课教师"))
        for number in (number for g, number, _ in classes if g == grade):
            yield teacher(("班主任", "任课教师"), (grade, number))
            yield teacher(("任课教师",))
    # A teacher whose own child is at the school has one phone and two roles.
    if children:
        parent = children[len(children) // 2].guardians[0]
        yield replace(teacher(("任课教师",)), name=parent.name, phone=parent.phone)


def make_school(
    count: int = 1200,
    seed: int = 1,
    *,
    grades: Sequence[int] = (1, 2, 3, 4, 5, 6),
    class_size: int = 40,
    school_year: int = 2026,
) -> School:
    """A school of `count` pupils. Schools of other seeds (below 1,000) share no phone and no roll number."""
    draw = _Invention(seed, school_year)
    classes = tuple(_classes(count, grades, class_size))
    children = tuple(_children(draw, count, classes))
    return School(children, tuple(_teachers(draw, classes, children)), classes)
