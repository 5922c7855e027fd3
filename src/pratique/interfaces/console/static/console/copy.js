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

for (const button of document.querySelectorAll("[data-copies]")) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    if (await copy(document.getElementById(button.dataset.copies))) {
      document.getElementById("announcement").textContent = button.dataset.said;
      button.querySelector("use").setAttribute("href", button.querySelector("use").getAttribute("href").replace("#content_copy", "#check"));
    }
  });
}
