/** Random is a generator of numbers that the same seed gives again (mulberry32). */
export class Random {
  constructor(private state: number) {}

  /** below returns an integer from 0 to n-1. */
  below(n: number): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  }

  bytes(n: number): Uint8Array {
    return Uint8Array.from({ length: n }, () => this.below(256));
  }

  /** mutated is bytes with a few of them changed, removed, added or copied from elsewhere. */
  mutated(bytes: Uint8Array): Uint8Array {
    let out = [...bytes];
    for (let n = 1 + this.below(4); n > 0; n--) {
      const at = this.below(out.length + 1);
      switch (this.below(4)) {
        case 0:
          out[at] = this.below(256);
          break;
        case 1:
          out.splice(at, 1 + this.below(8));
          break;
        case 2:
          out.splice(at, 0, ...this.bytes(1 + this.below(8)));
          break;
        default: {
          const from = this.below(out.length);
          out = [...out.slice(0, at), ...out.slice(from, from + this.below(64)), ...out.slice(at)];
        }
      }
    }
    return Uint8Array.from(out);
  }
}
