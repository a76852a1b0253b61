// Lets response times be asked: what was it there (pointer or arrow keys), and show me that time (drag, or Enter).
// It reads the table that stands beside the server's own drawing, which stays where this cannot run.
/* global uPlot */

const AXIS_PX = 64;
const EDGE_PX = 22; // a label nearer to the end would be cut off
const DAY_S = 86_400;
const HEIGHT_PX = 190;
const SHORTEST_S = 300; // what the server takes
const NEAR_PX = 6;
const root = document.getElementById("plot");
const readout = document.getElementById("readout");
const section = root && root.closest("section");
let source = null;
let known = null;
let plot = null;

const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const iso = (seconds) => `${new Date(seconds * 1_000).toISOString().slice(0, 19)}Z`;
const said = (seconds) => iso(seconds).replace("T", " ").replace("Z", " UTC");
const milliseconds = (value) => (value === null ? "" : value < 1_000 ? `${Math.round(value)} ms` : `${(value / 1_000).toFixed(2)} s`);
const number = (text) => (text === undefined || text === "" ? null : Number(text));

function read(element) {
  const step = Number(element.dataset.step);
  const rows = [...element.querySelectorAll("tr[data-at]")].map((row) => ({
    at: Number(row.dataset.at),
    p50: number(row.dataset.p50),
    p95: number(row.dataset.p95),
    p99: number(row.dataset.p99),
    words: `${row.cells[1].textContent} checks`,
  }));
  const data = [[], [], [], []];
  rows.forEach((row, index) => {
    const gap = index > 0 && row.at - rows[index - 1].at > 1.6 * step;
    if (gap) [rows[index - 1].at + step, null, null, null].forEach((value, series) => data[series].push(value));
    [row.at, row.p50, row.p95, row.p99].forEach((value, series) => data[series].push(value));
  });
  return {
    step,
    data,
    rows: new Map(rows.map((row) => [row.at, row])),
    since: Number(element.dataset.since),
    until: Number(element.dataset.until),
    expected: number(element.dataset.expected),
    outages: [...element.querySelectorAll("tr[data-from]")].map((row) => [Number(row.dataset.from), Number(row.dataset.to)]),
    marks: [...element.querySelectorAll("li[data-mark]")].map((one) => ({ at: Date.parse(one.dataset.mark) / 1_000, words: one.textContent.trim().replace(/\s+/g, " ") })),
  };
}

// The 99th percentile may leave the chart above: a few slow answers do not make all others small.
function top() {
  const [highest, slowest] = [2, 3].map((series) => known.data[series].reduce((most, value) => Math.max(most, value ?? 0), 1));
  return 1.15 * Math.max(highest, Math.min(slowest, 2 * highest), known.expected !== null ? Math.min(known.expected, 3 * highest) : 0);
}

function behind(u) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.globalAlpha = 0.3;
  ctx.fillStyle = colour("--unhealthy");
  for (const [from, to] of known.outages) {
    const left = Math.max(bbox.left, u.valToPos(from, "x", true));
    const right = Math.min(bbox.left + bbox.width, u.valToPos(to, "x", true));
    ctx.fillRect(Math.min(left, bbox.left + bbox.width - 2), bbox.top, Math.max(2, right - left), bbox.height);
  }
  ctx.restore();
}

function before(u) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.setLineDash([6, 4]);
  if (known.expected !== null && known.expected <= top()) {
    const y = u.valToPos(known.expected, "y", true);
    line(ctx, colour("--quiet"), bbox.left, y, bbox.left + bbox.width, y);
  }
  for (const { at } of known.marks) {
    const x = u.valToPos(at, "x", true);
    line(ctx, colour("--maintenance"), x, bbox.top, x, bbox.top + bbox.height);
  }
  ctx.restore();
}

function line(ctx, style, x1, y1, x2, y2) {
  ctx.strokeStyle = style;
  ctx.beginPath();
  ctx.moveTo(x1, y1);
  ctx.lineTo(x2, y2);
  ctx.stroke();
}

function tell(u) {
  const { idx, left } = u.cursor;
  if (idx === null || idx === undefined || left < 0) {
    readout.textContent = readout.dataset.hint;
    return;
  }
  const row = known.rows.get(u.data[0][idx]);
  const near = known.marks.filter(({ at }) => Math.abs(u.valToPos(at, "x") - left) <= NEAR_PX).map(({ words }) => words);
  const times = row && row.p95 !== null ? `median ${milliseconds(row.p50)}, 95th percentile ${milliseconds(row.p95)}, 99th ${milliseconds(row.p99)}, ${row.words}` : "nothing was answered";
  readout.textContent = [`${said(u.data[0][idx])}: ${times}`, ...near].join(" · ");
  root.setAttribute("aria-valuenow", idx);
  root.setAttribute("aria-valuetext", readout.textContent);
}

