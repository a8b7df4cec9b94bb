{{/* Everything of a service's chart. */}}
{{- define "service" -}}
{{- $install := .Values.install | default "all" -}}
{{- if and (eq $install "app") .Release.IsInstall .Subcharts.postgres -}}
  {{- fail "install=app makes no tables, and postgres.enabled brings a database without any: set postgres.enabled=false and name the Secret of the one that was migrated (secrets.DATABASE_URL.name and .key)" -}}
{{- end -}}
{{- if ne $install "app" }}{{ if .Values.migration }}{{ include "service.migration" . }}{{ end }}{{ end }}
{{- if ne $install "migration" }}
{{- include "service.account" . }}
{{- include "service.secret" . }}
{{- include "service.deployment" . }}
{{- include "service.address" (list . (dict "http" 80 "metrics" 9464)) }}
{{- if .Values.ingress.enabled }}{{ include "service.ingress" . }}{{ end }}
{{- if .Values.httpRoute.enabled }}{{ include "service.httpRoute" . }}{{ end }}
{{- include "service.networkPolicy" (list . "http") }}
{{- if .Values.autoscaling.enabled }}{{ include "service.autoscaler" . }}{{ end }}
{{- if and .Values.podDisruptionBudget.enabled (or .Values.autoscaling.enabled (gt (int .Values.replicas) 1)) }}
{{- include "service.disruption" . }}
{{- end }}
{{- end }}
{{- end }}
