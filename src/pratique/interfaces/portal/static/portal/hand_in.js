/* Handing in with scripts: what is typed is saved at once and judged under the field; vaccines are found while one
   types; rows come and go without a new page. Every step works without this file; it only makes it quicker and
   keeps what is typed when the network or the session is gone: in this window only, never beyond it. */
"use strict";

const KEEPER = "hand-in:";
const QUIET = 300; // milliseconds after the last key
const RETRY = 10_000; // milliseconds between attempts while there is no network

const form = document.querySelector("form[data-hand-in]");

/* --- focus ------------------------------------------------------------------------------------------------------- */

function placeFocus() {
  const wanted = document.querySelector("[data-focus]");
  // Whoever types already stays where they are.
  if (wanted && !document.activeElement?.matches("input, select, textarea")) wanted.focus();
}

/* --- kept in this window until it is saved -------------------------------------------------------------------------- */

const storeKey = form ? KEEPER + window.location.pathname : "";

function fields() {
  return [...new FormData(form).entries()].filter(
    ([name, value]) => typeof value === "string" && !["csrfmiddlewaretoken", "seen", "go"].includes(name),
  );
}

function keepHere() {
  try {
    sessionStorage.setItem(storeKey, JSON.stringify(fields()));
  } catch {
    /* A full or forbidden store: the server's copy has to do. */
  }
}

function forgetHere() {
  sessionStorage.removeItem(storeKey);
}

function forgetEverything() {
  for (const key of Object.keys(sessionStorage)) if (key.startsWith(KEEPER)) sessionStorage.removeItem(key);
}

// What was typed before this file had come, which on a weak line takes a while: no event told of it.
function typedEarly() {
  return new Set(
    [...form.elements].filter((field) => {
      if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
      if (field.type === "select-one") {
        const first = [...field.options].find((option) => option.defaultSelected) ?? field.options[0];
        return field.value !== first?.value;
      }
      return field.type !== "hidden" && "defaultValue" in field && field.value !== field.defaultValue;
    }),
  );
}

// `early`: fields that keep what was typed into them just now.
function restore(early) {
  const kept = sessionStorage.getItem(storeKey);
  if (!kept) return false;
  const entries = JSON.parse(kept);
  const rows = entries.filter(([name]) => name === "row").map(([, value]) => value);
  for (const id of rows) if (!rowOf(id)) addRow(id);
  // The empty row that every visit begins with is not a second dose.
  if (rows.length) {
    for (const row of form.querySelectorAll("[data-row]")) {
      if (!rows.includes(row.dataset.row) && isUntouched(row)) row.remove();
    }
    number();
  }
  const ticked = new Set(entries.map(([name, value]) => `${name}=${value}`));
  for (const field of form.elements) {
    // Each row has its own id already; all fields of that name would get the first one's.
    if (!field.name || ["csrfmiddlewaretoken", "seen", "go", "row"].includes(field.name)) continue;
    if (field.type === "checkbox" || field.type === "radio") {
      if (!early.has(field)) field.checked = ticked.has(`${field.name}=${field.value}`);
    } else {
      const found = entries.find(([name]) => name === field.name);
      if (found && found[1] === field.value) early.delete(field);
      else if (found && !early.has(field)) field.value = found[1];
    }
  }
  return true;
}

/* --- saving and judging ------------------------------------------------------------------------------------------- */

let timer = 0;
let asked = 0;
let saving = Promise.resolve();
let leaving = false;
let busy = false;

function say(state) {
  const box = form.querySelector("[data-kept]");
  if (!box) return;
  box.hidden = false;
  box.textContent = box.dataset[state];
  if (state === "signedOut") {
    const link = document.createElement("a");
    link.href = box.dataset.signIn;
    link.textContent = box.dataset.signInWord;
    box.append(" ", link);
  }
}

function changed() {
  keepHere();
  window.clearTimeout(timer);
  timer = window.setTimeout(() => {
    busy = true;
    saving = saving.then(save).finally(() => {
      busy = false;
    });
  }, QUIET);
}

