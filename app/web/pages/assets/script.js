// The page is whole without this. With it, it stays up to date, and takes an image that is dropped.
// It makes no HTML: whatever it shows, the gateway has drawn.

const AT_ONCE_MS = 500; // after an event: by then every worker knows of it
const OFTEN_MS = 10000; // between two refreshes for what images bring, however many there are
const ALWAYS_MS = 30000;
const parser = new DOMParser();

async function drawn(address, options) {
  const answer = await fetch(address, { ...options, headers: { Accept: "text/html" } });
  if (!answer.headers.get("Content-Type")?.startsWith("text/html")) {
    throw new Error(`${answer.status}`);
  }
  return parser.parseFromString(await answer.text(), "text/html");
}

// Replaces what has changed: what is the same keeps its pictures, what has the focus waits.
function renew(old, fresh) {
  for (const part of old.querySelectorAll("details[open]")) {
    const place = [...old.querySelectorAll("details")].indexOf(part);
    fresh.querySelectorAll("details")[place]?.setAttribute("open", "");
  }
  if (!old.isEqualNode(fresh) && !old.contains(document.activeElement)) {
    old.replaceWith(document.adoptNode(fresh));
  }
}

function renewList(list, fresh) {
  const known = new Map([...list.children].map((one) => [one.id, one]));
  const wanted = [...fresh.children];
  for (const one of list.querySelectorAll(":scope > *")) {
    if (!wanted.some((other) => other.id === one.id)) one.remove();
  }
  wanted.forEach((one, place) => {
    const old = known.get(one.id);
    if (old) renew(old, one);
    else list.insertBefore(document.adoptNode(one), list.children[place] ?? null);
  });
}

function triggers(page) {
  return [...page.querySelectorAll("#found > article")];
}

async function refresh() {
  const page = await drawn("./");
  const before = new Set(triggers(document).map((one) => one.id));
  const found = triggers(page).filter((one) => !before.has(one.id));
  for (const one of found) one.classList.add("new");
  const news = found.map((one) => `New trigger: ${one.querySelector("h3").textContent}`);
  for (const fresh of page.querySelectorAll("[data-live]")) {
    const old = document.getElementById(fresh.id);
    if (old) (fresh.hasAttribute("data-list") ? renewList : renew)(old, fresh);
  }
  if (news.length) document.getElementById("news").textContent = news.join(". ");
}

let due = Infinity; // the time of the next refresh
function within(ms) {
  const at = Date.now() + ms;
  if (at >= due) return;
  due = at;
  setTimeout(async () => {
    if (due !== at) return; // an earlier one has come between
    due = Infinity;
    if (!document.hidden) await refresh().catch(() => {}); // the gateway is away: the next time tells
  }, ms);
}

// One stream while somebody looks: a browser has few connections for all of its tabs.
function keepUp({ rare, often }) {
  let source;
  function listen() {
    if (document.hidden) source?.close();
    else if (rare && (source?.readyState ?? EventSource.CLOSED) === EventSource.CLOSED) {
      source = new EventSource("events");
      for (const kind of rare.split(" ")) source.addEventListener(kind, () => within(AT_ONCE_MS));
      for (const kind of often.split(" ")) source.addEventListener(kind, () => within(OFTEN_MS));
    }
  }
  document.addEventListener("visibilitychange", () => {
    listen();
    if (!document.hidden) within(0);
  });
  setInterval(() => {
    listen();
    within(0);
  }, ALWAYS_MS);
  listen();
}

function takeImages(form, answer) {
  const file = form.querySelector("input[type=file]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    answer.textContent = "Asking…";
    try {
      const page = await drawn(form.action, { method: "POST", body: new FormData(form) });
      const said = document.adoptNode(page.getElementById("tried-now"));
      for (const link of said.querySelectorAll("a")) link.setAttribute("href", link.hash);
      answer.replaceChildren(said);
      within(AT_ONCE_MS);
    } catch {
      answer.textContent = "The gateway is out of reach, or takes no image from here.";
    }
  });
  form.addEventListener("dragover", (event) => {
    event.preventDefault();
    form.classList.add("over");
  });
  form.addEventListener("dragleave", () => form.classList.remove("over"));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    form.classList.remove("over");
    if (!event.dataTransfer.files.length) return;
    file.files = event.dataTransfer.files;
    form.requestSubmit();
  });
}

takeImages(document.getElementById("try-form"), document.getElementById("tried"));
keepUp(document.getElementById("main").dataset);
