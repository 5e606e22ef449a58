"""Steps 6 and 7 of the story: hardship, the term's bills, paying online, the receipt, books that balance."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
import tempfile
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from core.base import clock
from deploy.walkthrough.browser import Browser, Failed
from deploy.walkthrough.play import Play, Step, page_until, until
from deploy.walkthrough.steps_family import wishes


def relief(play: Play) -> str:
    """The guardian asks in private; finance grants; nobody else may even look."""
    guardian, finance = play.as_("guardian"), play.as_("finance")
    name = play["child"].name
    page = guardian.get(f"{play['home']}/relief")
    asked = {"ground": "low_income", "words": "家庭经济困难", "evidence": "低保证 3411-2026"}
    guardian.send(page, page.form("/home/relief", has="ground"), asked).see("已提交")
    play.as_("class_teacher").get(f"{play['desk']}/relief", 403)
    play.as_("office").get(f"{play['desk']}/relief", 403)
    page = finance.get(f"{play['desk']}/relief")
    page.see(name)
    link = next(href for href, words in page.links if "/desk/relief/" in href and name in words)
    page = finance.get(link)
    form = page.form("/decide")
    play["relief_percent"] = int(form.first("percent") or 0)
    finance.send(page, form, {"verdict": "grant", "answer": "按规定减免"}).see("已同意")
    guardian.get(f"{play['home']}/relief").see("已同意")
    return f"{play['relief_percent']}% off what the school charges"


def billed(play: Play) -> str:
    """The worker makes the bills, with progress; each line can be computed by hand; pressing twice makes none twice."""
    finance, guardian = play.as_("finance"), play.as_("guardian")
    for _ in range(2):
        page = finance.get(f"{play['desk']}/billing")
        page = finance.send(page, page.form("/billing/runs"))
        page.see("已生成账单")
        until(partial(_finished, finance, f"/api{page.path}"), 60, "the billing run")
    bills = finance.api("GET", f"/api{play['desk']}/billing/bills")["bills"]
    mine = [bill for bill in bills if bill["student"] == play["child"].name]
    if len(mine) != 1:
        raise Failed(f"one bill for one child and one term was expected: {mine}")
    expected, lines = _expected(play)
    amount = int(mine[0]["due_fen"])
    if amount != expected:
        raise Failed(f"the bill says {amount} fen, by hand it is {expected}: {lines}")
    page = guardian.get(f"{play['home']}/bills")
    page.see(play["child"].name, "待缴")
    play["bill"], play["amount"] = page.link("/home/bills/"), amount
    guardian.get(play["bill"]).see("减免", "少儿书法社", "基础托管")
    return f"¥{amount / 100:g} as computed by hand ({lines}); run twice, one bill"


def _finished(finance: Browser, run: str) -> bool:
    return bool(finance.api("GET", run)["finished"])


def _expected(play: Play) -> tuple[int, str]:
    """The bill by hand, from today to the end of the term: (fen, how)."""
    prices = play["prices"]
    held = {"少儿书法社": "club", "基础托管": "care", "营养午餐": "lunch"}
    days = {**wishes(play), "少儿书法社": play["club_days"]}
    counts = {title: len(_days(play, days[title])) for title in held}
    fen = {title: counts[title] * round(float(prices[key].yuan) * 100) for title, key in held.items()}
    charged = fen["少儿书法社"] + fen["基础托管"]
    off = charged * play["relief_percent"] // 100
    insurance = round(float(prices["insurance"].yuan) * 100)
    return sum(fen.values()) + insurance - off, f"{counts}, relief {off}"


def _days(play: Play, weekdays: list[int]) -> list[date]:
    term, today = play["term"], clock.today()
    span = [today + timedelta(days=n) for n in range((term.ends_on - today).days + 1)]
    runs = {day: play["runs"] if day == today else day.isoweekday() for day in span}
    return [day for day in span if runs[day] in weekdays]


def paid(play: Play) -> str:
    """She pays on the provider's page; the outcome comes by webhook and by asking; a forged webhook is refused."""
    guardian = play.as_("guardian")
    page = guardian.get(play["bill"])
    page = guardian.send(page, page.form("/pay"))
    if urlsplit(page.url).netloc == urlsplit(play.url).netloc:
        raise Failed(f"the provider's page was expected, not {page.url}: {page.text[:200]}")
    page.see(f"{play['amount'] / 100:.2f}")
    form = page.form(has="method")
    method = next(value for value, _ in form.choices["method"])
    page = guardian.send(page, form, {"method": method}, button="succeed")
    page_until(guardian, play["bill"], 30, "已缴费")
    headers = {"stripe-signature": "t=1,v1=00"}
    forged = httpx.post(f"{play.url}/hooks/stripe", content=b"{}", headers=headers, timeout=20)
    if forged.status_code != 400:
        raise Failed(f"a forged webhook was answered with {forged.status_code}")
    again = guardian.get(play["bill"])
    if any(form.action.endswith("/pay") for form in again.forms):
        raise Failed("a paid bill can be paid again")
    return f"¥{play['amount'] / 100:g} by {method}; a forged webhook is refused; it cannot be paid twice"


def receipt(play: Play) -> str:
    """The receipt as a PDF in Chinese, and what its QR code leads to for anybody."""
    guardian = play.as_("guardian")
    (given,) = guardian.api("GET", f"/api{play['home']}/receipts")["receipts"]
    if given["amount_fen"] != play["amount"]:
        raise Failed(f"the receipt says {given['amount_fen']} fen, not {play['amount']}")
    page = guardian.get(f"{play['home']}/receipts")
    page.see(given["number"])
    paper = guardian.raw(page.link("/pdf")).content
    if not paper.startswith(b"%PDF"):
        raise Failed("the receipt is no PDF")
    anybody = Browser(play.url, "anybody")
    check = urlsplit(given["verify_url"]).path
    anybody.get(check).see(given["number"])
    anybody.get(check[:-4] + "AAAA", 404)
    anybody.close()
    return f"{given['number']}, {len(paper) // 1024} kB, verified by anybody; a wrong code is not"


def books(play: Play) -> str:
    """Every fund leaves as a beancount file; where bean-check is installed, it finds nothing wrong."""
    finance = play.as_("finance")
    page = finance.get(f"{play['desk']}/statement")
    page.see("费用减免", "预收款")
    texts = {
        fund: finance.raw(f"{play['desk']}/statement/books?fund={fund}").text for fund in ("service", "meals", "agency")
    }
    if not all("balance" in text or "open" in text for text in texts.values()):
        raise Failed("the books hold no accounts")
    if importlib.util.find_spec("beancount") is None:
        return f"{len(texts)} funds exported (bean-check is not installed here)"
    for fund, text in texts.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"{fund}.beancount"
            path.write_text(text, encoding="utf-8")
            command = [sys.executable, "-m", "beancount.scripts.check", str(path)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=120)  # noqa: S603 - our own file
        if done.returncode:
            raise Failed(f"bean-check refuses {fund}: {(done.stdout + done.stderr)[:400]}")
    return f"{len(texts)} funds accepted by bean-check"


STEPS: list[Step] = [
    ("6.1 hardship relief granted", relief),
    ("6.2 bills made by a worker", billed),
    ("7.1 paid online", paid),
    ("7.2 receipt and its check", receipt),
    ("7.3 the books balance", books),
]
