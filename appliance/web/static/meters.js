// The pages of the meters: what the device changes is fetched anew, the list can be filtered, the progress bar follows.
(() => {
  // live.js writes the mark of what the page shows; another one is a reason to fetch the parts that it names.
  for (const mark of document.querySelectorAll("[data-renews]")) {
    let isAsking = false, isWanted = false;
    const renew = async () => {
      if (isAsking) { isWanted = true; return; }
      isAsking = true; isWanted = false;
      try {
        const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(15000) });
        if (answer.ok) replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
      } catch { /* live.js says that the device does not answer */ }
      isAsking = false;
      if (isWanted) renew();
    };
    const replace = (page) => {
      for (const id of mark.dataset.renews.split(" ")) {
        const old = document.getElementById(id), fresh = page.getElementById(id);
        // Not under the hand of somebody who types or chooses.
        if (!old || !fresh || old.querySelector("input[type=text]:focus, select:focus")) continue;
        const ticked = new Set([...old.querySelectorAll("input:checked")].map((box) => box.value));
        const open = [...old.querySelectorAll("details")].map((one) => one.open);
        const focused = old.contains(document.activeElement) ? document.activeElement.value : null;
        const filter = old.querySelector("#filter")?.value;
        old.replaceWith(document.adoptNode(fresh));
        for (const box of fresh.querySelectorAll("input[type=checkbox]")) box.checked = ticked.has(box.value);
        [...fresh.querySelectorAll("details")].forEach((one, index) => { if (index < open.length) one.open = open[index]; });
        if (focused) [...fresh.querySelectorAll("button")].find((one) => one.value === focused)?.focus();
        prepare(filter);
      }
    };
    new MutationObserver(renew).observe(mark, { childList: true, characterData: true, subtree: true });
  }

  const prepare = (text) => {
    const field = document.getElementById("filter");
    if (!field) return;
    field.parentElement.hidden = false;
    const rows = [...document.querySelectorAll("#meter-list tbody tr")], note = field.parentElement.querySelector("[data-shown]");
    const filter = () => {
      const wanted = field.value.trim().toLowerCase();
      for (const row of rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
      const shown = rows.filter((row) => !row.hidden).length;
      note.textContent = wanted ? note.dataset.shown.replace("{shown}", shown).replace("{all}", rows.length) : "";
    };
    field.value = text || "";
    field.addEventListener("input", filter);
    // Enter would press the first button of the form.
    field.addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });
    filter();
  };
  prepare("");

  for (const bar of document.querySelectorAll("progress[data-follows]")) {
    const text = document.getElementById(bar.dataset.follows);
    new MutationObserver(() => { bar.value = parseInt(text.textContent, 10) || 0; })
      .observe(text, { childList: true, characterData: true, subtree: true });
  }
})();
