// The right to write, kept by the page: no cookie, for those go to every port of a host, whoever listens there.
const KEY = "healthmon-session";

export function session() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY));
    return kept && kept.until > Date.now() ? kept : null;
  } catch {
    return null;
  }
}

export function keep({ session, author, seconds }) {
  localStorage.setItem(KEY, JSON.stringify({ session, author, until: Date.now() + seconds * 1000 }));
}

export function forget() {
  localStorage.removeItem(KEY);
}

// Posts to the API. Resolves to its answer; rejects with an Error that says in words what is wrong.
export async function post(path, content) {
  const kept = session();
  const headers = { "Content-Type": "application/json" };
  if (kept) headers.Authorization = `Bearer ${kept.session}`;
  const answer = await fetch(`/api/v1${path}`, { method: "POST", headers, body: JSON.stringify(content) });
  const told = await answer.json();
  if (answer.status === 401 && kept) forget();
  if (!answer.ok) throw new Error(told.detail);
  return told;
}
