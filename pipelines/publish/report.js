// Filters the gallery; the choice stands in the address, so that it can be passed on.
const filters = document.querySelector(".filters");
const cards = [...document.querySelectorAll(".card")];

function show() {
  const chosen = [...new FormData(filters)].filter(([, value]) => value);
  for (const card of cards) card.hidden = !chosen.every(([name, value]) => card.dataset[name] === value);
  filters.querySelector("output").textContent = `${cards.filter((card) => !card.hidden).length} of ${cards.length} shown`;
  history.replaceState(null, "", chosen.length ? "#" + new URLSearchParams(chosen) : location.pathname);
}

for (const [name, value] of new URLSearchParams(location.hash.slice(1))) if (filters.elements[name]) filters.elements[name].value = value;
filters.addEventListener("change", show);
for (const card of cards) card.querySelector(".triple").addEventListener("click", () => card.classList.toggle("large"));
show();
