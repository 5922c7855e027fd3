/* Copies a value that stands on the page. Without this file it can still be selected: one click selects all of it. */
"use strict";

function select(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = window.getSelection();
  selection.removeAllRanges();
  selection.addRange(range);
}

// Browsers give the clipboard to secure pages alone; elsewhere the old way still works.
async function copy(element) {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    select(element);
    return document.execCommand("copy");
  }
}

function show() {
  for (const button of document.querySelectorAll("[data-copies]")) button.hidden = false;
}

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copies]");
  if (button && await copy(document.getElementById(button.dataset.copies))) {
    document.getElementById("announcement").textContent = button.dataset.said;
    button.querySelector("use").setAttribute("href", button.querySelector("use").getAttribute("href").replace("#content_copy", "#check"));
  }
});
// A part that htmx exchanges brings its buttons along.
document.addEventListener("htmx:after:settle", show);
show();
