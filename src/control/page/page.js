// The live page: reads what there is once, and then follows the events. What has been missed is read
// again as a whole.

import { List } from "/list.js";
import { Order, Sums } from "/order.js";
import { duration, element, hours, kind, memory } from "/text.js";
import { bars, key, legend } from "/wakes.js";

const MOST_WAKES = 50;
const KINDS = { all: "All", up: "Up", waking: "Waking", failed: "Failed", asleep: "Asleep", pinned: "Pinned" };

const $ = (id) => document.getElementById(id);
const services = new Map();
const order = new Order();  // of those that are searched for
const sums = new Sums();  // over all services
const moved = new Set();  // services that stand otherwise since they were drawn; null among them: all
let wakes = [];
let status = null;
let shift = 0;  // of the daemon's clock to this one, ms
let filter = "all";
let shown = null;  // the name of the service in the details

const now = () => Date.now() + shift;
const since = (time) => (now() - Date.parse(time)) / 1000;
const time = (service) => (service.since ? duration(since(service.since)) : "");

// -- Services

function putAway(service) {
  if (service.pinned) return service.pinned_until ? `pinned, ${duration(-since(service.pinned_until))}` : "pinned";
  if (service.refused_until) return `tries in ${duration(-since(service.refused_until))}`;
  return service.idle_at ? `in ${duration(-since(service.idle_at))}` : "";
}

function reason(service) {
  if (service.failure) return service.failure;
  if (service.waiting_since) return `client waits ${duration(since(service.waiting_since))}`;
  const standby = service.standby_wanted ? `${service.standby ?? 0} of ${service.standby_wanted} standby` : "";
  return [service.domid === null ? "" : `for ${service.why ?? "an earlier run"}`, standby].filter(Boolean).join(", ");
}

function two(cell, first, second) {
  if (cell.first !== first || cell.second !== second) {
    cell.replaceChildren(first, element("small", "", second));
    cell.first = first;
    cell.second = second;
  }
}

function fill(row, service) {
  row.className = `row ${kind(service)}`;
  const [name, state, age, size, away] = row.parts;
  two(name, service.name, service.names.join(" "));
  two(state, service.state, reason(service));
  age.textContent = time(service);
  size.textContent = service.memory_kib ? memory(service.memory_kib) : "";
  away.textContent = putAway(service);
}

const list = new List($("list"), $("rows"), ["name", "state", "age", "size", "away"], fill, open);

const words = () => $("search").querySelector("input").value.toLowerCase().split(/\s+/).filter(Boolean);

function matches(service, words) {
  if (filter === "pinned" ? !service.pinned : filter !== "all" && kind(service) !== filter) return false;
  return words.every((word) => service.text.includes(word));
}

function remember(service) {
  service.text = [service.name, ...service.names, ...service.addresses, service.state].join(" ").toLowerCase();
  const before = services.get(service.name);
  const now = before ? Object.assign(before, service) : service;
  services.set(service.name, now);
  sums.count(now);
  moved.add(now);
}

// Of ten thousand services a few change at a time: only these find their places anew.
function showServices() {
  const wanted = words();
  if (moved.has(null))
    order.reset([...services.values()].filter((service) => matches(service, wanted)));
  else
    for (const service of moved) order.place(service, matches(service, wanted));
  moved.clear();
  list.show(order.items);
  $("none").hidden = order.items.length > 0 || !status;
  for (const button of $("filters").children) {
    const count = button.value === "all" ? services.size : sums[button.value];
    button.textContent = `${KINDS[button.value]} ${count.toLocaleString("en")}`;
    button.setAttribute("aria-pressed", button.value === filter);
  }
}

// -- Summary

function figure(id, text, unit, more) {
  $(id).replaceChildren(text, " ", element("small", "", unit));
  $(`${id}-more`).textContent = more;
}

function showTiles() {
  const { domains, running, standby, copies } = sums;
  const { shells = 0 } = status?.domains ?? {};
  const beside = [[copies, "standby"], [shells, "shells"]].filter(([count]) => count)
    .map(([count, what]) => `${count.toLocaleString("en")} ${what}`).join(", ");
  figure("up", domains.toLocaleString("en"), `of ${services.size.toLocaleString("en")}`,
         beside ? `${beside} beside` : "domains, by their services");
  const waits = [...sums.waiting].sort((a, b) => (a.waiting_since < b.waiting_since ? -1 : 1));
  figure("waiting", waits.length.toLocaleString("en"), waits.length === 1 ? "service" : "services",
         waits.length ? `${waits[0].name} for ${duration(since(waits[0].waiting_since))}` : "nobody waits for a domain");
  const limit = status?.memory.limit_kib;
  const waits_kib = standby + (status?.memory.shells_kib ?? 0);
  figure("memory", memory(running + waits_kib), limit ? `of ${memory(limit)}` : "",
         waits_kib ? `${memory(waits_kib)} of it standby` : "of running domains");
  const saved = status?.saved;
  if (saved)
    figure("saved", hours(saved.kib_hours / 1048576), "GiB hours",
           `${hours(saved.domain_hours)} domain hours not run since ${new Date(saved.since).toLocaleString()}`);
}

