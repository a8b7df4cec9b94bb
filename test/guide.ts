import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { onTestFailed } from 'vitest'

// The commands of docs/cluster, as they stand there, on the cluster of KUBECONFIG.

const root = new URL('..', import.meta.url).pathname

/**
 * What comes before every script. Where a cluster reaches no registry, STAND_INS is a folder with
 * the images that stand in for official ones, as values of the charts.
 */
const prelude = `
set -euo pipefail
cd '${root}'
helm() {
  local word chart=
  for word in "$@"; do case $word in charts/*) chart=\${word#charts/} ;; esac; done
  case $1 in
    install | upgrade)
      local values=\${STAND_INS:-}/$chart.yaml
      if [ -f "$values" ]; then set -- "$@" --values "$values"; fi ;;
  esac
  command helm "$@" 2> >(grep -v 'found symbolic link' >&2)
}
`

/** What a script has said, on both streams, and how it ended. */
export type Ran = Readonly<{ code: number; output: string }>

/** Runs a script of bash in the root of the checkout; its output is printed if the test fails. */
export async function run(script: string): Promise<Ran> {
  const child = spawn('bash', ['-c', `${prelude}\n${script}`], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const code = await new Promise<number>((resolve) => child.once('close', resolve))
  return { code, output }
}

/**
 * Runs what must succeed, and resolves to what it said.
 *
 * @throws Error with its output.
 */
export async function succeed(script: string): Promise<string> {
  const { code, output } = await run(script)
  if (code !== 0) throw new Error(`exit code ${code} of:\n${script}\n${output}`)
  return output
}

/** The commands of a section of a page, by its heading; of the whole page where none is named. */
export function commandsOf(page: string, heading?: string): string {
  const text = readFileSync(`${root}docs/cluster/${page}`, 'utf8')
  const sections = text.split(/^## /m)
  const chosen =
    heading === undefined ? text : sections.find((section) => section.startsWith(`${heading}\n`))
  const blocks = [...(chosen ?? '').matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block!)
  if (blocks.length === 0) throw new Error(`${page} has no commands in "${heading}"`)
  return blocks.join('\n')
}

/** When the test fails, prints what the cluster says of a namespace. */
export function explainFailure(...namespaces: readonly string[]): void {
  onTestFailed(async () => {
    for (const namespace of namespaces) {
      const { output } = await run(`
        kubectl get pods,jobs,pvc,ingress --namespace ${namespace} || true
        kubectl get events --namespace ${namespace} --sort-by=.lastTimestamp | tail -40 || true
        for pod in $(kubectl get pods --namespace ${namespace} --output name); do
          echo "== $pod"
          kubectl logs --namespace ${namespace} --all-containers --tail 20 "$pod" || true
        done`)
      console.log(`${namespace}\n${output}`)
    }
  })
}

/** A script that gives a Deployment of a chart new pods, and is over when the old ones are gone. */
export function restarting(deployment: string, chart: string, namespace: string): string {
  return `
    old=$(kubectl get pods --namespace ${namespace} --output name \\
      --selector app.kubernetes.io/name=${chart})
    kubectl rollout restart deployment/${deployment} --namespace ${namespace}
    kubectl rollout status deployment/${deployment} --namespace ${namespace} --timeout 3m
    kubectl wait $old --namespace ${namespace} --for delete --timeout 2m`
}

/**
 * What is in a namespace that Kubernetes has not put there itself, nor users, as it is named, once
 * what goes has gone; and the volumes that were claimed there, but for those that the cluster is
 * told to retain.
 */
export async function leftIn(namespace: string, ...ofUsers: readonly string[]): Promise<string[]> {
  const apart = ['serviceaccount/default', 'configmap/kube-root-ca.crt', ...ofUsers]
  const { code, output } = await run(`
    kinds=$(kubectl api-resources --verbs list,delete --namespaced --output name |
      grep -v '^events' | paste -sd, -)
    left() {
      kubectl get persistentvolumes --output 'go-template=${volumesOf(namespace)}'
      if kubectl get namespace ${namespace} >/dev/null 2>&1; then
        kubectl get "$kinds" --namespace ${namespace} --output name 2>/dev/null |
          grep -Fxv '${apart.join('\n')}' || true
      else
        echo 'no namespace'
      fi
    }
    for attempt in $(seq 60); do
      left=$(left)
      case $left in '' | 'no namespace') break ;; esac
      sleep 0.5
    done
    echo "$left"`)
  if (code !== 0) throw new Error(output)
  return output.split('\n').filter((line) => line !== '')
}

/** Uninstalls as a page says, to what is left in the namespaces before it has them deleted. */
export async function uninstall(
  page: string,
  namespaces: readonly string[],
  ...ofUsers: readonly string[]
): Promise<string[]> {
  const script = commandsOf(page, 'Uninstall')
  const deletion = script.indexOf('\nkubectl delete namespace')
  await succeed(script.slice(0, deletion))
  const left = await Promise.all(namespaces.map((name) => leftIn(name, ...ofUsers)))
  await succeed(script.slice(deletion))
  return left.flat()
}

function volumesOf(namespace: string): string {
  return `{{range .items}}{{if and .spec.claimRef (eq .spec.claimRef.namespace "${namespace}")
    (eq .spec.persistentVolumeReclaimPolicy "Delete")}}{{.metadata.name}}{{"\\n"}}{{end}}{{end}}`
}

/** What a Secret holds. */
export async function secretOf(name: string, key: string, namespace: string): Promise<string> {
  return succeed(`kubectl get secret ${name} --namespace ${namespace} \\
    --output 'go-template={{index .data "${key}" | base64decode}}'`)
}
