{{/*
A Job of semel: (dict "root" $ "name" … "what" … "image" … "args" … "timeoutSeconds" … "variables" …).
On install it is there together with what it waits for, or a database that the release brings along
would come after it. On upgrade it runs before all else: if it fails, nothing has changed. Its account
is its own: that of the chart comes after it, where the upgrade is what switches the chart on. Before an
upgrade it has another name than on install, and always the same one: what a killed Helm has left is
deleted by the next upgrade.
*/}}
{{- define "service.job" -}}
{{- $root := .root -}}
{{- $name := $root.Release.IsUpgrade | ternary (printf "%s-next" .name) .name -}}
{{- if le (int .timeoutSeconds) (int $root.Values.waitSeconds) -}}
  {{- fail (printf "timeoutSeconds %v of the Job %s has to be more than waitSeconds %v, or it is ended before it says what it waits for" .timeoutSeconds .name $root.Values.waitSeconds) -}}
{{- end -}}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "service.metadata" (list $root $name .what) | nindent 2 }}
  {{- if $root.Release.IsUpgrade }}
  annotations:
    {{- include "service.beforeUpgrade" . | nindent 4 }}
    helm.sh/hook-weight: '-1'
  {{- end }}
automountServiceAccountToken: false
---
apiVersion: batch/v1
kind: Job
metadata:
  {{- include "service.metadata" (list $root $name .what) | nindent 2 }}
  {{- if $root.Release.IsUpgrade }}
  annotations:
    {{- include "service.beforeUpgrade" . | nindent 4 }}
    helm.sh/hook-output-log-policy: hook-failed
  {{- end }}
spec:
  backoffLimit: 2
  activeDeadlineSeconds: {{ .timeoutSeconds }}
  template:
    metadata:
      {{- include "service.podMetadata" (list $root .what) | nindent 6 }}
    spec:
      {{- include "service.pod" (list $root 1000 $name) | nindent 6 }}
      restartPolicy: Never
      containers:
        - name: semel
          {{- include "service.container" (list $root .image) | nindent 10 }}
          args: {{- toYaml .args | nindent 12 }}
          env:
            {{- include "service.environment" (concat (list $root) (.variables | default list | list | compact)) | nindent 12 }}
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
            {{- with $root.Values.volumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        - { name: tmp, emptyDir: { sizeLimit: 64Mi } }
        {{- with $root.Values.volumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{ end }}

{{/* What makes a hook of something that an upgrade begins with; nothing is left of it. */}}
{{- define "service.beforeUpgrade" -}}
helm.sh/hook: pre-upgrade
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded,hook-failed
{{- end }}

{{/* Makes or changes the tables of the service. */}}
{{- define "service.migration" -}}
{{- include "service.job" (dict
  "root" .
  "name" (printf "%s-migration" (include "service.fullname" .))
  "what" (printf "%s-migration" .Chart.Name)
  "image" .Values.cli.image
  "args" (list "migrate" .Chart.Name "--wait" (toString .Values.waitSeconds))
  "timeoutSeconds" .Values.migration.timeoutSeconds
  "variables" (list "DATABASE_URL")) }}
{{- end }}
