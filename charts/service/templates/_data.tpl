{{/* The claim of a StatefulSet's volume, and what becomes of it. A claim cannot be changed: no version here. */}}
{{- define "service.dataClaim" -}}
{{- $root := . -}}
{{- with .Values.persistence }}
{{- if .enabled -}}
persistentVolumeClaimRetentionPolicy:
  whenDeleted: {{ .keep | ternary "Retain" "Delete" }}
  whenScaled: Retain
volumeClaimTemplates:
  - metadata:
      name: data
      labels: {{- include "service.selector" (list $root $root.Chart.Name) | nindent 8 }}
    spec:
      accessModes: [ReadWriteOnce]
      {{- with .storageClass }}
      storageClassName: {{ quote . }}
      {{- end }}
      resources: { requests: { storage: {{ .size }} } }
{{- end }}
{{- end }}
{{- end }}

{{/* The volume of data that go with the pod. */}}
{{- define "service.dataVolume" -}}
{{- if not .Values.persistence.enabled -}}
- { name: data, emptyDir: { sizeLimit: {{ .Values.persistence.size }} } }
{{- end }}
{{- end }}
