// Keeps a page as it is on the server: hears of changes by Server-Sent Events, fetches the page anew and puts in what differs.
import { offerActs } from "./acts.js";

const SILENT_AFTER_MS = 12_000; // a beat comes every five seconds
const AT_MOST_EVERY_MS = 500; // with what comes before and after it, a change is on the screen within a second
const SOON_MS = 150; // changes that belong together come within it
const body = document.body;
const refreshMs = Number(body.dataset.refresh) * 1_000;
const lost = document.getElementById("lost");
const announcement = document.getElementById("announcement");
let newestCheck = null;
let heardAt = Date.now();
let fetchedAt = Date.now();
let changedAt = Date.now(); // when the last change was heard of that is to be seen
let waiting = null;
let wasSilent = false;
let losses = 0;
const since = new Date().toLocaleString();
let statuses = statusesOf(document);
let ahead = aheadOf(document); // by how much the clock here is ahead of the server's: ages are by the server's

function statusesOf(root) {
  return new Map([...root.querySelectorAll("[data-status]")].map((row) => [row.dataset.name, row.dataset.status]));
}

function aheadOf(root) {
  const made = root.querySelector(".foot time");
  return made ? Date.now() - Date.parse(made.dateTime) : 0;
}

function changed() {
  changedAt = Date.now();
  soon();
}

function soon(delay = SOON_MS) {
  if (waiting !== null) return;
  const rest = Math.max(delay, fetchedAt + AT_MOST_EVERY_MS - Date.now());
  waiting = setTimeout(bringUpToDate, rest);
}

async function bringUpToDate() {
  try {
    const age = Math.min(1, Math.floor((Date.now() - changedAt) / 1_000)); // what others were sent since then will do
    const answer = await fetch(location.href, { headers: { Accept: "text/html", "Cache-Control": `max-age=${age}` } });
    if (answer.ok) take(new DOMParser().parseFromString(await answer.text(), "text/html"));
  } catch {
    // the connection is lost: the stream says so, and comes again by itself
  } finally {
    fetchedAt = Date.now();
    waiting = null;
  }
}

// The server's page is the only one that knows how things look: what has a key is replaced where it differs.
function take(fresh) {
  document.title = fresh.title;
  const icon = document.querySelector("link[rel=icon]");
  const wanted = fresh.querySelector("link[rel=icon]");
  if (icon.getAttribute("href") !== wanted.getAttribute("href")) icon.replaceWith(document.importNode(wanted, true));
  ahead = aheadOf(fresh);
  takeRows(fresh);
  for (const part of fresh.querySelectorAll("main [data-key]")) {
    const present = document.querySelector(`main [data-key="${CSS.escape(part.dataset.key)}"]`);
    if (!present || present.closest("#rows") !== null) continue;
    carryOver(present, part);
    if (!present.isEqualNode(part)) replace(present, part);
  }
  announce(statusesOf(fresh));
  offerActs();
  document.dispatchEvent(new Event("taken"));
}

// What the reader has opened stays open, and what one who is logged in may press stays there.
function carryOver(present, part) {
  const opened = new Map([...present.querySelectorAll("details")].map((one) => [one.querySelector("summary").textContent, one.open]));
  for (const one of part.querySelectorAll("details")) one.open = opened.get(one.querySelector("summary").textContent) ?? one.open;
  for (const acts of part.querySelectorAll(".acts")) acts.hidden = present.querySelector(".acts")?.hidden ?? acts.hidden;
}

function takeRows(fresh) {
  const rows = document.getElementById("rows");
  const wanted = fresh.getElementById("rows");
  if (!rows || !wanted) {
    if (Boolean(rows) !== Boolean(wanted)) location.reload();
    return;
  }
  const present = new Map([...rows.children].map((row) => [row.dataset.key, row]));
  const ordered = [...wanted.children].map((row) => {
    const known = present.get(row.dataset.key);
    return known && known.isEqualNode(row) ? known : document.importNode(row, true);
  });
  if (ordered.length === rows.children.length && ordered.every((row, index) => row === rows.children[index])) return;
  const focused = place(document.activeElement);
  rows.replaceChildren(...ordered);
  restore(focused);
}

