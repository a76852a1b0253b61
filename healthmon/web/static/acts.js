// Lets a person who is logged in act: asks why and for how long, posts it, and says what came of it.
import { post, session } from "./session.js";

const dialog = document.getElementById("act");
const said = document.getElementById("act-said");
const form = dialog && dialog.querySelector("form");

const ACTS = {
  ack: {
    title: (name) => `Acknowledge the outage of ${name}`,
    words: "Reminders and escalation stop until it is over.",
    fields: ["reason", "time"],
    mayBeOpen: true,
    button: "Acknowledge",
    send: (name, { reason, seconds }) => post(`/services/${encodeURIComponent(name)}/ack`, seconds ? { reason, seconds } : { reason }),
  },
  silence: {
    title: (name) => `Tell nobody of ${name}`,
    words: "It is still watched, shown and healed.",
    fields: ["reason", "time"],
    needsReason: true,
    button: "Silence",
    send: (name, { reason, seconds }) => post("/silences", { matchers: [`service=${name}`], reason, seconds }),
  },
  hold: {
    title: (name) => `Do not restart ${name}`,
    words: "Healing leaves it alone for so long; people are told as ever.",
    fields: ["reason", "time"],
    needsReason: true,
    button: "Hold",
    send: (name, { reason, seconds }) => post(`/services/${encodeURIComponent(name)}/hold`, { reason, seconds }),
  },
  release: {
    title: (name) => `Release ${name}`,
    words: "The hold ends, and healing may try again what it has given up on.",
    fields: ["reason"],
    button: "Release",
    send: (name, { reason }) => post(`/services/${encodeURIComponent(name)}/release`, { reason }),
  },
  "heal-now": {
    title: (name) => `Restart ${name} now`,
    words: "Its container is stopped and started. What it is doing at this moment is lost.",
    fields: ["reason", "force"],
    needsReason: true,
    button: "Restart it",
    send: (name, { reason, force }) => post(`/services/${encodeURIComponent(name)}/heal-now`, { reason, force }),
  },
};

export function offerActs() {
  const may = session() !== null;
  for (const acts of document.querySelectorAll(".problem .acts, .service-acts")) acts.hidden = !may;
  const login = document.querySelector("nav .login");
  if (login && may) login.textContent = session().author || "Logged in";
}

function open(act, name) {
  const wanted = ACTS[act];
  document.getElementById("act-title").textContent = wanted.title(name);
  document.getElementById("act-words").textContent = wanted.words;
  document.getElementById("act-do").textContent = wanted.button;
  for (const field of ["reason", "time", "force"]) document.getElementById(`act-${field}`).hidden = !wanted.fields.includes(field);
  const openEnd = document.getElementById("act-open-end");
  openEnd.hidden = openEnd.disabled = !wanted.mayBeOpen;
  form.reset();
  form.elements.seconds.value = wanted.mayBeOpen ? "" : "3600";
  said.textContent = "";
  dialog.dataset.act = act;
  dialog.dataset.service = name;
  dialog.showModal();
}

async function send() {
  const wanted = ACTS[dialog.dataset.act];
  const reason = form.elements.reason.value.trim();
  if (wanted.needsReason && !reason) {
    said.textContent = "Say why: those who read it later will wonder.";
    form.elements.reason.focus();
    return;
  }
  try {
    const told = await wanted.send(dialog.dataset.service, {
      reason,
      seconds: Number(form.elements.seconds.value),
      force: form.elements.force.checked,
    });
    dialog.close();
    document.getElementById("announcement").textContent = told.words;
  } catch (error) {
    said.textContent = error.message;
    offerActs();
  }
}

if (dialog) {
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-act]");
    if (button) open(button.dataset.act, button.dataset.service);
  });
  form.addEventListener("submit", (event) => {
    if (event.submitter && event.submitter.value === "cancel") return; // the dialog closes by itself
    event.preventDefault();
    send();
  });
}
