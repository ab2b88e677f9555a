// Small things that must work without asking the server: the theme, where figures come from, and /.
(function () {
  "use strict";

  const KEY = "c360-theme";
  const wanted = () => localStorage.getItem(KEY);

  function show(theme) {
    const dark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    document.documentElement.dataset.theme = dark ? "dark" : "light";
    document.documentElement.style.colorScheme = dark ? "dark" : "light";
    if (window.Quasar) Quasar.Dark.set(dark);
    else if (document.body) document.body.classList.toggle("body--dark", dark);
  }

  show(wanted());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show(wanted()));
  // NiceGUI sets Quasar up after this script has run
  document.addEventListener("DOMContentLoaded", () => {
    let look = null;
    const arrive = () => {
      if (!document.querySelector("main#main")) return false;
      if (look) look.disconnect();
      // Quasar's page is a <main> as well, and the header stands in it
      document.querySelector("main.q-page").setAttribute("role", "none");
      show(wanted());
      calmDown();
      // what led here by the keyboard has the keyboard again
      const used = document.getElementById(sessionStorage.getItem("c360-focus"));
      sessionStorage.removeItem("c360-focus");
      // Quasar's slider has the keyboard in a part of its own
      if (used) (used.querySelector("[tabindex]") || used).focus({ preventScroll: true });
      return true;
    };
    // small pages are there by now
    if (arrive()) return;
    look = new MutationObserver(arrive);
    look.observe(document.body, { childList: true, subtree: true });
  });

  // What tables and searches write into the URL without loading the page (`Page.replace_query`) is
  // not in links and forms that were made before: they get it when they are used, unless they
  // change it themselves. Which page of a table is shown does not outlast another choice.
  const loaded = new URLSearchParams(location.search);
  const made = new WeakMap();

  function changedSince() {
    const now = new URLSearchParams(location.search);
    const names = new Set([...loaded.keys(), ...now.keys()]);
    return [...names]
      .filter((name) => !name.endsWith("_page") && loaded.get(name) !== now.get(name))
      .map((name) => [name, now.get(name)]);
  }

  function bringAlong(event) {
    const link = event.target.closest && event.target.closest("a[href]");
    if (!link || link.pathname !== location.pathname || link.origin !== location.origin) return;
    const known = made.get(link);
    const first = known && known.now === link.getAttribute("href") ? known.first : link.getAttribute("href");
    const target = new URL(first, location.href);
    for (const [name, value] of changedSince()) {
      if (target.searchParams.get(name) !== loaded.get(name)) continue;
      if (value === null) target.searchParams.delete(name);
      else target.searchParams.set(name, value);
    }
    const now = target.pathname + target.search + target.hash;
    if (now === new URL(first, location.href).href.slice(location.origin.length)) return;
    link.setAttribute("href", now);
    made.set(link, { first, now });
  }
  for (const kind of ["click", "auxclick", "contextmenu"]) {
    document.addEventListener(kind, bringAlong, true);
  }

  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (!form.dataset.keeps || new URL(form.action).pathname !== location.pathname) return;
    for (const [name, value] of changedSince()) {
      let field = form.elements.namedItem(name);
      if (field && field.type !== "hidden") continue;
      if (!field) {
        field = document.createElement("input");
        field.type = "hidden";
        field.name = name;
        form.append(field);
      }
      field.disabled = value === null;
      field.value = value === null ? "" : value;
    }
  }, true);

  // A decision on a pair counts only for what was seen: a press that follows others from before the
  // pair was there, or the second click of two, decides nothing. The page is calm after a pause.
  const PAUSE_MS = 400;
  let calming = null;

  function calmDown() {
    const there = document.querySelector(".c-review-buttons") ? PAUSE_MS : 0;
    clearTimeout(calming);
    calming = setTimeout(() => (document.documentElement.dataset.calm = "true"), there);
  }

  function tooEarly(event) {
    if (document.documentElement.dataset.calm) return;
    const button = event.target.closest && event.target.closest("[aria-keyshortcuts]");
    const key = event.type === "click" ? button && button.getAttribute("aria-keyshortcuts") : event.key;
    const typing = event.type !== "click" && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
    if (!/^[aru]$/i.test(key || "") || typing) return;
    event.stopImmediatePropagation();
    calmDown();
  }
  addEventListener("keydown", tooEarly, true);
  addEventListener("click", tooEarly, true);

  // Where the connection is lost because nobody is logged in any more, what the page shows goes away.
  setInterval(async () => {
    const lost = document.getElementById("popup");
    if (!lost || lost.ariaHidden !== "false") return;
    try {
      // a file, which costs the server next to nothing; a script that asks is told 401, not the form
      const answer = await fetch("/static/c360.css", { cache: "no-store" });
      if (answer.status === 401) location.reload();
    } catch {
      // the server is down: NiceGUI says so, and connects again by itself
    }
  }, 5000);

  function bubble() {
    let made = document.getElementById("c-bubble");
    if (!made) {
      made = document.createElement("div");
      made.id = "c-bubble";
      made.setAttribute("role", "status");
      document.body.append(made);
    }
    return made;
  }

  function close() {
    const made = document.getElementById("c-bubble");
    if (made) made.hidden = true;
  }

  function tell(button) {
    const made = bubble();
    const name = document.createElement("code");
    name.textContent = button.dataset.name;
    const words = document.createElement("div");
    words.textContent = button.dataset.words;
    made.replaceChildren(words, name);
    made.hidden = false;
    const at = button.getBoundingClientRect();
    const left = Math.min(at.left, innerWidth - made.offsetWidth - 8);
    made.style.left = `${Math.max(8, left) + scrollX}px`;
    made.style.top = `${at.bottom + 6 + scrollY}px`;
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest && event.target.closest(".c-source, .c-theme");
    if (!button) return close();
    if (button.classList.contains("c-theme")) {
      const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
      localStorage.setItem(KEY, next);
      return show(next);
    }
    tell(button);
  });

  // up and down lead from the search field through what it found
  function walk(event) {
    const stops = [...document.querySelectorAll("#search, .c-result-title a")];
    const at = stops.indexOf(event.target);
    if (at < 0 || stops.length < 2) return;
    const next = stops[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") close();
    if (event.key === "ArrowDown" || event.key === "ArrowUp") return walk(event);
    const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName || "");
    if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
      const field = document.getElementById("search");
      if (field) {
        event.preventDefault();
        field.focus();
        field.select();
      }
    }
  });
})();
