// The fields of the form, by their names in the request.
import { byId } from "./dom.js";

type Field = HTMLInputElement | HTMLTextAreaElement;

const user = byId<HTMLInputElement>("user");
const query = byId<HTMLTextAreaElement>("query");

export const writesText = (): boolean => byId<HTMLFormElement>("form")["task"].value === "text";

/** fieldNamed finds the field that a person can correct; there is none for what the page fills in itself. */
export function fieldNamed(name: string): Field | undefined {
  const fields = new Map<string, Field>(writesText() ? [["prompt", query]] : [["query", query], ["user_id", user]]);
  return fields.get(name);
}

/** mark says what is wrong with a field, until it is changed. */
export function mark(field: Field, text: string): void {
  const problem = byId(`${field.id}-problem`);
  problem.textContent = text;
  problem.hidden = false;
  field.setAttribute("aria-invalid", "true");
  field.setAttribute("aria-describedby", problem.id);
  field.addEventListener("input", () => unmark(field), { once: true });
}

function unmark(field: Field): void {
  byId(`${field.id}-problem`).hidden = true;
  field.removeAttribute("aria-invalid");
  field.removeAttribute("aria-describedby");
}

export function unmarkAll(): void {
  [query, user].forEach(unmark);
}
