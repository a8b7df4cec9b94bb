{{/* How this release calls its chart with a name: (list $ "postgres"). */}}
{{- define "service.called" -}}
{{- $root := index . 0 -}}
{{- $chart := index . 1 -}}
{{- eq $root.Release.Name $chart | ternary $chart (printf "%s-%s" $root.Release.Name $chart) -}}
{{- end }}

{{/*
How everything of this chart is called. A name that is cut could be another one's; and
<name>-migration-next has to fit into the 63 characters of a label. A Service is a host of DNS,
and begins with a letter before Kubernetes 1.34; what YAML takes for a number or a boolean is no name.
*/}}
{{- define "service.fullname" -}}
{{- $name := default (include "service.called" (list . .Chart.Name)) .Values.fullnameOverride -}}
{{- if gt (len $name) 48 -}}
  {{- fail (printf "the name %s has %d characters, and at most 48 are allowed: choose a shorter name for the release, or set fullnameOverride" $name (len $name)) -}}
{{- end -}}
{{- $isText := kindIs "string" (printf "name: %s" $name | fromYaml).name -}}
{{- if not (and $isText (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $name)) -}}
  {{- fail (printf "the name %s is none that a Service can have: it has to begin with a letter, and to have letters, digits and hyphens alone: choose another name for the release, or set fullnameOverride" $name) -}}
{{- end -}}
{{- $name -}}
{{- end }}

{{/* Where a neighbour is: one of the same release, or of a release that has the chart's name, as this one has. */}}
{{- define "service.neighbour" -}}
{{- $root := index . 0 -}}
{{- $chart := index . 1 -}}
{{- eq $root.Release.Name $root.Chart.Name | ternary $chart (include "service.called" .) -}}
{{- end }}

{{/* What tells pods apart, for ever: a Deployment's selector cannot be changed. (list $ "orders") */}}
{{- define "service.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ index . 1 }}
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
{{- end }}

{{/*
Labels of pods, by what they are: (list $ "orders-migration"). No version: another label is another pod,
and no upgrade is to restart a database whose image stays.
*/}}
{{- define "service.podLabels" -}}
{{- $root := index . 0 -}}
{{ include "service.selector" . }}
app.kubernetes.io/component: {{ $root.Chart.Name }}
app.kubernetes.io/part-of: semel
{{- end }}

{{/* Labels of whatever else belongs to this chart. */}}
{{- define "service.labels" -}}
{{- $root := index . 0 -}}
{{ include "service.podLabels" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" }}
{{- end }}

{{/* Name, namespace and labels of whatever belongs to this chart: (list $ name what). */}}
{{- define "service.metadata" -}}
{{- $root := index . 0 -}}
name: {{ index . 1 }}
namespace: {{ $root.Release.Namespace }}
labels:
  {{- include "service.labels" (list $root (index . 2)) | nindent 2 }}
{{- end }}

{{/* An image as it is pulled: (list $ .Values.image). A digest says it all; the tag is then for people. */}}
{{- define "service.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $registry := default ((($root.Values.global).semel).image).registry $image.registry -}}
{{- with $registry }}{{ trimSuffix "/" . }}/{{ end -}}
{{ $image.repository }}:{{ default $root.Chart.AppVersion $image.tag }}
{{- with $image.digest }}@{{ . }}{{ end -}}
{{- end }}

{{/* What the process of this chart reads, what it is told, what it shows. */}}
{{- define "service.process" -}}
{{- .Files.Get "process.yaml" -}}
{{- end }}
