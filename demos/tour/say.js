// A text in the language of the page, with the values in place of {name}. words has the translations that a script
// needs; a page in English has none.
const say = (text, values = {}) => (words[text] ?? text).replace(/\{(\w+)\}/g, (_, name) => values[name]);

// The part of the address after ?, which holds what is true for the whole page.
const query = () => new URLSearchParams(location.search);

function keepQuery(key, value) {
  const kept = query();
  if (value === null) kept.delete(key);
  else kept.set(key, value);
  const text = kept.toString();
  history.replaceState(null, "", location.pathname + (text ? `?${text}` : "") + location.hash);
}
