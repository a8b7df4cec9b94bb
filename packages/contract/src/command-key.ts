/**
 * Characters of a command's key, at most. What clients send comes to 257: `h:` and the key of a
 * header.
 */
export const commandKeyLengthMax = 512

const commandKey = new RegExp(`^[\\x21-\\x7e]{1,${commandKeyLengthMax}}$`)

/** Whether a value can be the key of a command that a topic carries: visible ASCII characters. */
export function isCommandKey(value: unknown): value is string {
  return typeof value === 'string' && commandKey.test(value)
}
