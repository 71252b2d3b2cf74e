// Adds the telegrams that came since to the line monitor, while the page is looked at and not paused. The rows come as
// the page itself would have them.
(() => {
  const PERIOD = 1500, PATIENCE = 10000, LONGEST_WAIT = 30000, FAILURES_TOLD = 2;
  const list = document.querySelector("[data-newest]"), pause = document.querySelector("[data-pause]");
  const none = document.querySelector("[data-none]"), reload = document.querySelector("[data-reload]");
  if (!list) return;
  const most = Number(list.dataset.most), query = new URLSearchParams(location.search);
  let timer = 0, failures = 0, isAsking = false, isPaused = false, hasEnded = false;

  const say = (name, is) => { document.querySelector(`[data-said=${name}]`).hidden = !is; };
  const add = (text) => {
    const rows = new DOMParser().parseFromString(text, "text/html").querySelectorAll("li");
    // One that came while the page was made may be there already.
    const last = Number(list.lastElementChild?.dataset.number ?? 0);
    for (const row of rows) if (Number(row.dataset.number) > last) list.append(document.adoptNode(row));
    while (list.children.length > most) list.firstElementChild.remove();
    none.hidden = list.children.length > 0;
  };

  const ask = async () => {
    if (isAsking || isPaused || hasEnded) return;
    isAsking = true;
    query.set("after", list.dataset.newest);
    try {
      const answer = await fetch(`/serial/monitor/rows?${query}`, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
      if (answer.status === 401 || answer.status === 403) hasEnded = true;
      else if (!answer.ok) throw new Error(answer.status);
      else {
        const newest = Number(answer.headers.get("Monitor-Newest"));
        // The numbers begin anew when the device does.
        const isAnew = newest < Number(list.dataset.newest);
        if (isAnew) list.replaceChildren();
        else add(await answer.text());
        list.dataset.newest = isAnew ? 0 : newest;
      }
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
    if (!document.hidden && !isPaused && !hasEnded) timer = setTimeout(ask, wait);
  };

  pause.addEventListener("click", () => {
    isPaused = !isPaused;
    pause.setAttribute("aria-pressed", String(isPaused));
    plan(0);
  });
  pause.hidden = false;
  reload.hidden = true;
  document.addEventListener("visibilitychange", () => plan(0));
  addEventListener("pagehide", () => clearTimeout(timer));
  addEventListener("pageshow", (event) => { if (event.persisted) plan(0); });
  plan(PERIOD);
})();