// The network was gone: what is kept here is sent as soon as it is back, without a further key.
function again() {
  window.clearTimeout(timer);
  timer = window.setTimeout(changed, RETRY);
}

async function save() {
  if (leaving) return;
  const turn = ++asked;
  let answer;
  try {
    answer = await fetch(form.dataset.check, {
      method: "POST",
      body: new FormData(form),
      headers: { Accept: "application/json" },
      redirect: "manual",
    });
  } catch {
    say("unsaved");
    again();
    return;
  }
  if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) {
    say("signedOut");
    return;
  }
  if (!answer.ok) {
    say("unsaved");
    return;
  }
  const said = await answer.json();
  const seen = form.querySelector("[data-seen]");
  if (seen) seen.value = said.seen;
  if (turn !== asked) return;
  forgetHere();
  say("saved");
  for (const [name, html] of Object.entries(said.parts)) put(name, html);
}

function put(name, html) {
  const box = form.querySelector(`[data-part="${CSS.escape(name)}"]`);
  // A question that is being answered stays as it is, and nothing is announced twice.
  if (!box || box.contains(document.activeElement)) return;
  const fresh = document.createElement("div");
  fresh.innerHTML = html;
  if (fresh.innerHTML.trim() !== box.innerHTML.trim()) box.replaceChildren(...fresh.childNodes);
}

/* --- rows of doses ------------------------------------------------------------------------------------------------ */

function rowOf(id) {
  return form.querySelector(`[data-row="${CSS.escape(id)}"]`);
}

function addRow(id, like) {
  const blank = form.querySelector("template[data-blank]");
  const list = form.querySelector("[data-rows]");
  if (!blank || !list) return null;
  const holder = document.createElement("ol");
  holder.innerHTML = blank.innerHTML.replaceAll("ROW", id);
  const row = holder.firstElementChild;
  list.append(row);
  if (like) {
    row.querySelector("[data-finder] input").value = like.querySelector("[data-finder] input").value;
    row.querySelector("[data-code]").value = like.querySelector("[data-code]").value;
  }
  number();
  return row;
}

