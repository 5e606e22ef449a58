"use strict";
// Dragging a child to another group ticks it, chooses the group and sends the page's own form: nothing that the form
// cannot do without a mouse. Within the page the place is kept.
(() => {
  const board = document.querySelector("[data-drag]");
  const form = board && document.getElementById(board.dataset.drag);
  if (!form) return;
  let dragged = null;
  const column = (event) => event.target.closest("[data-group]");
  const clear = () => board.querySelectorAll(".over").forEach((element) => element.classList.remove("over"));
  board.addEventListener("dragstart", (event) => {
    dragged = event.target.closest("[data-student]");
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", dragged.dataset.student);
    dragged.classList.add("dragged");
  });
  board.addEventListener("dragover", (event) => {
    const target = column(event);
    if (!dragged || !target) return;
    event.preventDefault();
    clear();
    if (!target.contains(dragged)) target.classList.add("over");
  });
  board.addEventListener("dragend", () => {
    clear();
    dragged?.classList.remove("dragged");
    dragged = null;
  });
  board.addEventListener("drop", (event) => {
    const target = column(event);
    if (!dragged || !target || target.contains(dragged)) return;
    event.preventDefault();
    for (const box of document.querySelectorAll('input[name="students"]')) box.checked = false;
    dragged.querySelector('input[name="students"]').checked = true;
    form.elements.group.value = target.dataset.group;
    sessionStorage.setItem("forming-scroll", String(scrollY));
    form.requestSubmit();
  });
  document.addEventListener("submit", () => sessionStorage.setItem("forming-scroll", String(scrollY)));
  const place = sessionStorage.getItem("forming-scroll");
  sessionStorage.removeItem("forming-scroll");
  if (place) scrollTo(0, Number(place));
})();
