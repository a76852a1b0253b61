import { keep, post } from "./session.js";

const form = document.getElementById("login");
const said = document.getElementById("said");

async function begin(content) {
  said.textContent = "…";
  try {
    keep(await post("/session", content));
    location.replace("/");
  } catch (error) {
    said.textContent = error.message;
    form.hidden = false;
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  begin(Object.fromEntries(new FormData(form)));
});

const key = location.hash.slice(1);
history.replaceState(null, "", "/login"); // the key is good once: it need not stand in the history
if (key) {
  begin({ key });
} else {
  said.textContent = "";
  form.hidden = false;
}
