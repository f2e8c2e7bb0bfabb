// Everything that is shown of an error is text: nothing of it is ever read as HTML.

export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  className: string,
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

export function button(label: string, onClick: (button: HTMLButtonElement) => void): HTMLButtonElement {
  const made = element("button", "", label);
  made.type = "button";
  made.addEventListener("click", () => onClick(made));
  return made;
}

export function byId<T extends HTMLElement>(id: string): T {
  return document.getElementById(id) as T;
}

/** say tells those who do not see the page. */
export function say(text: string): void {
  byId("said").textContent = text;
}
