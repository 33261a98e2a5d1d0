// Services in the order in which they are shown, and what there is of all of them: both kept as
// services change, one at a time.

import { kind } from "/text.js";

const RANK = { failed: 0, waking: 1, up: 2, asleep: 3 };

export class Order {
  items = [];
  #ranks = new Map();  // of each item, as it was placed

  reset(items) {
    this.items = items;
    this.#ranks = new Map(items.map((item) => [item, RANK[kind(item)]]));
    items.sort((a, b) => this.#compare(a, this.#ranks.get(b), b.name));
  }

  // shown: whether it is one of them.
  place(item, shown) {
    if (this.#ranks.has(item)) {
      this.items.splice(this.#find(this.#ranks.get(item), item.name), 1);
      this.#ranks.delete(item);
    }
    if (!shown) return;
    const rank = RANK[kind(item)];
    this.items.splice(this.#find(rank, item.name), 0, item);
    this.#ranks.set(item, rank);
  }

  #compare(item, rank, name) {
    return this.#ranks.get(item) - rank || (item.name < name ? -1 : item.name > name ? 1 : 0);
  }

  // The first that does not stand before it.
  #find(rank, name) {
    let low = 0, high = this.items.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#compare(this.items[middle], rank, name) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export class Sums {
  up = 0; waking = 0; failed = 0; asleep = 0; pinned = 0;  // services
  domains = 0; running = 0; standby = 0; copies = 0;  // running and standby in KiB
  waiting = new Set();  // services that somebody waits for
  #counted = new Map();  // what each service has added

  count(service) {
    this.forget(service);
    const part = {
      [kind(service)]: 1,
      pinned: service.pinned ? 1 : 0,
      domains: service.domid !== null && kind(service) !== "asleep" ? 1 : 0,
      running: service.memory_kib ?? 0,
      standby: service.standby_kib ?? 0,
      copies: service.standby ?? 0,
    };
    this.#add(part, 1);
    this.#counted.set(service, part);
    if (service.waiting_since) this.waiting.add(service);
  }

  forget(service) {
    const part = this.#counted.get(service);
    if (part) this.#add(part, -1);
    this.#counted.delete(service);
    this.waiting.delete(service);
  }

  #add(part, times) {
    for (const [name, value] of Object.entries(part)) this[name] += times * value;
  }
}