function freshId() {
  return [...crypto.getRandomValues(new Uint8Array(4))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

function isUntouched(row) {
  return [...row.querySelectorAll(".date-row input, .date-row select, .lot input")].every((field) => !field.value);
}

function number() {
  form.querySelectorAll("[data-row]").forEach((row, place) => {
    row.querySelector("[data-number]").textContent = String(place + 1);
  });
}

function onClick(event) {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.matches("[data-add], [data-add-same]")) {
    event.preventDefault();
    const like = button.closest("[data-row]");
    const row = addRow(freshId(), like);
    row.querySelector(like ? "[data-date] input" : "[data-finder] input").focus();
    changed();
  } else if (button.matches("[data-remove]")) {
    event.preventDefault();
    const row = button.closest("[data-row]");
    const next = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    if (!form.querySelector("[data-row]")) addRow(freshId());
    (next ?? form.querySelector("[data-row]")).querySelector("[data-finder] input").focus();
    number();
    changed();
  }
}

/* --- dates: which day is meant --------------------------------------------------------------------------------- */

function onMeant(field) {
  const date = field.closest("[data-row]")?.querySelector("[data-date]") ?? field.closest("[data-date]");
  if (!date) return;
  const [day, year] = date.querySelectorAll(".date-day input, .date-year input");
  day.value = field.dataset.day;
  date.querySelector("select").value = field.dataset.month;
  year.value = field.dataset.year;
  const question = field.closest(".question");
  day.focus();
  question?.remove();
}

function onPicked(field) {
  const row = field.closest("[data-row]");
  row.querySelector("[data-finder] input").value = field.dataset.picks;
  row.querySelector("[data-code]").value = field.value;
  row.querySelector("[data-date] input").focus();
  field.closest(".question")?.remove();
}

/* --- finding a vaccine: a combobox with a list (ARIA 1.2) ---------------------------------------------------------- */

let finding = 0;

function listOf(input) {
  return document.getElementById(input.id.replace(/vaccine$/, "list"));
}

function setUpFinder(input) {
  if (input.hasAttribute("role")) return;
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-expanded", "false");
  input.setAttribute("aria-autocomplete", "list");
  input.setAttribute("aria-controls", listOf(input).id);
}

async function find(input) {
  const turn = ++finding;
  const text = input.value.trim();
  if (text.length < 2) {
    close(input);
    return;
  }
  let found;
  try {
    const answer = await fetch(`${form.dataset.find}?q=${encodeURIComponent(text)}`, { redirect: "manual" });
    if (!answer.ok) return;
    ({ found } = await answer.json());
  } catch {
    return;
  }
  if (turn !== finding || document.activeElement !== input) return;
  const list = listOf(input);
  list.replaceChildren(
    ...found.map((one, place) => {
      const option = document.createElement("li");
      option.id = `${list.id}-${place}`;
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.dataset.code = one.code;
      option.dataset.name = one.name;
      const name = document.createElement("span");
      name.textContent = one.name;
      option.append(name);
      if (one.hint) {
        const hint = document.createElement("span");
        hint.className = "soft small";
        hint.textContent = one.hint;
        option.append(hint);
      }
      return option;
    }),
  );
  list.hidden = found.length === 0;
  input.setAttribute("aria-expanded", String(found.length > 0));
  input.removeAttribute("aria-activedescendant");
}

function close(input) {
  finding += 1;
  const list = listOf(input);
  list.hidden = true;
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
}

function choose(input, option) {
  input.value = option.dataset.name;
  input.closest("[data-row]").querySelector("[data-code]").value = option.dataset.code;
  close(input);
  changed();
}

function move(input, step) {
  const options = [...listOf(input).children];
  if (!options.length) return;
  const here = options.findIndex((one) => one.id === input.getAttribute("aria-activedescendant"));
  const next = options[(here + step + options.length + (here < 0 && step < 0 ? 1 : 0)) % options.length];
  for (const one of options) one.setAttribute("aria-selected", String(one === next));
  input.setAttribute("aria-activedescendant", next.id);
  next.scrollIntoView({ block: "nearest" });
}

function onKey(event) {
  const input = event.target.closest("[data-finder] input");
  if (!input) return;
  const list = listOf(input);
  if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    event.preventDefault();
    if (list.hidden) find(input);
    else move(input, event.key === "ArrowDown" ? 1 : -1);
  } else if (event.key === "Escape" && !list.hidden) {
    event.preventDefault();
    close(input);
  } else if (event.key === "Enter") {
    // Enter never sends the form from here: it takes what is chosen, or the first that fits.
    event.preventDefault();
    const active = document.getElementById(input.getAttribute("aria-activedescendant") ?? "") ?? list.firstElementChild;
    if (!list.hidden && active) choose(input, active);
  }
}

/* --- conditional questions ---------------------------------------------------------------------------------------- */

function answers() {
  const given = {};
  for (const block of form.querySelectorAll("[data-question]")) {
    if (block.hidden) continue;
    const { question, kind } = block.dataset;
    const chosen = [...block.querySelectorAll("input:checked")].map((one) => one.value);
    if (kind === "yes_no" || kind === "consent") given[question] = chosen.length ? chosen[0] === "yes" : undefined;
    else if (kind === "one_of") given[question] = chosen[0];
    else if (kind === "many_of") given[question] = chosen;
    else if (kind === "date") given[question] = block.querySelector(".date-year input").value;
    else given[question] = block.querySelector("input, select, textarea")?.value;
  }
  return given;
}

