"""The page on which the payer pays, in the manner of a Chinese wallet: an amount, a method, and three ways
out."""

from __future__ import annotations

import urllib.parse
from html import escape

from core.base.text import gettext as _
from core.base.text import in_locale
from deploy.standins.stripe import checkout
from deploy.standins.stripe.errors import ApiError
from deploy.standins.stripe.world import Obj, World

NAMES = {"alipay": "支付宝", "wechat_pay": "微信支付", "card": "银行卡"}
MARKS = {"alipay": "#1264e0", "wechat_pay": "#0a7d3c", "card": "#4b5563"}

_STYLE = """
*{box-sizing:border-box}body{margin:0;background:#eef1f5;color:#1b2430;
font:16px/1.6 system-ui,"PingFang SC","Noto Sans CJK SC","Microsoft YaHei",sans-serif}
main{max-width:26rem;margin:0 auto;padding:0 1rem 2rem}
.demo{background:#5b3a00;color:#fff;text-align:center;padding:.4rem 1rem;font-size:.875rem}
.card{background:#fff;border-radius:1rem;padding:1.25rem;margin-top:1rem;box-shadow:0 1px 3px #0002}
h1{font-size:1rem;font-weight:600;margin:0;text-align:center}
.sum{font-size:2.5rem;font-weight:700;text-align:center;margin:.25rem 0;font-variant-numeric:tabular-nums}
dl{margin:1rem 0 0;border-top:1px solid #e2e6ec;padding-top:.75rem}
dl div{display:flex;justify-content:space-between;gap:1rem}dt{color:#4a5565}dd{margin:0;white-space:nowrap}
fieldset{border:0;padding:0;margin:0}legend{font-weight:600;padding:0 0 .25rem}
label{display:flex;align-items:center;gap:.75rem;padding:.75rem 0;border-bottom:1px solid #eef1f5;cursor:pointer}
label:last-child{border:0}input[type=radio]{width:1.25rem;height:1.25rem;margin:0 0 0 auto;accent-color:#1264e0}
.mark{width:1.75rem;height:1.75rem;border-radius:.5rem;color:#fff;display:grid;place-items:center;font-size:.875rem}
button,.btn{display:block;width:100%;min-height:3rem;border-radius:.75rem;font:inherit;font-weight:600;margin-top:.75rem;
border:1px solid #8792a2;background:#fff;color:#1b2430;cursor:pointer;text-align:center;line-height:3rem;padding:0;
text-decoration:none}button.go{background:#1264e0;border-color:#1264e0;color:#fff}
button:focus-visible,.btn:focus-visible,input:focus-visible{outline:3px solid #f5a623;outline-offset:2px}
.note{border-radius:.75rem;padding:.75rem 1rem;margin-top:1rem;background:#fff4e5;color:#5b3a00}
"""


def page(world: World, session_id: str) -> tuple[int, str]:
    """GET /pay/{session}: status and HTML."""
    session = world.objects.get(session_id)
    if session is None or session["object"] != "checkout.session":
        with in_locale("zh_CN"):
            return 404, _document(f'<div class="card"><h1>{_("没有找到这笔付款")}</h1></div>')
    with in_locale(_locale(session)):
        return 200, _document(_body(session))


def act(world: World, session_id: str, form: dict[str, str]) -> tuple[int, str, str | None]:
    """POST /pay/{session}: status, HTML, and where the browser goes next."""
    session = world.objects.get(session_id)
    if session is None or session["object"] != "checkout.session" or session["status"] != "open":
        status, html = page(world, session_id)
        return status, html, None
    action, kind = form.get("action"), form.get("method", "")
    if action == "cancel" and session["cancel_url"]:
        return 303, "", session["cancel_url"]
    with in_locale(_locale(session)):
        if action not in ("succeed", "fail"):
            return 200, _document(_body(session, _("已取消，没有付款。"))), None
        try:
            checkout.pay(world, session, kind, good=action == "succeed")
        except ApiError:
            return 200, _document(_body(session, _("请选择付款方式。"))), None
        if action == "fail":
            return 200, _document(_body(session, _("支付没有成功，没有扣款。可以再试一次，或换一种方式。"))), None
    return 303, "", back_address(session)


def back_address(session: Obj) -> str:
    """The success address with the session's id filled in."""
    return str(session["success_url"]).replace("{CHECKOUT_SESSION_ID}", urllib.parse.quote(session["id"]))


def yuan(session: Obj, fen: int) -> str:
    """The amount with its currency, such as ¥480.00."""
    mark = "¥" if session["currency"] == "cny" else f"{session['currency'].upper()} "
    return f"{mark}{fen // 100:,}.{fen % 100:02d}"


def _locale(session: Obj) -> str:
    return "en" if str(session["locale"] or "").startswith("en") else "zh_CN"


def _body(session: Obj, note: str = "") -> str:
    rows = "".join(
        f"<div><dt>{escape(_described(line))}</dt><dd>{yuan(session, line['amount_total'])}</dd></div>"
        for line in session["__lines"]
    )
    head = (
        f'<div class="card"><h1>{_("应付金额")}</h1><p class="sum">{yuan(session, session["amount_total"])}</p>'
        f"<dl>{rows}</dl></div>"
    )
    if note:
        head += f'<p class="note" role="alert">{escape(note)}</p>'
    if session["status"] == "open":
        return head + _form(session)
    told = _("这笔款已经付清。") if session["status"] == "complete" else _("付款时间已过，请回到原来的页面重新付款。")
    where = back_address(session) if session["status"] == "complete" else session["cancel_url"]
    link = f'<a class="btn" href="{escape(where)}">{_("返回")}</a>' if where else ""
    return f'{head}<p class="note">{told}</p>{link}'


def _described(line: Obj) -> str:
    times = f" × {line['quantity']}" if line["quantity"] > 1 else ""
    return f"{line['description'] or ''}{times}"


def _form(session: Obj) -> str:
    methods = "".join(
        f'<label><span class="mark" style="background:{MARKS[m]}" aria-hidden="true">{_(NAMES[m])[0]}</span>'
        f"<span>{_(NAMES[m])}</span>"
        f'<input type="radio" name="method" value="{m}"{" checked" if n == 0 else ""}></label>'
        for n, m in enumerate(session["payment_method_types"])
    )
    return (
        f'<form method="post"><div class="card"><fieldset><legend>{_("付款方式")}</legend>{methods}</fieldset></div>'
        f'<button class="go" name="action" value="succeed">{_("支付成功")}</button>'
        f'<button name="action" value="fail">{_("支付失败")}</button>'
        f'<button name="action" value="cancel">{_("取消")}</button></form>'
    )


def _document(body: str) -> str:
    # The language attribute follows the words.
    lang = "zh-CN" if _("取消") == "取消" else "en"
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width,initial-scale=1"><title>{_("付款")}</title>'
        f'<link rel="icon" href="data:,"><style>{_STYLE}</style></head><body><header class="demo">'
        f"{_('演示付款页：不会真的扣款')}</header><main>{body}</main></body></html>"
    )
