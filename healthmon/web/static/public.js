// Loads the page anew now and then, while somebody looks at it.
const EVERY_MS = 60_000;

setInterval(() => {
  if (document.visibilityState === "visible") location.reload();
}, EVERY_MS);
