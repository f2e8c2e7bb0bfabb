// The button that sends a request again, once it may be sent.
import { button, element, say } from "./dom.js";

const second = 1000;
const day = 24 * 60 * 60 * second;

export function againButton(label: string, delayMs: number, run: () => void): HTMLElement[] {
  const ready = Date.now() + delayMs; // not a count of ticks: a page in the background has few
  const left = element("span", "countdown");
  left.id = "countdown";
  const again = button(label, () => {
    if (!again.ariaDisabled) run();
  });
  const tick = (): void => {
    const wait = ready - Date.now();
    if (wait > 0) {
      left.textContent = inTime(wait);
      setTimeout(() => again.isConnected && tick(), wait % second || second);
      return;
    }
    left.remove();
    again.ariaDisabled = null;
    say("You can try again now.");
  };
  if (delayMs <= 0) return [again];
  again.ariaDisabled = "true"; // rather than disabled, so that the keyboard's place is not lost
  again.setAttribute("aria-describedby", left.id);
  tick();
  return [again, left];
}

function inTime(ms: number): string {
  if (ms > day) return "in more than a day";
  const seconds = Math.ceil(ms / second);
  if (seconds < 100) return `in ${seconds} s`;
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h > 0 ? `in ${h} h ${m} min` : `in ${m} min ${s} s`;
}
