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
