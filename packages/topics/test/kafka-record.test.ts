import { told } from '@semel/topics/testing'
import { expect, it } from 'vitest'
import { carriedOf, recordOf } from '../src/kafka-record.ts'

it('a message is a CloudEvent in binary mode, under the names that other systems know', () => {
  const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
  const message = { ...told('billing', 'ann', 1), body: { amount: 900 }, traceparent }

  const { key, value, headers } = recordOf(carriedOf(message))

  expect([`${key}`, `${value}`]).toEqual(['ann', '{"amount":900}'])
  expect([...headers].map(([name, text]) => [`${name}`, `${text}`])).toEqual([
    ['ce_specversion', '1.0'],
    ['content-type', 'application/json'],
    ['ce_id', message.id],
    ['ce_type', 'told'],
    ['ce_source', 'conformance'],
    ['ce_time', '2026-01-01T00:00:00.000Z'],
    ['ce_scope', message.scope],
    ['ce_commandid', message.commandId],
    ['traceparent', traceparent],
  ])
})
