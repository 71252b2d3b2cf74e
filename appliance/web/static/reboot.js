// A reboot: asks for it from the page of the question, counts down, asks until the device answers again, and goes there.
// The answer is put into the page that is there, for a device that stops gives neither style sheet nor script any more.
(() => {
  const STILL_HERE = 25, PATIENCE = 48, MARGIN = 8;

  const watch = (line) => {
    const { seconds, url, elsewhere, follow } = line.dataset;
    const isElsewhere = elsewhere === "yes", late = Number(seconds) + PATIENCE;
    const began = performance.now();
    const elapsed = () => (performance.now() - began) / 1000;
    let failures = 0, wasAway = line.dataset.away === "yes", isOver = false, shown = "";

    const say = (name, value) => {
      const text = line.dataset[name].replace("{0}", value);
      if (text !== shown) line.textContent = shown = text;
    };
    const go = (place) => {
      isOver = true;
      say("back");
      location.replace(place);
    };

    // Without credentials nobody is asked for a password, and any answer will do.
    const answers = async () => {
      try {
        await fetch("/", { method: "HEAD", credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(5000) });
        return true;
      } catch {
        return false;
      }
    };

    const ask = async () => {
      if (isOver) return;
      const isHere = await answers();
      // One request may get lost before the device goes; two in a row do not.
      failures = isHere ? 0 : failures + 1;
      if (failures > 1) wasAway = true;
      else if (isHere && wasAway) return go(line.dataset.backTo || "/");
      setTimeout(ask, elapsed() < late ? 400 : 5000);
    };

    const tell = () => {
      if (isOver) return;
      const now = elapsed();
      if (now < seconds) {
        line.setAttribute("aria-live", "off");
        say("backIn", Math.ceil(seconds - now));
      } else {
        line.setAttribute("aria-live", "polite");
        // A page may not ask at another address; it can only go there.
        if (isElsewhere && follow === "yes" && now > Number(seconds) + MARGIN) return go(url);
        if (isElsewhere) say(follow === "yes" ? "waiting" : "lookThere");
        else if (!wasAway && now > STILL_HERE) say("stillHere");
        else say(now > late ? "lost" : "waiting");
      }
      setTimeout(tell, 250);
    };

    ask();
    tell();
  };

  const questions = `form[action='${location.pathname}'], form[data-reboots]`;
  document.addEventListener("submit", async (event) => {
    const question = event.target;
    if (!question.matches(questions)) return;
    event.preventDefault();
    question.querySelector("button").disabled = true;
    let answer, text;
    try {
      answer = await fetch(question.action, { method: "POST", body: new URLSearchParams(new FormData(question)) });
      text = await answer.text();
    } catch {
      return question.submit();
    }
    if (answer.redirected) return location.assign(answer.url);
    const page = new DOMParser().parseFromString(text, "text/html");
    page.querySelector("noscript")?.remove();
    document.title = page.title;
    document.body.replaceWith(page.body);
    const line = document.getElementById("reboot");
    if (line) watch(line);
  });

  // Where the answer came as a page of its own after all, or another script has put the line there.
  const begin = () => {
    const line = document.getElementById("reboot");
    if (line) watch(line);
  };
  document.addEventListener("reboots", begin);
  begin();
})();
