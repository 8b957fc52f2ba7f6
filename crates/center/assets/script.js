// Keeps a page current: follows the changes of the manager and puts in the parts that the server made anew.
// Everything can be read, and every button works, without it.

// At most so often, and never more than a fifth of the server's time for one page.
const LEAST_PAUSE_MS = 400;
const LOAD_FACTOR = 5;
// Times such as "5 min ago" grow older by themselves.
const AGE_MS = 60_000;
// A stream that the server refuses is tried again after so long.
const FIRST_RETRY_MS = 1_000;
const LONGEST_RETRY_MS = 30_000;
// Whoever is so near to the end of a tail reads it as it grows; whoever is further up stays there.
const TAIL_SLACK = 24;

const body = document.body;
const fragment = body.dataset.fragment;
const said = document.getElementById("said");

let source = null;
let retry = FIRST_RETRY_MS;
let retryTimer = 0;
let pending = 0;
let loading = false;
let again = false;
let pause = LEAST_PAUSE_MS;

// What is told to the person -------------------------------------------------------------------------------------------

function say(text, why) {
  if (!said) return;
  said.textContent = text;
  said.dataset.why = why;
  said.hidden = false;
}

function hush(why) {
  if (said && said.dataset.why === why) said.hidden = true;
}

// Putting in what is new -----------------------------------------------------------------------------------------------

// Somebody types here, or has: nothing of it may be lost.
function isTyped(element) {
  for (const field of element.querySelectorAll("input:not([type=hidden]), textarea, select")) {
    if (field === document.activeElement) return true;
    if (field.tagName === "SELECT") {
      if ([...field.options].some((option) => option.selected !== option.defaultSelected)) return true;
    } else if (field.type === "checkbox" || field.type === "radio") {
      if (field.checked !== field.defaultChecked) return true;
    } else if (field.value !== field.defaultValue) {
      return true;
    }
  }
  return false;
}

// Where the focus is within an element, so that it is found again in the element that takes its place.
function focusIn(element) {
  const active = document.activeElement;
  if (!active || !element.contains(active)) return -1;
  return [...element.querySelectorAll("a, button, summary, input, select, textarea")].indexOf(active);
}

function swap(old, fresh) {
  if (old.isEqualNode(fresh)) return;
  if (isTyped(old)) return;
  const opened = [...old.querySelectorAll("details[open][id]")].map((details) => details.id);
  const focus = focusIn(old);
  old.replaceWith(fresh);
  for (const id of opened) {
    const details = document.getElementById(id);
    if (details) details.open = true;
  }
  if (focus >= 0) {
    const all = fresh.querySelectorAll("a, button, summary, input, select, textarea");
    if (all.length) all[Math.min(focus, all.length - 1)].focus();
  }
}

// Whoever was filling in what is settled elsewhere is told, before he goes on for nothing.
function settle(gone) {
  if (isTyped(gone)) say(body.dataset.settled, "settled");
  return gone;
}

// Lists of things with ids: what did not change stays as it is, with its focus and its open menu.
function merge(list, fresh) {
  const before = new Map([...list.children].map((child) => [child.id, child]));
  let at = list.firstElementChild;
  for (const child of [...fresh.children]) {
    const old = child.id && before.get(child.id);
    if (old) {
      before.delete(child.id);
      if (old === at) at = at.nextElementSibling;
      else list.insertBefore(old, at);
      swap(old, child);
    } else {
      list.insertBefore(child, at);
    }
  }
  for (const gone of before.values()) settle(gone).remove();
}

function put(fresh) {
  const old = document.getElementById(fresh.id);
  if (!old) return;
  const list = fresh.querySelector("[data-keyed]");
  const before = list && document.getElementById(list.id);
  if (before && old.contains(before)) {
    const box = before.closest("[data-tail]");
    const follows = box && box.scrollHeight - box.scrollTop - box.clientHeight < TAIL_SLACK;
    merge(before, list);
    if (follows) box.scrollTop = box.scrollHeight;
    // The list itself stays; what is around it comes anew.
    list.replaceWith(before.cloneNode(true));
    if (!old.isEqualNode(fresh)) {
      fresh.querySelector("[data-keyed]").replaceWith(before);
      old.replaceWith(fresh);
    }
    return;
  }
  const last = !list && old.querySelector("[data-keyed]");
  if (last && isTyped(last)) settle(last).remove();
  swap(old, fresh);
}

