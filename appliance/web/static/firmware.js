// The page of the firmware: sends the file with its progress, and follows what the device does with it, down to the reboot.
(() => {
  const PAGE = "/system/firmware";
  let upload = null;

  const put = (text, ...values) => values.reduce((done, value, index) => done.replace(`{${index}}`, value), text);
  const mega = (bytes) => (bytes / 1e6).toFixed(1);
  const read = (text) => new DOMParser().parseFromString(text, "text/html");

  // What live.js writes stands apart, for the part that is seen is fetched anew when its mark changes.
  const values = document.getElementById("firmware-live");
  const live = (key) => values.querySelector(`[data-live="firmware.${key}"]`).textContent;
  let shown = live("mark"), isAsking = false;

  const renew = async () => {
    if (isAsking || upload || live("mark") === shown) return;
    isAsking = true;
    const wanted = live("mark");
    try {
      const answer = await fetch(PAGE, { cache: "no-store", signal: AbortSignal.timeout(15000) });
      if (answer.ok) {
        const fresh = read(await answer.text()).getElementById("firmware"), old = document.getElementById("firmware");
        // Not under the hand of somebody who types or has chosen a file.
        const isInUse = old.querySelector("input[type=text]:focus, input:checked") || old.querySelector("input[type=file]")?.files.length;
        const isSame = old.dataset.stage === fresh.dataset.stage;
        if (!isInUse || !isSame) {
          old.replaceWith(document.adoptNode(fresh));
          prepare();
        }
        shown = wanted;
      }
    } catch { /* live.js says that the device does not answer */ }
    isAsking = false;
    if (live("mark") !== wanted) renew();
  };
  const follow = () => {
    for (const element of document.querySelectorAll("[data-shows], #firmware [data-live]")) {
      const { shows, live: key } = element.dataset;
      element.textContent = values.querySelector(`[data-live="${shows || key}"]`).textContent;
    }
    const bar = document.querySelector("#firmware > .card > .inside:not([id]) > progress");
    if (bar && live("percent")) bar.value = live("percent");
    else bar?.removeAttribute("value");
    renew();
  };
  new MutationObserver(follow).observe(values, { childList: true, characterData: true, subtree: true });

  // The reboot after an installation comes by itself: the page waits for its end as after any other.
  const lost = document.querySelector("[data-said=lost]");
  new MutationObserver(() => {
    const waiting = document.getElementById("firmware-waiting");
    if (lost.hidden || !waiting) return;
    const body = document.createElement("body");
    body.append(waiting.content);
    document.body.replaceWith(body);
    document.getElementById("reboot").dataset.away = "yes";
    document.dispatchEvent(new Event("reboots"));
  }).observe(lost, { attributes: true, attributeFilter: ["hidden"] });

  const prepare = () => {
    const form = document.querySelector(`form[action="${PAGE}/upload"]`);
    const sending = document.getElementById("firmware-sending");
    if (!form || !sending) return;
    const words = sending.dataset, bar = sending.querySelector("progress"), line = sending.querySelector("p");
    const field = form.querySelector("[type=file]"), error = document.getElementById("file-error");

    const complain = (text) => {
      error.textContent = text;
      error.hidden = !text;
      field.parentElement.parentElement.classList.toggle("failed", Boolean(text));
      field.toggleAttribute("aria-invalid", Boolean(text));
      if (text) field.setAttribute("aria-invalid", "true");
    };
    const complaint = (file) => {
      if (!file) return "";
      if (file.name !== words.name) return put(words.wrongName, file.name);
      return file.size > Number(words.most) ? put(words.tooLarge, mega(file.size)) : "";
    };
    field.addEventListener("change", () => complain(complaint(field.files[0])));

    const stop = (text) => {
      upload = null;
      sending.hidden = true;
      form.hidden = false;
      complain(text);
      renew();
    };
    const end = () => {
      const { status, responseText: text } = upload;
      if (status === 204) {
        upload = null;
        return location.assign(PAGE);
      }
      // A page of ours says it in a banner, the server itself in a paragraph.
      const page = read(text);
      const told = page.querySelector("#content [role=alert] p, #content > p, body > p, main > p");
      stop(told?.textContent.trim() || put(words.refused, status));
    };

    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const file = field.files[0], wrong = complaint(file);
      if (wrong) return complain(wrong);
      complain("");
      upload = new XMLHttpRequest();
      const mine = upload;
      mine.open("POST", `${form.getAttribute("action")}?name=${encodeURIComponent(file.name)}`);
      mine.setRequestHeader("Content-Type", "application/octet-stream");
      mine.setRequestHeader("X-Form-Token", form.querySelector("[name=form_token]").value);
      mine.upload.addEventListener("progress", ({ loaded, total }) => {
        const percent = total ? Math.floor(100 * loaded / total) : 0;
        bar.value = percent;
        line.textContent = loaded < total ? put(words.sent, mega(loaded), mega(total), percent) : words.stored;
      });
      mine.addEventListener("load", end);
      mine.addEventListener("error", () => stop(words.lost));
      mine.addEventListener("abort", () => stop(words.cancelled));
      sending.querySelector("button").onclick = () => mine.abort();
      bar.value = 0;
      line.textContent = "";
      form.hidden = true;
      sending.hidden = false;
      mine.send(file);
    });
  };
  addEventListener("beforeunload", (event) => { if (upload) event.preventDefault(); });
  prepare();
})();
