/** Numbers that look random and are the same for the same seed: sfc32. */
export class Random {
  #a: number
  #b: number
  #c = 0x9e3779b9
  #counter = 1

  constructor(seed: number) {
    this.#a = seed >>> 0
    this.#b = Math.floor(seed / 2 ** 32) >>> 0
    for (let round = 0; round < 12; round += 1) this.bits()
  }

  /** 32 bits. */
  bits(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }

  /** From 0 to below 1. */
  fraction(): number {
    return this.bits() / 2 ** 32
  }

  /** A whole number from 0 to below `end`. */
  below(end: number): number {
    return Math.floor(this.fraction() * end)
  }

  /** Whether something happens that happens so often; draws nothing for what never does. */
  chance(rate: number): boolean {
    return rate > 0 && this.fraction() < rate
  }

  pick<T>(of: readonly T[]): T {
    return of[this.below(of.length)] as T
  }
}
