{{/* What to do after an installation of a service. */}}
{{- define "service.notes" -}}
{{- if eq (.Values.install | default "all") "migration" -}}
{{- include "service.notesOfMigration" . -}}
{{- else -}}
{{- $name := include "service.fullname" . -}}
{{- $url := include "service.url" . -}}
{{ .Chart.Name }} {{ .Chart.AppVersion }} answers in the cluster at http://{{ $name }}.{{ .Release.Namespace }}
{{- if contains "localhost" $url }}
From outside, while this runs, at {{ $url }}:
  kubectl --namespace {{ .Release.Namespace }} port-forward service/{{ $name }} 8080:80
{{- else }}
and from outside at {{ $url }}
{{- if not .Values.ingress.enabled }}, or by https, if the Gateway of its HTTPRoute listens for that{{ end }}
{{- end }}

{{ include "service.notesOfTokens" . }}

  curl -H "Authorization: Bearer $TOKEN" {{ $url }}/openapi.json
{{- if (include "service.secrets" . | fromYaml).AUTH_JWT_SECRET }}

Send one command twice, and see one effect:
  helm test {{ .Release.Name }} --namespace {{ .Release.Namespace }}
{{- end }}
{{- if (.Subcharts).postgres }}

Its PostgreSQL is for development. For another one, name the Secret that has its URL:
  --set postgres.enabled=false --set secrets.DATABASE_URL.name=… --set secrets.DATABASE_URL.key=uri
{{- end }}
{{- end }}
{{- end }}

{{/* Where a caller outside finds it. */}}
{{- define "service.url" -}}
{{- if include "service.isPublic" . -}}
{{ .Values.ingress.tls | empty | ternary "http" "https" }}://{{ .Values.host }}
{{- else -}}
http://localhost:8080
{{- end -}}
{{- end }}

{{- define "service.notesOfMigration" -}}
{{- $job := printf "%s-migration" (include "service.fullname" .) -}}
{{- if .Release.IsUpgrade -}}
The tables of {{ .Chart.Name }} are those of {{ .Chart.AppVersion }}.
{{- else -}}
The Job {{ $job }} makes the tables of {{ .Chart.Name }}. How far it is:
  kubectl --namespace {{ .Release.Namespace }} logs --follow job/{{ $job }}
{{- end }}

{{- with (include "service.secrets" . | fromYaml).DATABASE_URL }}

Next, in a release of its own, what uses them:
  --set install=app --set postgres.enabled=false --set secrets.DATABASE_URL.name={{ .name }} --set secrets.DATABASE_URL.key={{ .key }}
{{- end }}
{{- end }}

{{- define "service.notesOfTokens" -}}
{{- $settings := include "service.settings" . | fromYaml -}}
{{- with (include "service.secrets" . | fromYaml).AUTH_JWT_SECRET -}}
Callers need a token. One of an operator, for an hour:
  SECRET=$(kubectl --namespace {{ $.Release.Namespace }} get secret {{ .name }} -o jsonpath='{.data.{{ .key | replace "." "\\." }}}' | base64 -d)
  TOKEN=$(AUTH_JWT_SECRET=$SECRET
{{- range $variable := list "AUTH_ISSUER" "AUTH_AUDIENCE" }}
{{- with index $settings $variable }} {{ $variable }}={{ . | squote }}{{ end }}
{{- end }} npx semel token --operator)
{{- if .isMade }}

That secret was made for {{ $.Chart.Name }} alone: its tokens are valid nowhere else. Install what is to know
the same callers, in the same namespace, with
  --set secrets.AUTH_JWT_SECRET.name={{ .name }} --set secrets.AUTH_JWT_SECRET.key={{ .key }}
{{- end }}
{{- else -}}
Callers need a token, signed by a key that {{ $settings.AUTH_JWKS_URL | default "nobody named" }} shows: TOKEN=…
{{- end }}
{{- end }}

{{/* Who may connect to a server for development: (list $ "what anybody else could do"). */}}
{{- define "service.notesOfReach" -}}
{{- $root := index . 0 -}}
{{- if $root.Values.networkPolicy.enabled -}}
A NetworkPolicy lets in pods of Semel in {{ $root.Release.Namespace }}
{{- if $root.Values.networkPolicy.from }} and those of networkPolicy.from{{ end }}, if the network enforces it.
{{- else -}}
Whoever reaches it {{ index . 1 }}. To let in pods of Semel in {{ $root.Release.Namespace }} alone:
  --set networkPolicy.enabled=true (and networkPolicy.from for those in other namespaces)
{{- end }}
{{- end }}
