/* Lists of review: choose all safe cases of a page, and see a reason's text as the student reads it. */
"use strict";

for (const all of document.querySelectorAll("[data-checks-all]")) {
  const boxes = [...document.querySelectorAll(`input[name="${all.dataset.checksAll}"]:not([disabled])`)];
  all.hidden = boxes.length < 2;
  all.addEventListener("change", () => boxes.forEach((box) => { box.checked = all.checked; }));
}
for (const field of document.querySelectorAll("[data-previews]")) {
  field.addEventListener("input", () => { document.getElementById(field.dataset.previews).textContent = field.value; });
}
