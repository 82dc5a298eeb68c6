// What the other scripts share: the data, how times and numbers are written, and the colours that are in force.
"use strict";

const aftertrace = {};
document.documentElement.classList.add("js");

aftertrace.data = JSON.parse(document.getElementById("data").textContent);

aftertrace.count = (number) => number.toLocaleString("en-US");

// A time, in seconds that the offset of the page's zone was added to: the getters for UTC then tell the zone's clock.
aftertrace.clock = (seconds, parts) => {
  const iso = new Date(seconds * 1000).toISOString();
  return { day: iso.slice(0, 10), minute: iso.slice(11, 16), second: iso.slice(11, 19), all: iso.slice(0, 10) + " " + iso.slice(11, 19) }[parts];
};

// Colours are the style sheet's: an element is asked what a variable comes to in the theme that is in force.
aftertrace.colour = (() => {
  const probe = document.createElement("span");
  probe.hidden = true;
  document.body.append(probe);
  return (name) => {
    probe.style.color = "var(--" + name + ")";
    return getComputedStyle(probe).color;
  };
})();

// Calls back when the theme changes, by the system or by the switch, and around printing, which is always light.
aftertrace.onTheme = (() => {
  const listeners = [];
  const tell = () => listeners.forEach((listener) => listener());
  const key = "aftertrace-theme";
  const remembered = (write) => {
    // a page from a disk may have no storage
    try { return write ? localStorage.setItem(key, write) : localStorage.getItem(key); } catch { return null; }
  };
  const chosen = document.getElementById("theme-" + remembered());
  if (chosen) { chosen.checked = true; }
  for (const radio of document.getElementsByName("theme")) {
    radio.addEventListener("change", () => { remembered(radio.value); tell(); });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", tell);
  return (listener) => listeners.push(listener);
})();

// Paper has no summaries to click: all evidence is opened, and closed again behind what was closed before.
{
  const opened = [];
  addEventListener("beforeprint", () => {
    for (const details of document.querySelectorAll("details:not([open])")) {
      details.open = true;
      opened.push(details);
    }
  });
  addEventListener("afterprint", () => {
    for (const details of opened.splice(0)) { details.open = false; }
  });
}