async function load() {
  const began = performance.now();
  const answer = await fetch(fragment, { cache: "no-store", headers: { accept: "text/html" } });
  // A daemon that began anew knows nobody: whoever enters again in this browser brings this page back too.
  if (!answer.ok) {
    const why = (await answer.text()).slice(0, 300);
    say(answer.status === 401 ? why : `${body.dataset.failed} ${why}`, "lost");
    return;
  }
  hush("lost");
  const parts = document.createElement("template");
  parts.innerHTML = await answer.text();
  for (const part of [...parts.content.children]) {
    if (part.id) put(part);
  }
  // What came instead of something else has no place yet, such as the list where there was nothing.
  const main = document.getElementById("main");
  const missing = [...parts.content.children].some((part) => part.id && !document.getElementById(part.id));
  if (missing && !isTyped(main)) location.reload();
  closeSoon();
  pause = Math.max(LEAST_PAUSE_MS, LOAD_FACTOR * (performance.now() - began));
}

async function refresh() {
  pending = 0;
  if (loading) {
    again = true;
    return;
  }
  loading = true;
  try {
    await load();
  } catch {
    say(body.dataset.lost, "lost");
  }
  loading = false;
  if (again) {
    again = false;
    soon();
  }
}

function soon() {
  if (!fragment || pending || document.hidden) return;
  pending = setTimeout(refresh, pause);
}

// Following ------------------------------------------------------------------------------------------------------------

function follow() {
  clearTimeout(retryTimer);
  if (!fragment || source || document.hidden) return;
  source = new EventSource("/v1/changes");
  // The browser comes back by itself with the last number that it saw; the first event is a gap when something is missing.
  source.onmessage = soon;
  source.onopen = () => {
    retry = FIRST_RETRY_MS;
    hush("lost");
    soon();
  };
  source.onerror = () => {
    say(body.dataset.lost, "lost");
    if (source.readyState !== EventSource.CLOSED) return;
    source = null;
    retryTimer = setTimeout(follow, retry);
    retry = Math.min(2 * retry, LONGEST_RETRY_MS);
  };
}

function leave() {
  if (source) source.close();
  source = null;
  clearTimeout(pending);
  pending = 0;
}

// Nobody looks at a hidden page: it follows again when it is seen.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) leave();
  else {
    follow();
    soon();
  }
});
addEventListener("pagehide", leave);
addEventListener("pageshow", () => follow());
setInterval(soon, AGE_MS);

// Acts -----------------------------------------------------------------------------------------------------------------

// Forms of live parts are sent without leaving the page; any other one is sent by the browser.
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-live]")) return;
  event.preventDefault();
  // A second press before the first one is answered is not a second act.
  if (form.dataset.sent) return;
  form.dataset.sent = "yes";
  const button = event.submitter;
  const address = (button && button.getAttribute("formaction")) || form.getAttribute("action");
  const fields = new URLSearchParams(new FormData(form, button));
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "x-syncmgr-script": "1" },
      body: fields,
    });
    const leads = answer.ok && answer.headers.get("location");
    if (leads) location.assign(leads);
    if (answer.ok) hush("act");
    else say(`${body.dataset.failed} ${await answer.text()}`, "act");
  } catch {
    say(body.dataset.lost, "lost");
  }
  delete form.dataset.sent;
  for (const details of form.querySelectorAll("details[open]")) details.open = false;
  clearTimeout(pending);
  refresh();
});

// A menu closes with Escape, and when something else is chosen.
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    menu.open = false;
    if (menu.contains(document.activeElement)) menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

// The tick for a whole handler: without it each item is ticked by itself.
for (const group of document.querySelectorAll("fieldset[data-ticks]")) {
  const own = [...group.querySelectorAll("input[name=items]")];
  const all = document.createElement("input");
  all.type = "checkbox";
  all.setAttribute("aria-label", group.dataset.ticks);
  const look = () => {
    const ticked = own.filter((box) => box.checked).length;
    all.checked = ticked === own.length;
    all.indeterminate = ticked > 0 && ticked < own.length;
  };
  all.addEventListener("change", () => own.forEach((box) => (box.checked = all.checked)));
  group.addEventListener("change", look);
  group.querySelector("legend").prepend(all);
  look();
}

// What was started here and ended well closes after a while, unless it is to stay.
let closing = 0;
function closeSoon() {
  const over = document.querySelector("[data-closes]");
  if (!over) {
    clearTimeout(closing);
    closing = 0;
  } else if (!closing) {
    closing = setTimeout(() => location.assign(over.getAttribute("href")), Number(over.dataset.closes));
  }
}
closeSoon();

// What is chosen in the filter counts at once.
for (const select of document.querySelectorAll("form.filter select")) {
  select.addEventListener("change", () => select.form.requestSubmit());
}

for (const box of document.querySelectorAll("[data-tail]")) box.scrollTop = box.scrollHeight;
follow();
document.documentElement.dataset.ready = "yes";
