// Keeps the page current. Without it the page is complete and reloads itself.
(() => {
  "use strict";
  const board = document.getElementById("board");
  const live = document.getElementById("live");
  const words = document.body.dataset;
  const language = document.documentElement.lang;
  const format = new Intl.NumberFormat(language === "kk" ? "ru" : language);
  const POLL_MILLISECONDS = 15000;
  // Tries to connect before it falls back to asking: with the browser's own pauses, about half a minute.
  const MOST_FAILURES = 6;

  let shown = "", sourceUp = true, wanted = false, busy = false;
  let ageAtLoad = 0, loadedAt = 0;

  const say = (kind) => {
    const text = live.dataset[kind];
    live.className = kind;
    if (live.firstElementChild.textContent !== text) live.firstElementChild.textContent = text;
  };

  const readFreshness = () => {
    const fresh = document.getElementById("fresh");
    shown = fresh.dataset.sequence + "/" + fresh.dataset.edition;
    sourceUp = fresh.dataset.up === "true";
    ageAtLoad = fresh.dataset.age === undefined ? -1 : Number(fresh.dataset.age);
    loadedAt = performance.now();
  };

  const tick = () => {
    const place = document.getElementById("age");
    if (!place || ageAtLoad < 0) return;
    const age = ageAtLoad + Math.floor((performance.now() - loadedAt) / 1000);
    const [pattern, n] = age < 120 ? [words.ageSeconds, age]
      : age < 7200 ? [words.ageMinutes, Math.floor(age / 60)] : [words.ageHours, Math.floor(age / 3600)];
    place.textContent = pattern.replace("{n}", format.format(n));
  };

  const swap = (html) => {
    const open = [...board.querySelectorAll("details[open]")].map((d) => d.id);
    const focused = document.activeElement && board.contains(document.activeElement)
      ? document.activeElement.closest("details") : null;
    board.innerHTML = html;
    for (const id of open) { const d = document.getElementById(id); if (d) d.open = true; }
    if (focused && focused.id) {
      const again = document.getElementById(focused.id);
      if (again) again.querySelector("summary").focus({ preventScroll: true });
    }
    readFreshness();
    tick();
  };

  // One request at a time; what comes in between is asked for afterwards.
  const refresh = async () => {
    // Loaded before the election was known: title and marks stand outside of what is swapped.
    if (!words.election) { location.reload(); return; }
    if (busy) { wanted = true; return; }
    busy = true;
    do {
      wanted = false;
      try {
        const answer = await fetch("/?fragment=1&lang=" + language, { cache: "no-store" });
        if (!answer.ok) throw new Error(String(answer.status));
        swap(await answer.text());
      } catch { say("lost"); }
    } while (wanted);
    busy = false;
  };

  const poll = () => {
    say("polling");
    setInterval(refresh, POLL_MILLISECONDS);
  };

  const follow = (failures) => {
    const events = new EventSource("/events");
    events.addEventListener("publication", (event) => {
      failures = 0;
      const state = JSON.parse(event.data);
      say("live");
      if (state.sequence + "/" + state.edition !== shown || state.up !== sourceUp) refresh();
    });
    events.onerror = () => {
      say("lost");
      failures += 1;
      if (failures >= MOST_FAILURES) { events.close(); poll(); return; }
      // Refused (too many readers) ends the browser's own tries: try again ourselves.
      if (events.readyState === EventSource.CLOSED) setTimeout(() => follow(failures), 5000 + Math.random() * 5000);
    };
  };

  readFreshness();
  setInterval(tick, 1000);
  if ("EventSource" in window) follow(0); else poll();
})();
