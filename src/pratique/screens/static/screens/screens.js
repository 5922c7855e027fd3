/* The little that pages do by themselves: fold the navigation, announce results, keep focus. htmx does the rest.
   Every page works without this file; it only makes it quicker. */
"use strict";

const narrow = window.matchMedia("(max-width: 1023px)");

function setUpMenu() {
  const button = document.querySelector("[data-toggles]");
  if (!button) return;
  const menu = document.getElementById(button.dataset.toggles);
  const show = (open) => {
    button.hidden = !narrow.matches;
    button.setAttribute("aria-expanded", String(open));
    menu.classList.toggle("folded", narrow.matches && !open);
  };
  button.addEventListener("click", () => show(button.getAttribute("aria-expanded") !== "true"));
  narrow.addEventListener("change", () => show(false));
  show(false);
}

// A menu made of <details> closes on Escape and on a click elsewhere.
function closeMenus(event) {
  for (const menu of document.querySelectorAll("details[data-closes][open]")) {
    if (event.type === "keydown" && event.key === "Escape") {
      const inside = menu.contains(document.activeElement);
      menu.open = false;
      if (inside) menu.querySelector("summary").focus();
    } else if (event.type === "click" && !menu.contains(event.target)) {
      menu.open = false;
    }
  }
}

function announce(root) {
  const said = root.querySelector?.("[data-announce]");
  const box = document.getElementById("announcement");
  const text = said?.textContent.trim();
  if (text && box.textContent !== text) box.textContent = text;
}

// On a phone the filters would push the result out of sight: they start folded, unless one of them is wrong.
function foldOnPhones() {
  for (const part of document.querySelectorAll("details[data-folds-narrow]")) {
    if (narrow.matches && !part.querySelector("[aria-invalid]")) part.open = false;
  }
}

document.addEventListener("DOMContentLoaded", setUpMenu);
document.addEventListener("DOMContentLoaded", foldOnPhones);
document.addEventListener("keydown", closeMenus);
document.addEventListener("click", closeMenus);

// Addresses stay short: a field that is empty filters nothing and is not named.
document.addEventListener("htmx:config:request", (event) => {
  const { sourceElement, request } = event.detail.ctx;
  if (!sourceElement.matches("[data-drops-empty]")) return;
  for (const [name, value] of [...request.body.entries()]) if (value === "") request.body.delete(name);
});

// An error is a page of its own: go there, rather than put it into the middle of this one.
document.addEventListener("htmx:before:response", (event) => {
  const { response, request } = event.detail.ctx;
  if (response.status >= 400 && request.method === "GET") {
    event.preventDefault();
    window.location.assign(request.action);
  }
});

let focusWasInside = false;

document.addEventListener("htmx:before:swap", (event) => {
  const { target } = event.detail.ctx;
  focusWasInside = target !== document.activeElement && target.contains(document.activeElement);
});

document.addEventListener("htmx:after:settle", (event) => {
  const fresh = document.getElementById(event.target.id) ?? event.target;
  announce(fresh);
  // What had the focus is gone: stay at the place that changed, not at the top of the page.
  if (focusWasInside && document.activeElement === document.body && fresh.matches?.("[tabindex]")) {
    fresh.focus({ preventScroll: true });
  }
});

// Column mapping: the first values of the column that is chosen.
document.addEventListener("change", (event) => {
  if (!event.target.matches("[data-samples] select")) return;
  const shown = document.querySelector(`[data-shows="${event.target.id}"]`);
  if (shown) shown.textContent = event.target.selectedOptions[0].dataset.values ?? "";
});
