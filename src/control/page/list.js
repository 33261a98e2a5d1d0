// A list of any length: only the rows that can be seen exist.

import { element } from "/text.js";

export class List {
  // fill(row, item): writes an item's values into a row's cells. open(item): it was chosen.
  constructor(box, rows, cells, fill, open) {
    Object.assign(this, { box, rows, fill, open, cells, items: [], made: new Map(), chosen: null });
    box.addEventListener("scroll", () => this.later());
    new ResizeObserver(() => { this.height = 0; this.draw(); }).observe(box);
    rows.addEventListener("click", (event) => {
      const row = event.target.closest(".row");
      if (row) this.choose(row.item, true);
    });
    box.addEventListener("keydown", (event) => this.key(event));
  }

  show(items) {
    this.items = items;
    this.draw();
  }

  later() {
    if (this.planned) return;
    this.planned = requestAnimationFrame(() => { this.planned = 0; this.draw(); });
  }

  draw() {
    this.height ||= parseFloat(getComputedStyle(this.rows).getPropertyValue("--row")) *
      parseFloat(getComputedStyle(document.documentElement).fontSize);
    this.rows.style.height = `${this.items.length * this.height}px`;
    const spare = 8;
    const first = Math.max(0, Math.floor(this.box.scrollTop / this.height) - spare);
    const last = Math.min(this.items.length,
                          Math.ceil((this.box.scrollTop + this.box.clientHeight) / this.height) + spare);
    for (const [index, row] of this.made) {
      if (index >= first && index < last) continue;
      row.remove();
      this.made.delete(index);
    }
    for (let index = first; index < last; ++index) this.row(index);
    this.box.setAttribute("aria-activedescendant", this.made.get(this.items.indexOf(this.chosen))?.id ?? "");
  }

  row(index) {
    let row = this.made.get(index);
    if (!row) {
      row = element("div");
      row.id = `row-${index}`;
      row.setAttribute("role", "option");
      row.style.transform = `translateY(${index * this.height}px)`;
      row.parts = this.cells.map((name) => row.appendChild(element("span", name)));
      this.made.set(index, row);
      this.rows.append(row);
    } else {
      row.style.transform = `translateY(${index * this.height}px)`;
    }
    row.item = this.items[index];
    row.setAttribute("aria-selected", row.item === this.chosen);
    row.setAttribute("aria-posinset", index + 1);
    row.setAttribute("aria-setsize", this.items.length);
    this.fill(row, row.item);
  }

  choose(item, opened) {
    this.chosen = item;
    const top = this.items.indexOf(item) * this.height;
    if (top < this.box.scrollTop) this.box.scrollTop = top;
    if (top + this.height > this.box.scrollTop + this.box.clientHeight)
      this.box.scrollTop = top + this.height - this.box.clientHeight;
    this.draw();
    if (opened) this.open(item);
  }

  key(event) {
    const page = Math.max(1, Math.floor(this.box.clientHeight / this.height) - 1);
    const last = this.items.length - 1;
    const at = this.items.indexOf(this.chosen);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: last }[event.key];
    if (event.key === "Enter" && this.chosen) this.open(this.chosen);
    else if (to !== undefined && last >= 0) this.choose(this.items[Math.min(last, Math.max(0, to))], false);
    else return;
    event.preventDefault();
  }
}
