{{/*
How many pods. Under an autoscaler as many as there are now: if the number that a release once said
is missing in the next one, Kubernetes takes one pod until the autoscaler looks again. Where Helm
applies on the server, what the autoscaler has set stays without a number, and another number, from a
moment before the migration, would be a conflict. A first installation begins with one pod, since a
number that only the chart knows would be set again by each rendering of Argo CD.
*/}}
{{- define "service.replicas" -}}
{{- if not .Values.autoscaling.enabled -}}
replicas: {{ .Values.replicas }}
{{- else -}}
  {{- with lookup "apps/v1" "Deployment" .Release.Namespace (include "service.fullname" .) -}}
    {{- $owners := .metadata.managedFields | toJson -}}
    {{- if not (and (contains `"Apply"` $owners) (contains `"subresource":"scale"` $owners)) -}}
replicas: {{ .spec.replicas }}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- end }}

{{/* One pod at a time goes when nodes are emptied. */}}
{{- define "service.disruption" -}}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "service.metadata" (list . (include "service.fullname" .) .Chart.Name) | nindent 2 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels: {{- include "service.selector" (list . .Chart.Name) | nindent 6 }}
{{ end }}

{{/* As many pods as the load asks for. */}}
{{- define "service.autoscaler" -}}
{{- if gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas) -}}
  {{- fail (printf "autoscaling.minReplicas %v is more than autoscaling.maxReplicas %v" .Values.autoscaling.minReplicas .Values.autoscaling.maxReplicas) -}}
{{- end -}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "service.metadata" (list . (include "service.fullname" .) .Chart.Name) | nindent 2 }}
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: {{ include "service.fullname" . }} }
  minReplicas: {{ .Values.autoscaling.minReplicas }}
  maxReplicas: {{ .Values.autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ .Values.autoscaling.targetCPUUtilizationPercentage }}
{{ end }}
