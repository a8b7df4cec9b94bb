const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Whether a text is a UUID, of any version and in either case. */
export function isUuid(text: string | undefined): text is string {
  return text !== undefined && uuid.test(text)
}

/** A text with its letters lowered if it is a UUID: the same one may be written in either case. */
export function lowerUuid(text: string): string {
  return isUuid(text) ? text.toLowerCase() : text
}