function show(from, to) {
  const missing = Math.max(0, SHORTEST_S - (to - from)) / 2;
  const address = new URL(location.href);
  address.search = new URLSearchParams({ from: iso(Math.floor(from - missing)), to: iso(Math.ceil(Math.min(to + missing, Date.now() / 1_000))) });
  location.assign(address);
}

function chosen(u) {
  const { left, width } = u.select;
  if (width > 3) show(u.posToVal(left, "x"), u.posToVal(left + width, "x"));
}

// The hour by 24, and the date where a day begins; a whole row of days by their dates.
function times(u, splits, _axis, _space, increment) {
  const right = u.bbox.width / devicePixelRatio - EDGE_PX;
  return splits.map((at) => {
    if (u.valToPos(at, "x") > right) return "";
    const text = iso(at);
    return increment >= DAY_S || text.slice(11, 16) === "00:00" ? text.slice(5, 10) : text.slice(11, 16);
  });
}

function options() {
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 } };
  return {
    width: root.clientWidth,
    height: HEIGHT_PX,
    padding: [8, 0, 0, 0],
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), "Etc/UTC"),
    legend: { show: false },
    cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 7 } },
    scales: { x: { range: () => [known.since, known.until] }, y: { range: () => [0, top()] } },
    series: [
      {},
      { stroke: colour("--healthy"), width: 2, points: { show: known.data[0].length < 40, size: 4 } },
      { stroke: colour("--healthy"), width: 1, alpha: 0.6, points: { show: known.data[0].length < 40, size: 4 } },
      { stroke: colour("--healthy"), width: 1, dash: [1, 4], points: { show: false } },
    ],
    bands: [{ series: [2, 1], fill: `color-mix(in srgb, ${colour("--healthy")} 28%, transparent)` }],
    axes: [
      { ...axis, size: 32, values: times },
      { ...axis, size: AXIS_PX, values: (u, splits) => splits.map(milliseconds) },
    ],
    hooks: { drawClear: [behind], draw: [before], setCursor: [tell], setSelect: [chosen] },
  };
}

function draw() {
  plot?.destroy();
  plot = new uPlot(options(), known.data, root);
  root.setAttribute("aria-valuemax", known.data[0].length - 1);
}

function step(by) {
  const last = known.data[0].length - 1;
  const present = plot.cursor.left >= 0 && plot.cursor.idx !== null ? plot.cursor.idx : by > 0 ? -1 : last + 1;
  const next = Math.min(last, Math.max(0, present + by));
  plot.setCursor({ left: plot.valToPos(known.data[0][next], "x"), top: plot.over.clientHeight / 2 });
}

function pressed(event) {
  const at = plot.data[0][plot.cursor.idx];
  if (event.key === "ArrowLeft") step(-1);
  else if (event.key === "ArrowRight") step(1);
  else if (event.key === "Home") step(-Infinity);
  else if (event.key === "End") step(Infinity);
  else if (event.key === "Enter" && plot.cursor.left >= 0 && at !== undefined) show(at - known.step / 2, at + known.step / 2);
  else return;
  event.preventDefault();
}

// The page is brought up to date by live.js, which puts in a new table.
function bringUpToDate() {
  const present = document.querySelector("[data-key='times'][data-since]");
  if (present === source) return;
  source = present;
  if (!source) {
    plot?.destroy();
    plot = null;
    section.classList.remove("interactive");
    root.hidden = readout.hidden = true;
    return;
  }
  known = read(source);
  section.classList.add("interactive");
  root.hidden = readout.hidden = false;
  if (plot) plot.setData(known.data);
  else draw();
}

// Where colours are forced the server's drawing follows them, and a canvas does not.
if (root && typeof uPlot === "function" && !matchMedia("(forced-colors: active)").matches) {
  bringUpToDate();
  document.addEventListener("taken", bringUpToDate);
  root.addEventListener("keydown", (event) => plot && pressed(event));
  root.addEventListener("blur", () => plot?.setCursor({ left: -10, top: -10 }));
  new ResizeObserver(() => plot?.setSize({ width: root.clientWidth, height: HEIGHT_PX })).observe(root);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => plot && draw());
}
