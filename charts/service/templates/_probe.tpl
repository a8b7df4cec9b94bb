{{/* helm test: one command is sent twice and has one effect. It signs a token, and so needs the secret of tokens. */}}
{{- define "service.probe" -}}
{{- if (include "service.secrets" . | fromYaml).AUTH_JWT_SECRET -}}
---
apiVersion: v1
kind: Pod
metadata:
  {{- include "service.metadata" (list . (printf "%s-probe" (include "service.fullname" .)) (printf "%s-probe" .Chart.Name)) | nindent 2 }}
  annotations:
    helm.sh/hook: test
    helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
spec:
  {{- include "service.pod" (list . 1000) | nindent 2 }}
  restartPolicy: Never
  containers:
    - name: semel
      {{- include "service.container" (list . .Values.cli.image) | nindent 6 }}
      args: [probe, http://{{ include "service.fullname" . }}, --wait, '60']
      env:
        {{- include "service.environment" (list . (list "AUTH_JWT_SECRET" "AUTH_ISSUER" "AUTH_AUDIENCE")) | nindent 8 }}
      volumeMounts:
        - { name: tmp, mountPath: /tmp }
  volumes:
    - { name: tmp, emptyDir: { sizeLimit: 64Mi } }
{{ end }}
{{- end }}
