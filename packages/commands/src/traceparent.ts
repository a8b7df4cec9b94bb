const traceparent = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/

/**
 * Whether a text is a W3C Trace Context: a version, 16 bytes of trace, 8 of span, flags. A trace or
 * a span of zeros is none.
 */
export function isTraceparent(text: string | undefined): text is string {
  return text !== undefined && traceparent.test(text)
}
