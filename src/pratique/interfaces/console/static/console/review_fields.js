/* Fields that complete what is typed (vaccines, colleagues), by keyboard as ARIA's combobox wants it. */
"use strict";

const sentence = (name, ...values) => {
  let text = document.getElementById("sentences").dataset[name] ?? "";
  for (const value of values) text = text.replace("%s", value);
  return text;
};

let boxes = 0;

class Combo {
  constructor(root, find) {
    this.input = root.querySelector("input:not([type=hidden])");
    this.code = root.querySelector("[data-code]");
    this.find = find;
    this.list = document.createElement("ul");
    this.list.className = "options";
    this.list.id = `options-${(boxes += 1)}`;
    this.list.setAttribute("role", "listbox");
    this.list.setAttribute("aria-label", root.querySelector("label").textContent);
    this.list.hidden = true;
    root.append(this.list);
    for (const [name, value] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id })) this.input.setAttribute(name, value);
    this.input.addEventListener("input", () => { this.code.value = ""; this.look(); });
    this.input.addEventListener("keydown", (event) => this.key(event));
    this.input.addEventListener("blur", () => setTimeout(() => this.close(), 150));
    this.list.addEventListener("mousedown", (event) => event.preventDefault());
    this.list.addEventListener("click", (event) => { const at = event.target.closest("[role=option]"); if (at) this.choose(Number(at.dataset.at)); });
  }

  async look() {
    const text = this.input.value;
    this.waiting = this.find(text);
    let found = [];
    try { found = await this.waiting; } catch { found = []; }
    if (this.input.value !== text || document.activeElement !== this.input) return;
    this.options = found;
    this.at = found.length ? 0 : -1;
    this.list.replaceChildren(...found.map((one, at) => {
      const option = document.createElement("li");
      option.setAttribute("role", "option");
      option.id = `${this.list.id}-${at}`;
      option.dataset.at = at;
      const name = document.createElement("span");
      name.textContent = one.name;
      option.append(name);
      if (one.hint) { const hint = document.createElement("small"); hint.textContent = one.hint; option.append(" ", hint); }
      return option;
    }));
    this.list.hidden = !found.length;
    this.input.setAttribute("aria-expanded", String(found.length > 0));
    document.getElementById("announcement").textContent = !text ? "" : found.length ? sentence("options", found.length) : sentence("noOptions");
    this.mark();
  }

  mark() {
    [...this.list.children].forEach((option, at) => option.setAttribute("aria-selected", String(at === this.at)));
    if (this.at >= 0) { this.input.setAttribute("aria-activedescendant", `${this.list.id}-${this.at}`); this.list.children[this.at].scrollIntoView({ block: "nearest" }); } else this.input.removeAttribute("aria-activedescendant");
  }

  get open() { return !this.list.hidden; }

  close() {
    this.list.hidden = true;
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-activedescendant");
  }

  choose(at) {
    const one = this.options[at];
    this.input.value = one.name;
    this.code.value = one.code;
    this.close();
  }

  key(event) {
    if (event.key === "ArrowDown" && !this.open) { event.preventDefault(); this.look(); return; }
    if (!this.open) return;
    const most = this.options.length;
    if (event.key === "ArrowDown") this.at = (this.at + 1) % most;
    else if (event.key === "ArrowUp") this.at = (this.at + most - 1) % most;
    else if (event.key === "Enter" || event.key === "Tab") { this.choose(this.at); if (event.key === "Enter") event.preventDefault(); return; }
    else if (event.key === "Escape") { this.close(); event.stopPropagation(); event.preventDefault(); return; }
    else return;
    event.preventDefault();
    this.mark();
  }

  /* The code of what stands in the field; a name that was typed in full counts as chosen. */
  async chosen() {
    if (!this.code.value && this.input.value.trim()) {
      const found = await this.find(this.input.value).catch(() => []);
      const same = found.filter((one) => one.name.toLowerCase() === this.input.value.trim().toLowerCase());
      if (same.length === 1) { this.code.value = same[0].code; this.input.value = same[0].name; }
    }
    this.close();
    return this.code.value;
  }
}

/* Make combos of a part of the page; return them by their element. `ask` sends what was typed and returns the answer. */
function completing(root, ask) {
  const colleagues = JSON.parse(document.getElementById("colleagues")?.textContent ?? "[]");
  const plain = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
  const find = {
    products: async (text) => (text.trim() ? (await (await ask(text)).json()).options : []),
    colleagues: async (text) => colleagues.filter((one) => plain(`${one.name} ${one.hint}`).includes(plain(text.trim()))),
  };
  return new Map([...root.querySelectorAll("[data-combo]")].map((one) => [one, new Combo(one, find[one.dataset.combo])]));
}
