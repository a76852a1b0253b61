// Points at one moment in all strips at once, and shows the time that is dragged over. The form for another time does the same.
const SHORTEST_S = 300; // what the server takes
const LEAST = 0.01; // of the axis: less is a click
const table = document.querySelector("table.services[data-since]");
const label = document.getElementById("pointed");
let began = null;

const iso = (seconds) => `${new Date(seconds * 1_000).toISOString().slice(0, 19)}Z`;

function shareOf(event) {
  const strip = event.target.closest("td.axis")?.querySelector(".strip");
  if (!strip) return null;
  const { left, width } = strip.getBoundingClientRect();
  return Math.min(1, Math.max(0, (event.clientX - left) / width));
}

function at(share) {
  const since = Number(table.dataset.since);
  return since + share * (Number(table.dataset.until) - since);
}

function point(share) {
  const from = began ?? share;
  table.classList.toggle("pointed", share !== null);
  if (share === null) {
    label.textContent = "";
    return;
  }
  table.style.setProperty("--from", Math.min(from, share));
  table.style.setProperty("--to", Math.max(from, share));
  const said = (one) => iso(at(one)).slice(5, 16).replace("T", " ");
  label.textContent = began === null ? said(share) : `${said(Math.min(from, share))} to ${said(Math.max(from, share))}`;
}

function show(from, to) {
  const address = new URL(location.href);
  const middle = (from + to) / 2;
  const half = Math.max(SHORTEST_S, to - from) / 2;
  for (const name of ["range", "page"]) address.searchParams.delete(name);
  address.searchParams.set("from", iso(Math.floor(middle - half)));
  address.searchParams.set("to", iso(Math.ceil(Math.min(middle + half, Date.now() / 1_000))));
  location.assign(address);
}

if (table && label) {
  table.addEventListener("pointermove", (event) => point(shareOf(event)));
  table.addEventListener("pointerleave", () => {
    began = null;
    point(null);
  });
  table.addEventListener("pointerdown", (event) => {
    if (event.button === 0 && event.pointerType === "mouse") began = shareOf(event);
    if (began !== null) event.preventDefault(); // no text is to be marked
  });
  table.addEventListener("pointerup", (event) => {
    const from = began;
    const to = shareOf(event);
    began = null;
    if (from !== null && to !== null && Math.abs(to - from) > LEAST) show(at(Math.min(from, to)), at(Math.max(from, to)));
  });
}
