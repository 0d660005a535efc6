// Filters and enlarges the samples. Filters stand in the address: #split=val&damage=box&bin=0.1-0.2
"use strict";

const gallery = document.getElementById("gallery");
const filters = gallery.querySelector("form");
const dialog = document.querySelector("dialog");
const cards = [...gallery.querySelectorAll(".card")];
const shown = () => cards.filter((card) => !card.hidden);
let enlarged = null;

function applyFilters() {
  const wanted = [...new FormData(filters)].filter(([, value]) => value);
  for (const card of cards) card.hidden = wanted.some(([name, value]) => card.dataset[name] !== value);
  filters.querySelector("output").textContent = `${shown().length} shown`;
  filters.querySelector("button").disabled = !wanted.length;
  gallery.querySelector(".none").hidden = shown().length > 0;
  return wanted;
}

function takeFromAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const names = new Set([...filters.elements].map((input) => input.name).filter(Boolean));
  if (![...names].some((name) => asked.has(name))) return;
  for (const name of names) {
    const inputs = [...filters.elements].filter((input) => input.name === name);
    (inputs.find((input) => input.value === asked.get(name)) ?? inputs[0]).checked = true;
  }
  applyFilters();
  gallery.scrollIntoView({ behavior: "instant" });
}

function putIntoAddress() {
  const wanted = applyFilters();
  history.replaceState(null, "", wanted.length ? `#${new URLSearchParams(wanted)}` : "#gallery");
}

function enlarge(card) {
  enlarged = card;
  const figures = [...card.querySelectorAll("img")].map((image) => {
    const figure = document.createElement("figure");
    const caption = document.createElement("figcaption");
    caption.textContent = image.alt;
    figure.append(image.cloneNode(), caption);
    return figure;
  });
  dialog.querySelector(".large").replaceChildren(...figures);
  dialog.querySelector(".facts").replaceChildren(...card.querySelector(".facts").cloneNode(true).children);
  if (!dialog.open) dialog.showModal();
}

function step(by) {
  const among = shown();
  enlarge(among[(among.indexOf(enlarged) + by + among.length) % among.length]);
}

for (const part of gallery.querySelectorAll(".scripted")) part.hidden = false;
filters.addEventListener("change", putIntoAddress);
filters.addEventListener("reset", () => setTimeout(putIntoAddress));
for (const card of cards) card.querySelector("button").addEventListener("click", () => enlarge(card));
for (const button of dialog.querySelectorAll("[data-step]")) button.addEventListener("click", () => step(Number(button.dataset.step)));
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
dialog.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") step(-1);
  if (event.key === "ArrowRight") step(1);
});
window.addEventListener("hashchange", takeFromAddress);
applyFilters();
takeFromAddress();
