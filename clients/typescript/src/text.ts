// Characters that become one space each, and those that go: they show nothing, or change what is around them.
const spaces = /[\t-\r\u{85}\u{a0}\u{1680}\u{2000}-\u{200a}\u{2028}\u{2029}\u{202f}\u{205f}\u{3000}]/gu;
const removed =
  /[\0-\u{8}\u{e}-\u{1f}\u{7f}-\u{84}\u{86}-\u{9f}\u{ad}\u{34f}\u{600}-\u{605}\u{61c}\u{6dd}\u{70f}\u{890}\u{891}\u{8e2}\u{115f}\u{1160}\u{17b4}\u{17b5}\u{180b}-\u{180f}\u{200b}\u{200e}\u{200f}\u{202a}-\u{202e}\u{2060}-\u{206f}\u{2800}\u{3164}\u{fe00}-\u{fe0d}\u{feff}\u{ffa0}\u{fff0}-\u{fffb}\u{110bd}\u{110cd}\u{13430}-\u{1343f}\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;
const loneSurrogates = /\p{Surrogate}/gu;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** clean makes text from a server safe to show on one line, and cuts it to so many bytes of UTF-8. */
export function clean(text: string, limit = Infinity): string {
  const shown = text.replace(loneSurrogates, "\u{fffd}").replace(spaces, " ").replace(removed, "");
  return cut(trim(shown), limit);
}

// trim takes the spaces off both ends. A pattern for those at the end would look at each run of spaces once for every
// space in it.
function trim(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && text[start] === " ") {
    start++;
  }
  while (end > start && text[end - 1] === " ") {
    end--;
  }
  return text.slice(start, end);
}

function cut(text: string, limit: number): string {
  const bytes = encoder.encode(text);
  if (bytes.length <= limit) {
    return text;
  }
  let end = limit - 3;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) {
    end--;
  }
  return trim(decoder.decode(bytes.subarray(0, end))) + "...";
}

/** byteLength is the length of text in UTF-8. */
export function byteLength(text: string): number {
  return encoder.encode(text).length;
}

/** compareBytes orders texts as their UTF-8 does, which is not the order of UTF-16. */
export function compareBytes(a: string, b: string): number {
  const x = encoder.encode(a);
  const y = encoder.encode(b);
  for (let i = 0; i < x.length && i < y.length; i++) {
    if (x[i] !== y[i]) {
      return x[i]! - y[i]!;
    }
  }
  return x.length - y.length;
}

/** decodeText decodes UTF-8, with one U+FFFD for each run of bytes that are none. */
export function decodeText(bytes: Uint8Array): string {
  return decoder.decode(validText(bytes));
}

/** validText returns bytes themselves where they are UTF-8, else with one U+FFFD for each run of bytes that are none. */
export function validText(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  let valid = true;
  let inRun = false;
  for (let i = 0; i < bytes.length;) {
    const length = characterAt(bytes, i);
    if (length > 0) {
      out.push(...bytes.subarray(i, i + length));
    } else if (!inRun) {
      out.push(0xef, 0xbf, 0xbd);
    }
    inRun = length === 0;
    valid &&= !inRun;
    i += Math.max(length, 1);
  }
  return valid ? bytes : Uint8Array.from(out);
}

/** characterAt is the length of the UTF-8 character that starts at i, 0 if none does. */
function characterAt(bytes: Uint8Array, i: number): number {
  const first = bytes[i]!;
  if (first < 0x80) {
    return 1;
  }
  const length = first < 0xc2 || first > 0xf4 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  for (let k = 1; k < length; k++) {
    if ((bytes[i + k]! & 0xc0) !== 0x80) {
      return 0;
    }
  }
  const second = bytes[i + 1]!;
  // Neither too long for what they say, nor a surrogate, nor beyond the last code point.
  const overlong = (first === 0xe0 && second < 0xa0) || (first === 0xf0 && second < 0x90);
  const beyond = (first === 0xed && second > 0x9f) || (first === 0xf4 && second > 0x8f);
  return overlong || beyond ? 0 : length;
}

/** percentDecode decodes the value of grpc-message. A percent sign that starts no byte stands for itself. */
export function percentDecode(value: string): string {
  const bytes: number[] = [];
  for (let i = 0; i < value.length; i++) {
    const hex = value.slice(i + 1, i + 3);
    if (value[i] === "%" && /^[0-9a-fA-F]{2}$/.test(hex)) {
      bytes.push(parseInt(hex, 16));
      i += 2;
    } else {
      bytes.push(...encoder.encode(value[i]));
    }
  }
  return decodeText(Uint8Array.from(bytes));
}
