{{/*
What every pod has: nobody's rights, and no more than it asks for. (list $ user), with the account of
the chart, or (list $ user account).
*/}}
{{- define "service.pod" -}}
{{- $root := index . 0 -}}
{{- $user := index . 1 -}}
serviceAccountName: {{ first (slice . 2) | default (include "service.fullname" $root) }}
automountServiceAccountToken: false
{{- /* Kubernetes would name neighbours in variables that begin as ours do, and ours are known by name. */}}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: {{ $user }}
  runAsGroup: {{ $user }}
  fsGroup: {{ $user }}
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: { type: RuntimeDefault }
{{- with concat (((($root.Values.global).semel).image).pullSecrets | default list) ($root.Values.imagePullSecrets | default list) | uniq }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.priorityClassName }}
priorityClassName: {{ quote . }}
{{- end }}
{{- end }}

{{/* What every container has, by its image: (list $ .Values.image). */}}
{{- define "service.container" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
image: {{ include "service.image" . | quote }}
imagePullPolicy: {{ $image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
resources: {{- toYaml $root.Values.resources | nindent 2 }}
{{- /* Whatever ends a process is its last line: kubectl describe shows it. */}}
terminationMessagePolicy: FallbackToLogsOnError
{{- end }}

{{/* Labels and annotations of pods, by what they are: (list $ "orders"). */}}
{{- define "service.podMetadata" -}}
{{- $root := index . 0 -}}
labels:
  {{- include "service.podLabels" . | nindent 2 }}
  {{- with $root.Values.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with $root.Values.podAnnotations }}
annotations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* Who the pods are; they may do nothing in the cluster. */}}
{{- define "service.account" -}}
---
apiVersion: v1
kind: ServiceAccount
metadata:
  {{- include "service.metadata" (list . (include "service.fullname" .) .Chart.Name) | nindent 2 }}
automountServiceAccountToken: false
{{ end }}
