{{/* Where pods are found in the cluster, on which ports: (list $ (dict "http" 80)). */}}
{{- define "service.address" -}}
{{- $root := index . 0 -}}
---
apiVersion: v1
kind: Service
metadata:
  {{- include "service.metadata" (list $root (include "service.fullname" $root) $root.Chart.Name) | nindent 2 }}
spec:
  selector: {{- include "service.selector" (list $root $root.Chart.Name) | nindent 4 }}
  ports:
    {{- range $name, $port := index . 1 }}
    - name: {{ $name }}
      port: {{ $port }}
      targetPort: {{ $name }}
      {{- if eq $name "http" }}
      appProtocol: http
      {{- end }}
    {{- end }}
{{ end }}

{{/* The public paths from outside: no health, no metrics, nothing that services only ask each other. */}}
{{- define "service.ingress" -}}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "service.metadata" (list . (include "service.fullname" .) .Chart.Name) | nindent 2 }}
  {{- with .Values.ingress.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with .Values.ingress.className }}
  ingressClassName: {{ quote . }}
  {{- end }}
  {{- with .Values.ingress.tls }}
  tls: {{- toYaml . | nindent 4 }}
  {{- end }}
  rules:
    - host: {{ .Values.host | quote }}
      http:
        paths:
          {{- range (include "service.process" . | fromYaml).paths }}
          - path: {{ . }}
            pathType: Prefix
            backend: { service: { name: {{ include "service.fullname" $ }}, port: { name: http } } }
          {{- end }}
{{ end }}

{{/* The same by the Gateway API. */}}
{{- define "service.httpRoute" -}}
{{- if not .Values.httpRoute.parentRefs -}}
  {{- fail "httpRoute.enabled needs httpRoute.parentRefs: the Gateways that the route belongs to, as [{name: …}]" -}}
{{- end -}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  {{- include "service.metadata" (list . (include "service.fullname" .) .Chart.Name) | nindent 2 }}
  {{- with .Values.httpRoute.annotations }}
  annotations: {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  parentRefs: {{- toYaml .Values.httpRoute.parentRefs | nindent 4 }}
  hostnames: [{{ .Values.host | quote }}]
  rules:
    - matches:
        {{- range (include "service.process" . | fromYaml).paths }}
        - path: { type: PathPrefix, value: {{ . }} }
        {{- end }}
      backendRefs:
        - { name: {{ include "service.fullname" . }}, port: 80 }
{{ end }}

{{/*
Who may connect to a port, if told to say so: pods of Semel and those that values name; where none is
named, and it is public, anybody: (list $ "http").
*/}}
{{- define "service.networkPolicy" -}}
{{- $root := index . 0 -}}
{{- $port := index . 1 -}}
{{- with $root.Values.networkPolicy -}}
{{- if .enabled -}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "service.metadata" (list $root (include "service.fullname" $root) $root.Chart.Name) | nindent 2 }}
spec:
  podSelector:
    matchLabels: {{- include "service.selector" (list $root $root.Chart.Name) | nindent 6 }}
  policyTypes: [Ingress]
  ingress:
    - ports: [{ port: {{ $port }} }]
      {{- if or .from (not (include "service.isPublic" $root)) }}
      from:
        - podSelector: { matchLabels: { app.kubernetes.io/part-of: semel } }
        {{- with .from }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- end }}
    {{- with .metricsFrom }}
    - ports: [{ port: metrics }]
      from: {{- toYaml . | nindent 8 }}
    {{- end }}
{{ end }}
{{- end }}
{{- end }}

{{/* Whether it is reached from outside; else it is empty. */}}
{{- define "service.isPublic" -}}
{{- if or (.Values.ingress).enabled (.Values.httpRoute).enabled }}true{{ end -}}
{{- end }}
