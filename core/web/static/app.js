"use strict";
// Everything here is an improvement: each page works without it.
(() => {
  const style = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const box = () => document.getElementById("toasts");

  // ---- toasts
  const say = (key) => {
    const where = box();
    const text = where?.dataset[key];
    if (!text || [...where.children].some((shown) => shown.textContent === text)) return;
    const toast = document.createElement("div");
    toast.className = "toast-x";
    toast.textContent = text;
    where.append(toast);
  };
  document.addEventListener("animationend", (event) => {
    if (event.animationName === "leave") event.target.remove();
  });
  addEventListener("offline", () => say("offline"));
  addEventListener("online", () => say("online"));
  document.addEventListener("htmx:error", () => say("offline"));
  document.addEventListener("htmx:response:error", (event) => {
    const status = event.detail?.ctx?.response?.status ?? 500;
    if (status !== 422) say(status < 500 ? "refused" : "failed");
  });

  // ---- forms: one press is one deed; offline keeps what was typed
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || event.defaultPrevented) return;
    if (!navigator.onLine) {
      event.preventDefault();
      say("offline");
      return;
    }
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    // After the browser has read the pressed button's value, or it would be lost.
    setTimeout(() => {
      for (const button of [...form.elements, ...document.querySelectorAll(`button[form="${form.id}"]`)]) {
        if (button.type === "submit") button.setAttribute("aria-disabled", "true");
      }
    });
  });
  const release = () => {
    for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
    for (const button of document.querySelectorAll("button[aria-disabled]")) button.removeAttribute("aria-disabled");
  };
  addEventListener("pageshow", release); // also when the page comes back from the browser's memory
  document.addEventListener("htmx:finally:request", release);

  // ---- menus close on a press elsewhere and on Escape
  document.addEventListener("click", (event) => {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      menu.open = false;
      menu.querySelector("summary").focus();
    }
    if (location.hash === "#menu") {
      location.hash = "main";
      document.querySelector(".side-open")?.focus();
    }
  });

  // ---- charts: options come as JSON; "var(--token)" is a colour, "@name" a formatter
  const yuan = (fen) => "¥" + (fen / 100).toLocaleString(undefined, { maximumFractionDigits: 2 });
  const wan = (fen) => (Math.abs(fen) >= 1e6 ? (fen / 1e6).toFixed(1) + " 万" : yuan(fen));
  const formatters = {
    "@percent": (value) => value + "%",
    "@yuan": yuan,
    "@wan": wan,
    "@integer": (value) => Number(value).toLocaleString(),
  };
  const dress = (value) => {
    if (Array.isArray(value)) return value.map(dress);
    if (value && typeof value === "object") {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, dress(item)]));
    }
    if (typeof value === "string") {
      const token = value.match(/^var\((--[a-z0-9-]+)\)$/);
      return token ? style(token[1]) : formatters[value] ?? value;
    }
    return value;
  };
  const quiet = matchMedia("(prefers-reduced-motion: reduce)");
  const charts = () => {
    if (!window.echarts) return;
    for (const element of document.querySelectorAll("[data-chart]:not([data-ready])")) {
      const options = dress(JSON.parse(document.getElementById(element.dataset.chart).textContent));
      const chart = echarts.init(element, null, { renderer: "svg" });
      chart.setOption({
        textStyle: { fontFamily: style("--font"), color: style("--c-ink-2") },
        animation: !quiet.matches,
        ...options,
      });
      new ResizeObserver(() => chart.resize()).observe(element);
      element.dataset.ready = "";
    }
  };

  // ---- a form that is waiting its turn asks again by itself; without JavaScript a press does it
  const askAgain = () => {
    const form = document.querySelector("form[data-again]");
    if (form) setTimeout(() => form.requestSubmit(), 1000 * Number(form.dataset.again));
  };

  const start = () => {
    charts();
    askAgain();
    document.querySelector("[data-focus]")?.focus();
  };
  document.addEventListener("DOMContentLoaded", start);
  document.addEventListener("htmx:after:swap", start);
})();
