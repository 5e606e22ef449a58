"use strict";
// The register counts while the thumb moves, and 其余全到 fills the rest in without a journey. Works without this file.
(() => {
  const form = document.querySelector("form[data-roll]");
  if (!form) return;
  const children = [...form.querySelectorAll("[data-child]")];
  const left = document.querySelector("[data-left]");
  const fill = form.querySelector("[data-fill]");
  const count = () => {
    const sums = { present: 0, leave: 0, absent: 0 };
    let open = 0;
    for (const child of children) {
      const chosen = child.querySelector("input[type=radio]:checked");
      if (chosen) sums[chosen.value] += 1;
      else open += 1;
      child.classList.toggle("todo-x", !chosen);
    }
    for (const [mark, n] of Object.entries(sums)) form.querySelector(`[data-count=${mark}]`).textContent = n;
    if (left) left.textContent = open ? left.dataset.some.replace("{n}", open) : left.dataset.none;
    if (fill) fill.hidden = open === 0;
  };
  form.addEventListener("change", count);
  fill?.addEventListener("click", (event) => {
    event.preventDefault();
    for (const child of children) {
      if (!child.querySelector("input[type=radio]:checked")) child.querySelector("input[value=present]").checked = true;
    }
    count();
  });
  count();
})();
