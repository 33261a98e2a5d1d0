// A wake as a waterfall: what took how long, from the query or packet to the guest's first byte.

import { element, milliseconds } from "/text.js";

const PHASES = [
  ["admitted", "room found"],
  ["built", "built"],
  ["unpaused", "unpaused"],
  ["ready", "ready"],
  ["handed_over", "packets handed over", "handed"],
  ["first_byte", "first byte", "byte"],
];

export function legend(into) {
  for (const [name, text, colour] of PHASES) into.append(element("i", colour ?? name, text), " ");
}

export function total(wake) {
  return Math.max(0, ...Object.values(wake.after_ms).filter((value) => value !== null));
}

// "2 queries waited, the first 350 ms".
function waiting(wake) {
  const count = (number, word, many) => (number ? [`${number.toLocaleString("en")} ${number === 1 ? word : many}`] : []);
  const who = [...count(wake.queries, "query", "queries"), ...count(wake.packets, "packet", "packets")].join(" and ");
  return who && `${who} waited${wake.first_waited_ms === null ? "" : `, the first ${milliseconds(wake.first_waited_ms)}`}`;
}

// longest: milliseconds that fill the width.
export function bar(wake, longest, withName) {
  const item = element("li");
  const said = item.appendChild(element("div", "said"));
  if (withName) said.append(element("b", "", wake.service));
  const why = wake.query_type ? `${wake.why} ${wake.query_type}` : wake.why;
  said.append(element("span", "", [why, wake.how].filter(Boolean).join(", ")));
  if (wake.failure) said.append(element("span", "wrong", wake.what || wake.failure));
  said.append(element("span", "", `${new Date(wake.asked_at).toLocaleTimeString()}  ${milliseconds(total(wake))}`));
  const track = item.appendChild(element("div", "track"));
  const steps = [];
  let from = 0;
  const add = (name, to, text) => {
    if (to === null || to === undefined || to < from) return;
    const part = track.appendChild(element("i", name));
    part.style.transform = `translateX(${(100 * from) / longest}%) scaleX(${Math.max(0.002, (to - from) / longest)})`;
    steps.push(`${text} ${milliseconds(to - from)}`);
    from = to;
  };
  for (const [name, text, colour] of PHASES) add(colour ?? name, wake.after_ms[name], text);
  add("broken", wake.after_ms.failed, "failed after");
  track.title = [...steps, waiting(wake)].filter(Boolean).join("\n");
  track.setAttribute("role", "img");
  track.setAttribute("aria-label", steps.join(", ") || "no phase is over");
  if (!withName && waiting(wake)) item.append(element("div", "waited", waiting(wake)));
  return item;
}

export function key(wake) {
  return `${wake.asked_at} ${wake.number}`;
}

// The newest first.
export function bars(into, wakes, withName) {
  const longest = Math.max(1, ...wakes.map(total));
  into.replaceChildren(...wakes.map((wake) => bar(wake, longest, withName)));
}
