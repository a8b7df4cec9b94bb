/** Text without what a terminal would obey: clients choose keys and bodies. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu, (found) => {
    const code = found.codePointAt(0)!.toString(16)
    return `\\u{${code}}`
  })
}
