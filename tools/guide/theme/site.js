// What the site does in a browser: search, and light or dark. It works from files, without a
// server: nothing is fetched; the index and the library that searches it are scripts.
"use strict";

(() => {
  const rootElement = document.documentElement;
  const root = rootElement.dataset.root ?? "";

  // Light or dark: the system's choice, unless the reader has made one.
  const stored = (() => {
    try {
      return localStorage.getItem("weft-shade");
    } catch {
      return null; // a browser may refuse storage to files
    }
  })();
  const isDark = () =>
    rootElement.classList.contains("dark-mode") ||
    (!rootElement.classList.contains("light-mode") &&
      matchMedia("(prefers-color-scheme: dark)").matches);
  const setShade = (shade) => {
    rootElement.classList.toggle("dark-mode", shade === "dark");
    rootElement.classList.toggle("light-mode", shade === "light");
  };
  if (stored) setShade(stored);

  const switchShade = () => {
    const shade = isDark() ? "light" : "dark";
    setShade(shade);
    try {
      localStorage.setItem("weft-shade", shade);
    } catch {
      // then it holds for this page alone
    }
  };

  // Search. The index is loaded when the box is first used.
  const loadScript = (name) =>
    new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = root + name;
      script.onload = resolve;
      script.onerror = () => reject(new Error(`${name} could not be loaded`));
      document.head.append(script);
    });

  let loading = null;
  const loadIndex = () => {
    const scripts = ["minisearch.js", "search-data.js"];
    loading ??= Promise.all(scripts.map(loadScript)).then(() => {
      const index = new MiniSearch({
        fields: ["title", "page", "text"],
        storeFields: ["title", "page", "url", "door", "text"],
        // Words as they are in prose and in code: snake_case counts as a whole and by its parts.
        tokenize: (text) => {
          const words = text.split(/[^\p{L}\p{N}_+]+/u).filter(Boolean);
          const withParts = (word) => (word.includes("_") ? [word, ...word.split("_")] : [word]);
          return words.flatMap(withParts).filter(Boolean);
        },
        searchOptions: {
          boost: { title: 4, page: 2 },
          prefix: (term) => term.length > 1,
          fuzzy: (term) => (term.length > 4 ? 0.2 : false),
          boostDocument: (_id, _term, stored) => (stored.door === "How-to" ? 1.7 : 1),
        },
      });
      index.addAll(window.weftSearchData.map((entry, id) => ({ id, ...entry })));
      return index;
    });
    return loading;
  };

  const mostFound = 12;
  const excerptLength = 140;

  /** The part of the text around the first word that was searched for, with these words marked. */
  const excerpt = (text, terms) => {
    const lower = text.toLowerCase();
    const places = terms.map((term) => lower.indexOf(term)).filter((place) => place >= 0);
    const first = places.length ? Math.min(...places) : 0;
    const begin = Math.max(0, text.lastIndexOf(" ", Math.max(0, first - 40)) + 1);
    const shown = document.createElement("span");
    shown.className = "excerpt";
    const part = text.slice(begin, begin + excerptLength);
    if (begin > 0) shown.append("… ");
    markTerms(shown, part, terms);
    if (begin + excerptLength < text.length) shown.append(" …");
    return shown;
  };

  const markTerms = (element, text, terms) => {
    const escaped = terms.map((term) => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
    if (!escaped.length) return element.append(text);
    text.split(new RegExp(`(${escaped.join("|")})`, "gi")).forEach((piece, number) => {
      if (number % 2 === 0) return element.append(piece);
      const mark = document.createElement("mark");
      mark.textContent = piece;
      element.append(mark);
    });
  };

  const resultLink = (hit) => {
    const link = document.createElement("a");
    link.href = root + hit.url;
    link.setAttribute("role", "option");
    const title = document.createElement("b");
    title.textContent = hit.title;
    const where = document.createElement("small");
    where.textContent = hit.page === hit.title ? hit.door : `${hit.door} · ${hit.page}`;
    link.append(title, where, excerpt(hit.text, hit.terms));
    return link;
  };

  const startSearch = () => {
    const box = document.getElementById("search");
    const found = document.getElementById("found");
    if (!box || !found || rootElement.dataset.search === "none") return;
    box.disabled = false;

    const show = (open) => {
      found.hidden = !open;
      box.setAttribute("aria-expanded", String(open));
    };
    const say = (text) => {
      const line = document.createElement("p");
      line.textContent = text;
      found.replaceChildren(line);
      show(true);
    };
    const search = async () => {
      const query = box.value.trim();
      if (!query) return show(false);
      let index;
      try {
        index = await loadIndex();
      } catch (error) {
        return say(String(error.message));
      }
      if (query !== box.value.trim()) return; // typed on meanwhile
      // Those with all words first, then those with some.
      const all = index.search(query, { combineWith: "AND" });
      const some = all.length < mostFound ? index.search(query) : [];
      const ids = new Set(all.map((hit) => hit.id));
      const named = (hit) => hit.title.toLowerCase().replace("weft::", "") === query.toLowerCase();
      const hits = [...all, ...some.filter((hit) => !ids.has(hit.id))];
      hits.sort((one, other) => named(other) - named(one)); // stable: else as they were
      if (!hits.length) return say(`Nothing found for “${query}”`);
      found.replaceChildren(...hits.slice(0, mostFound).map(resultLink));
      show(true);
    };
    const move = (step) => {
      const links = [...found.querySelectorAll("a")];
      if (!links.length) return;
      const now = links.indexOf(document.activeElement);
      const next = now + step;
      if (next < 0) return box.focus();
      links[Math.min(next, links.length - 1)].focus();
    };

    box.addEventListener("focus", () => void loadIndex().catch(() => {}));
    box.addEventListener("input", () => void search());
    document.addEventListener("keydown", (event) => {
      const isTyping = /^(input|textarea|select)$/i.test(document.activeElement?.tagName ?? "");
      const isInside = document.activeElement === box || found.contains(document.activeElement);
      if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        box.focus();
        box.select();
      } else if (event.key === "Escape" && isInside) {
        show(false);
        box.blur();
      } else if (isInside && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
        event.preventDefault();
        move(event.key === "ArrowDown" ? 1 : -1);
      } else if (event.key === "Enter" && document.activeElement === box) {
        found.querySelector("a")?.click();
      }
    });
    document.addEventListener("click", (event) => {
      if (!event.target.closest(".search")) show(false);
    });
    box.addEventListener("focus", () => box.value.trim() && void search());
  };

  document.addEventListener("DOMContentLoaded", () => {
    startSearch();
    document.getElementById("shade")?.addEventListener("click", switchShade);
  });
})();
