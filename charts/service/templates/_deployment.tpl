{{/* The pods of a service. */}}
{{- define "service.deployment" -}}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "service.metadata" (list . (include "service.fullname" .) .Chart.Name) | nindent 2 }}
spec:
  {{- include "service.replicas" . | nindent 2 }}
  revisionHistoryLimit: 3
  progressDeadlineSeconds: {{ add .Values.waitSeconds 300 }}
  {{- /* A new pod takes requests before an old one goes. */}}
  strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }
  selector:
    matchLabels: {{- include "service.selector" (list . .Chart.Name) | nindent 6 }}
  template:
    metadata:
      {{- include "service.podMetadata" (list . .Chart.Name) | nindent 6 }}
    spec:
      {{- include "service.pod" (list . 1000) | nindent 6 }}
      terminationGracePeriodSeconds: {{ add .Values.drainSeconds 30 }}
      topologySpreadConstraints:
        {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
        - maxSkew: 1
          topologyKey: {{ . }}
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: {{- include "service.selector" (list $ $.Chart.Name) | nindent 14 }}
        {{- end }}
      containers:
        - name: {{ .Chart.Name }}
          {{- include "service.container" (list . .Values.image) | nindent 10 }}
          env:
            - { name: HOST, value: 0.0.0.0 }
            - { name: PORT, value: '8080' }
            - { name: METRICS_HOST, value: 0.0.0.0 }
            - { name: METRICS_PORT, value: '9464' }
            - { name: SEMEL_WAIT_SECONDS, value: {{ .Values.waitSeconds | quote }} }
            {{- include "service.environment" (list .) | nindent 12 }}
          ports:
            - { name: http, containerPort: 8080 }
            - { name: metrics, containerPort: 9464 }
          {{- /* Until it listens, it waits for what may come yet, or starts. */}}
          startupProbe:
            httpGet: { path: /health/live, port: http }
            periodSeconds: 1
            timeoutSeconds: 5
            failureThreshold: {{ add .Values.waitSeconds 60 }}
          livenessProbe:
            httpGet: { path: /health/live, port: http }
            periodSeconds: 10
            timeoutSeconds: 5
          readinessProbe:
            httpGet: { path: /health/ready, port: http }
            periodSeconds: 2
            timeoutSeconds: 3
          {{- with .Values.drainSeconds }}
          {{- /* Balancers hear that it goes while it is still there. */}}
          lifecycle: { preStop: { sleep: { seconds: {{ . }} } } }
          {{- end }}
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
            {{- with .Values.volumeMounts }}
            {{- toYaml . | nindent 12 }}
            {{- end }}
      volumes:
        - { name: tmp, emptyDir: { sizeLimit: 64Mi } }
        {{- with .Values.volumes }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
{{ end }}
