// Keeps the values of a page fresh: asks every two seconds for those that are marked with data-live, while the page is
// looked at. Each answer is asked for anew, so nothing is held open, and all ends with the page.
(() => {
  const PERIOD = 2000, PATIENCE = 5000, LONGEST_WAIT = 30000, FAILURES_TOLD = 2;
  const elements = (name) => [...document.querySelectorAll(`[${name}]`)];
  const shown = elements("data-live"), looks = elements("data-live-look");
  const keys = new Set([...shown.map((one) => one.dataset.live), ...looks.map((one) => one.dataset.liveLook)]);
  const place = document.querySelector("[data-state]");
  if (!keys.size || !place) return;
  const url = `/live?keys=${[...keys].map(encodeURIComponent).join(",")}`;
  let timer = 0, failures = 0, isAsking = false, hasEnded = false;

  const say = (name, is) => { place.querySelector(`[data-said=${name}]`).hidden = !is; };
  const set = (element, text) => { if (element.textContent !== text) element.textContent = text; };

  // Source and remark stand behind the value, where there are any.
  const setBehind = (value, tag, text) => {
    let element = value.parentElement.querySelector(tag === "small" ? "small" : ".source");
    if (!element && text) {
      element = document.createElement(tag);
      if (tag === "span") { element.className = "source"; value.after(" ", element); } else value.parentElement.append(element);
    }
    if (element) set(element, text);
  };

  const show = ({ values, state }) => {
    for (const element of shown) {
      const value = values[element.dataset.live];
      // A client that has left, a lease that there is no longer.
      const row = element.closest("tr");
      if (row) row.hidden = !value;
      if (!value) continue;
      set(element, value.text);
      if (!element.closest("td, li")) continue;
      setBehind(element, "span", value.source ? `(${value.source})` : "");
      setBehind(element, "small", value.note || "");
      element.parentElement.classList.toggle("bad", Boolean(value.bad));
    }
    for (const element of looks) {
      const look = values[element.dataset.liveLook]?.look;
      if (look && element.dataset.look !== look) element.dataset.look = look;
    }
    say("changed", state !== place.dataset.state);
  };

  const ask = async () => {
    if (isAsking || hasEnded) return;
    isAsking = true;
    try {
      const answer = await fetch(url, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
      if (answer.status === 401 || answer.status === 403) hasEnded = true;
      else if (!answer.ok) throw new Error(answer.status);
      else show(await answer.json());
      failures = 0;
    } catch {
      failures += 1;
    }
    isAsking = false;
    say("ended", hasEnded);
    say("lost", failures >= FAILURES_TOLD);
    plan(failures ? Math.min(PERIOD * 2 ** failures, LONGEST_WAIT) : PERIOD);
  };

  const plan = (wait) => {
    clearTimeout(timer);
    if (!document.hidden && !hasEnded) timer = setTimeout(ask, wait);
  };

  document.addEventListener("visibilitychange", () => plan(0));
  addEventListener("pagehide", () => clearTimeout(timer));
  addEventListener("pageshow", (event) => { if (event.persisted) plan(0); });
  addEventListener("online", () => plan(0));
  plan(PERIOD);
})();
