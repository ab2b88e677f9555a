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
    const look = new MutationObserver(() => {
      if (document.querySelector("main#main")) {
        look.disconnect();
        // Quasar's page is a <main> as well, and the header stands in it
        document.querySelector("main.q-page").setAttribute("role", "none");
        show(wanted());
        // what led here by the keyboard has the keyboard again
        const used = document.getElementById(sessionStorage.getItem("c360-focus"));
        sessionStorage.removeItem("c360-focus");
        // Quasar's slider has the keyboard in a part of its own
        if (used) (used.querySelector("[tabindex]") || used).focus({ preventScroll: true });
      }
    });
    look.observe(document.body, { childList: true, subtree: true });
  });

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
