import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { javaCommand } from './install-kafka.ts'

/** Who may enter a guarded broker. */
export type KafkaUser = Readonly<{ username: string; password: string }>

/** Where clients show credentials, as host and port, and whom they trust. */
export type KafkaGuard = Readonly<{
  /** SASL without TLS. */
  sasl: string
  /** SASL within TLS. */
  saslTls: string
  /** In PEM: who has signed the broker's certificate. */
  ca: string
}>

const keystorePassword = 'not secret: it lies beside its keystore'
const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']

/** Makes, in a folder, the certificate of a broker at 127.0.0.1; gives it in PEM. */
export async function makeCertificate(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const file = keystoreOf(folder)
  const store = ['-keystore', file, '-storepass', keystorePassword, '-alias', 'broker']
  if (!existsSync(file)) {
    const key = ['-keyalg', 'EC', '-groupname', 'secp256r1', '-validity', '3650']
    const names = ['-dname', 'CN=127.0.0.1', '-ext', 'san=ip:127.0.0.1']
    keytool(['-genkeypair', '-storetype', 'PKCS12', ...key, ...names, ...store])
  }
  return keytool(['-exportcert', '-rfc', ...store])
}

/** What the broker is told of its guarded ports; the listeners' own names are `SASL` and `TLS`. */
export function guardSettings(
  folder: string,
  { username, password }: KafkaUser,
): Readonly<Record<string, string>> {
  const jaas = (module: string, more = '') => `${module} required${more};`
  const plain = jaas(
    'org.apache.kafka.common.security.plain.PlainLoginModule',
    ` user_${username}="${password}"`,
  )
  const scram = jaas('org.apache.kafka.common.security.scram.ScramLoginModule')
  const perListener = ['sasl', 'tls'].flatMap((name) =>
    mechanisms.map((mechanism) => [
      `listener.name.${name}.${mechanism.toLowerCase()}.sasl.jaas.config`,
      mechanism === 'PLAIN' ? plain : scram,
    ]),
  )
  return {
    'sasl.enabled.mechanisms': mechanisms.join(','),
    ...Object.fromEntries(perListener),
    'listener.name.tls.ssl.keystore.type': 'PKCS12',
    'listener.name.tls.ssl.keystore.location': keystoreOf(folder),
    'listener.name.tls.ssl.keystore.password': keystorePassword,
  }
}

/** Of the broker's formatting: who may enter by SCRAM. */
export function scramUsers({ username, password }: KafkaUser): string[] {
  return mechanisms
    .filter((mechanism) => mechanism.startsWith('SCRAM'))
    .flatMap((mechanism) => ['--add-scram', `${mechanism}=[name=${username},password=${password}]`])
}

function keystoreOf(folder: string): string {
  return join(folder, 'broker.p12')
}

/** It comes with every Java. */
function keytool(args: readonly string[]): string {
  const command = javaCommand().replace(/java$/, 'keytool')
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`keytool makes no certificate: ${stdout}${stderr}`)
  return stdout
}
