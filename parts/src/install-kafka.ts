import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { PartError } from './part-error.ts'

const pom = new URL('../kafka/pom.xml', import.meta.url).pathname
const javaMin = 17

/** Where what was downloaded is kept: `PARTS_CACHE`, or `~/.cache/semel`. */
export function cacheFolder(): string {
  return process.env.PARTS_CACHE ?? join(homedir(), '.cache', 'semel')
}

/** What a broker still lacks on this machine, as one line that says how to get it. */
export function whatKafkaLacks(): string | undefined {
  return whatJavaLacks() ?? (existsSync(jarFolder()) ? undefined : 'no Kafka: run npm run parts')
}

/** The folder of the broker's programs, whether they are there or not; another one per pom. */
export function jarFolder(): string {
  const version = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 12)
  return join(cacheFolder(), `kafka-${version}`)
}

/** The Java that runs the broker: that of `JAVA_HOME`, or the one on the path. */
export function javaCommand(): string {
  const { JAVA_HOME } = process.env
  return JAVA_HOME === undefined ? 'java' : join(JAVA_HOME, 'bin', 'java')
}

/**
 * Downloads the broker that `kafka/pom.xml` names from Maven's own repository, unless it is there:
 * 44 MB. What is there is whole: a download that breaks off leaves nothing in its place.
 *
 * @returns the folder of its programs.
 * @throws {PartError} for want of Java or Maven, or when the download fails.
 */
export async function installKafka(say: (line: string) => void): Promise<string> {
  const folder = jarFolder()
  const isThere = existsSync(folder)
  const lacks = whatJavaLacks() ?? (isThere ? undefined : whatMavenLacks())
  if (lacks !== undefined) throw new PartError(lacks)
  if (isThere) return folder
  await mkdir(cacheFolder(), { recursive: true })
  const unfinished = await mkdtemp(join(cacheFolder(), 'unfinished-'))
  try {
    say('Kafka is downloaded, once: 44 MB from Maven Central')
    await copyDependencies(unfinished, say)
    // Whoever finished first has put the same there.
    if (!existsSync(folder)) await rename(unfinished, folder)
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
  return folder
}

async function copyDependencies(folder: string, say: (line: string) => void): Promise<void> {
  const goals = ['dependency:copy-dependencies', '-DincludeScope=runtime']
  const maven = spawn('mvn', ['-B', '-f', pom, ...goals, `-DoutputDirectory=${folder}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise<number | null>((resolve, reject) => {
    maven.once('error', reject)
    maven.once('close', resolve)
  })
  const errors: string[] = []
  let files = 0
  for await (const line of createInterface({ input: maven.stdout })) {
    if (/^(\[INFO\] )?Downloaded from .*\.jar/.test(line)) {
      files += 1
      if (files % 20 === 0) say(`  ${files} files`)
    }
    if (line.startsWith('[ERROR]')) errors.push(line)
  }
  const code = await ended
  if (code !== 0) throw new PartError(`Maven ended with ${code}:\n${errors.join('\n')}`)
}

function whatJavaLacks(): string | undefined {
  const get = `apt-get install openjdk-${javaMin}-jre-headless, or set JAVA_HOME`
  const { error, stderr } = spawnSync(javaCommand(), ['-version'], { encoding: 'utf8' })
  if (error !== undefined) return `no Java (${javaMin} or newer): ${get}`
  const major = Number(/version "(\d+)/.exec(stderr)?.[1])
  return major >= javaMin ? undefined : `Java ${major} is too old for Kafka: ${get}`
}

function whatMavenLacks(): string | undefined {
  const { error } = spawnSync('mvn', ['-version'], { encoding: 'utf8' })
  return error === undefined ? undefined : 'no Maven: apt-get install maven'
}