function holds(condition, given, lists) {
  if (condition.and) return condition.and.every((part) => holds(part, given, lists));
  if (condition.or) return condition.or.some((part) => holds(part, given, lists));
  if (condition.not) return !holds(condition.not, given, lists);
  const answer = given[condition.question];
  if ("equals" in condition) return answer === condition.equals;
  if ("in" in condition) return condition.in.includes(answer);
  if ("in_list" in condition) return (lists[condition.in_list] ?? []).includes(answer);
  if ("has" in condition) return Array.isArray(answer) && answer.includes(condition.has);
  return answer !== undefined && answer !== "" && !(Array.isArray(answer) && !answer.length);
}

function showQuestions() {
  const lists = JSON.parse(document.getElementById("form-lists").textContent);
  // One after the other: a hidden question answers nothing, so what hangs on it hides too.
  for (const block of form.querySelectorAll("[data-show-if]")) {
    block.hidden = !holds(JSON.parse(block.dataset.showIf), answers(), lists);
  }
  for (const section of form.querySelectorAll("[data-section]")) {
    section.hidden = [...section.querySelectorAll("[data-question]")].every((block) => block.hidden);
  }
}

/* --- all together --------------------------------------------------------------------------------------------------- */

function onInput(event) {
  // What was wrong with it is being put right; whether it is right now comes with the verdict.
  event.target.removeAttribute("aria-invalid");
  event.target.classList.remove("usa-input--error");
  const input = event.target.closest("[data-finder] input");
  if (input) {
    input.closest("[data-row]").querySelector("[data-code]").value = "";
    setUpFinder(input);
    window.clearTimeout(onInput.timer);
    onInput.timer = window.setTimeout(() => find(input), 120);
  }
  if (form.hasAttribute("data-questions")) showQuestions();
  changed();
}

function onChange(event) {
  if (event.target.matches("[data-day]")) onMeant(event.target);
  if (event.target.matches("[data-picks]")) onPicked(event.target);
  changed();
}

// The server tells windows apart by what each has seen of the draft: a save that is on its way comes first.
function onSubmit(event) {
  window.clearTimeout(timer);
  if (busy) {
    event.preventDefault();
    const { submitter } = event;
    saving.then(() => form.requestSubmit(submitter));
    return;
  }
  leaving = true;
}

function setUp() {
  form.addEventListener("click", onClick);
  form.addEventListener("keydown", onKey);
  form.addEventListener("input", onInput);
  form.addEventListener("change", onChange);
  form.addEventListener("focusin", (event) => {
    const input = event.target.closest("[data-finder] input");
    if (input) setUpFinder(input);
  });
  form.addEventListener("focusout", (event) => {
    const input = event.target.closest("[data-finder] input");
    if (input) close(input);
  });
  form.addEventListener("pointerdown", (event) => {
    const option = event.target.closest("[role=option]");
    if (!option) return;
    event.preventDefault(); // the field keeps the focus
    choose(option.closest("[data-finder]").querySelector("input"), option);
  });
  form.addEventListener("submit", onSubmit);
  window.addEventListener("online", () => {
    if (sessionStorage.getItem(storeKey)) changed();
  });
  window.addEventListener("pageshow", () => {
    leaving = false;
  });
  for (const part of form.querySelectorAll("[data-without-script]")) part.hidden = true;
  if (form.querySelector("[data-rows]")) number();
  const early = typedEarly();
  if (restore(early)) changed();
  for (const field of early) field.dispatchEvent(new Event("input", { bubbles: true }));
  if (form.hasAttribute("data-questions")) showQuestions();
}

// Another page of ours was reached: what was typed on the one before has arrived.
function forgetOthers() {
  for (const key of Object.keys(sessionStorage)) {
    if (key.startsWith(KEEPER) && key !== storeKey) sessionStorage.removeItem(key);
  }
}

document.addEventListener("DOMContentLoaded", () => {
  forgetOthers();
  placeFocus();
  document.querySelector("form[action$='/logout/']")?.addEventListener("submit", forgetEverything);
  if (form) setUp();
});