function replace(present, part) {
  if (present.contains(document.activeElement) && present.querySelector("input:focus, select:focus")) return;
  const focused = place(document.activeElement);
  present.replaceWith(document.importNode(part, true));
  restore(focused);
}

function place(element) {
  const keyed = element && element.closest && element.closest("[data-key]");
  if (!keyed) return null;
  return { key: keyed.dataset.key, index: [...keyed.querySelectorAll("a, button")].indexOf(element) };
}

function restore(focused) {
  if (!focused || focused.index < 0) return;
  const keyed = document.querySelector(`[data-key="${CSS.escape(focused.key)}"]`);
  const again = keyed && keyed.querySelectorAll("a, button")[focused.index];
  if (again && again !== document.activeElement) again.focus({ preventScroll: true });
}

function announce(now) {
  const changed = [...now].filter(([name, status]) => statuses.has(name) && statuses.get(name) !== status);
  statuses = now;
  if (changed.length > 3) announcement.textContent = `${changed.length} services changed. ${document.title}`;
  else if (changed.length) announcement.textContent = changed.map(([name, status]) => `${name} is ${status}`).join(", ");
}

function age(since) {
  const seconds = Math.max(0, Math.round((Date.now() - since) / 1_000));
  return seconds < 120 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`;
}

// The two largest units, as the server writes them.
function duration(seconds) {
  const units = [["d", 86_400], ["h", 3_600], ["min", 60], ["s", 1]];
  const index = units.findIndex(([unit, size]) => seconds >= size || unit === "s");
  const [unit, size] = units[index];
  const [smaller, smallerSize] = units[index + 1] ?? ["", Infinity];
  const rest = Math.floor((seconds % size) / smallerSize);
  return `${Math.floor(seconds / size)} ${unit}${rest ? ` ${rest} ${smaller}` : ""}`;
}

function watch() {
  const silent = Date.now() - heardAt > SILENT_AFTER_MS;
  body.classList.toggle("stale", silent);
  lost.hidden = !silent && !lost.dataset.trouble;
  if (silent && !wasSilent) losses += 1;
  wasSilent = silent;
  if (silent) lost.textContent = `The connection to healthmon is lost: this is how it was ${age(heardAt)} ago.${losses > 1 ? ` It was lost ${losses} times since ${since}.` : ""}`;
  else if (lost.dataset.trouble) lost.textContent = lost.dataset.trouble;
  const shown = document.querySelector(".verdict .age time");
  if (shown && newestCheck) shown.textContent = `${age(Date.parse(newestCheck) + ahead)} ago`;
  if (silent) return; // what is not heard of any more does not go on
  for (const time of document.querySelectorAll("time[data-ticks]")) time.textContent = duration(Math.max(0, Math.floor((Date.now() - ahead - Date.parse(time.dateTime)) / 1_000)));
  if (Date.now() - fetchedAt > refreshMs) soon();
}

function connect() {
  const source = new EventSource(`/api/v1/events?since=${encodeURIComponent(body.dataset.version)}`);
  const known = new Map();
  source.addEventListener("service", (event) => {
    const service = JSON.parse(event.data);
    const before = known.get(service.service_name) ?? statuses.get(service.service_name);
    known.set(service.service_name, service.current_status);
    if (before !== service.current_status) changed();
  });
  for (const kind of ["incident", "alert", "heal", "operator_action"]) source.addEventListener(kind, changed);
  source.addEventListener("reset", changed);
  source.addEventListener("beat", (event) => {
    const beat = JSON.parse(event.data);
    newestCheck = beat.newest_check;
    lost.dataset.trouble = beat.trouble || "";
    heardAt = Date.now();
    watch();
  });
}

// Times are written in UTC: who points at one sees it by the clock at hand.
document.addEventListener("mouseover", ({ target }) => {
  const time = target.closest("time[datetime]");
  if (time) time.title = `${new Date(time.dateTime).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" })}`;
});

if (body.dataset.version) {
  connect();
  setInterval(watch, 1_000);
}
offerActs();
