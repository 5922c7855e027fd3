/* Building a report, and choosing a schedule's columns: find a column by its name, and draw chosen ones to another
   place. The server does the rest, and all of it without this file: what the buttons do, it does. */
"use strict";

// A list that somebody has opened stays open when the form is drawn again.
htmx.config.morphIgnore.push("open");

const form = document.getElementById("builder") ?? document.getElementById("schedule-form");

function find(text) {
  const box = document.getElementById("more-columns");
  if (!box) return;
  const words = text.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  let found = 0;
  for (const section of box.querySelectorAll(".more-section")) {
    const name = section.querySelector("h3").textContent.toLocaleLowerCase();
    let here = 0;
    for (const line of section.querySelectorAll("li")) {
      const says = `${line.textContent} ${name}`.toLocaleLowerCase();
      line.hidden = !words.every((word) => says.includes(word));
      if (!line.hidden) here += 1;
    }
    section.hidden = here === 0;
    found += here;
  }
  box.querySelector("[data-finds-nothing]").hidden = found > 0;
}

function setUp() {
  for (const part of document.querySelectorAll("[data-needs-script], .grip")) part.hidden = false;
  const field = document.getElementById("find-column");
  if (field) find(field.value);
}

// Looking for a column is nobody's news but ours, and Enter there must not send the form.
form.addEventListener("input", (event) => {
  if (event.target.id !== "find-column") return;
  event.stopPropagation();
  find(event.target.value);
});
form.addEventListener("change", (event) => { if (event.target.id === "find-column") event.stopPropagation(); }, true);
form.addEventListener("keydown", (event) => {
  if (event.target.id === "find-column" && event.key === "Enter") {
    event.preventDefault();
    form.querySelector("#more-columns li:not([hidden]) button")?.focus();
  }
});
form.addEventListener("click", (event) => {
  if (event.target.closest("[aria-disabled='true']")) event.preventDefault();
});

let moved = null;

form.addEventListener("dragstart", (event) => {
  if (!event.target.closest?.(".grip")) return;
  moved = event.target.closest("[data-moved]");
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setDragImage(moved, 0, 0);
  moved.classList.add("moving");
});
form.addEventListener("dragover", (event) => {
  const over = moved && event.target.closest("[data-moved]");
  if (!over) return;
  event.preventDefault();
  const { top, height } = over.getBoundingClientRect();
  if (over !== moved) over[event.clientY < top + height / 2 ? "before" : "after"](moved);
});
form.addEventListener("drop", (event) => { if (moved) event.preventDefault(); });
form.addEventListener("dragend", () => {
  if (!moved) return;
  moved.classList.remove("moving");
  moved = null;
  // The order of the fields is the order of the columns.
  form.dispatchEvent(new Event("change", { bubbles: true }));
});

document.addEventListener("htmx:after:settle", setUp);
setUp();