function showNotice() {
  const texts = [];
  if (status?.vmm.state === "down") texts.push("vmm is down: nothing is woken or put away; what is up is answered for.");
  if (status?.drained) texts.push("Drained: nothing new is woken. `summonctl undrain` ends that.");
  if (status?.pressure?.length)
    texts.push(`Under pressure (${status.pressure.join(", ")}): only clients that have shown their address wake services.`);
  if (status && ["refused", "failed"].includes(status.load.result))
    texts.push(`The configuration was not taken over:\n${status.load.problems.slice(0, 10).join("\n")}`);
  $("notice").textContent = texts.join("\n");
  $("notice").hidden = texts.length === 0;
  $("roles").textContent = (status?.roles ?? [])
    .map((role) => `${role.role} ${role.state}${role.restarts ? `, restarted ${role.restarts}×` : ""}`).join(" · ");
}

// -- Wakes

function addWake(wake) {
  const same = wakes.findIndex((each) => key(each) === key(wake));
  if (same >= 0) wakes[same] = wake;
  else wakes.unshift(wake);
  wakes.length = Math.min(wakes.length, 1000);
}

function showWakes() {
  bars($("bars"), wakes.slice(0, MOST_WAKES), true);
  $("no-wakes").hidden = wakes.length > 0;
}

// -- Details

function facts(service) {
  return {
    "State": [service.state, reason(service)].filter(Boolean).join(", "),
    "Since": service.since && `${new Date(service.since).toLocaleString()} (${time(service)})`,
    "Put away": putAway(service),
    "Names": service.names.join(", "),
    "Addresses": service.addresses.join(", "),
    "Domain": service.domid === null ? "" : `${service.domid}, ${memory(service.memory_kib)}`,
    "Configured": memory(service.configured_kib),
    "Standby": service.standby_wanted ? `${service.standby ?? 0} of ${service.standby_wanted}, ${memory(service.standby_kib ?? 0)}` : "",
    "Wakes": service.wakes,
  };
}

function showDetails() {
  const service = services.get(shown);
  if (!service) return;
  $("details-title").textContent = service.name;
  $("facts").replaceChildren(...Object.entries(facts(service)).filter(([, value]) => value || value === 0)
    .flatMap(([name, value]) => [element("dt", "", name), element("dd", "", value)]));
  bars($("its-bars"), wakes.filter((wake) => wake.service === shown).slice(0, 10), false);
}

function open(service) {
  shown = service.name;
  showDetails();
  $("details").showModal();
}

// -- What changes

let planned = 0;
function changed(drawn) {
  if (drawn) requestAnimationFrame(() => requestAnimationFrame(drawn));
  planned ||= requestAnimationFrame(() => {
    planned = 0;
    showServices();
    showTiles();
    showNotice();
    if ($("details").open) showDetails();
  });
}

// Another question: all services are looked at.
function searched() {
  $("list").scrollTop = 0;
  moved.add(null);
  changed();
}

async function read(path) {
  const answer = await fetch(path);
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
  return answer.json();
}

async function readAll() {
  const [state, found, history] = await Promise.all(
    [read("/v1/status"), read("/v1/services"), read(`/v1/wakes?last=${MOST_WAKES}`)]);
  status = state;
  shift = Date.parse(state.now) - Date.now();
  const there = new Set(found.services.map((service) => service.name));
  for (const [name, service] of services) {
    if (there.has(name)) continue;
    services.delete(name);
    sums.forget(service);
  }
  found.services.forEach(remember);
  moved.add(null);
  wakes = history.wakes;
  showWakes();
  changed(() => performance.mark("services"));  // scripts/bench control
}

async function readStatus() {
  status = await read("/v1/status");
  changed();
}

function say(text, className) {
  $("link").textContent = text;
  $("link").className = className;
}

function follow() {
  const events = new EventSource("/v1/events?last=0");
  const on = (type, act) => events.addEventListener(type, (event) => act(JSON.parse(event.data)));
  const anew = () => readAll().then(() => say(`live, version ${status.version}`, "live"), () => say("no answer", "lost"));
  events.onopen = anew;
  events.onerror = () => say("connection lost, trying again", "lost");
  on("service", (service) => { remember(service); changed(); });
  on("wake", (wake) => { addWake(wake); showWakes(); changed(); });
  for (const type of ["role", "vmm", "host"]) on(type, () => readStatus().catch(() => {}));
  on("load", (load) => (load.result === "under way" ? 0 : anew()));
  on("lagged", anew);
}

for (const value of Object.keys(KINDS)) {
  const button = $("filters").appendChild(element("button", "", KINDS[value]));
  button.value = value;
  button.addEventListener("click", () => { filter = value; searched(); });
}
$("search").addEventListener("input", searched);
// The browser gives the focus back to what had it. Whoever has moved it since keeps it.
$("details").addEventListener("close", () => {
  if (document.activeElement === document.body) $("list").focus();
});
document.addEventListener("keydown", (event) => {
  const input = $("search").querySelector("input");
  if (event.key === "/" && event.target !== input) {
    event.preventDefault();
    input.focus();
  } else if (event.key === "Escape" && event.target === input) {
    input.value = "";
    $("list").focus();
    searched();
  } else if (event.key === "ArrowDown" && event.target === input) {
    event.preventDefault();
    $("list").focus();
    list.key(event);
  }
});
legend($("legend"));
// Ages and what is left of them.
setInterval(() => changed(), 1000);
setInterval(() => readStatus().catch(() => {}), 30000);
follow();
