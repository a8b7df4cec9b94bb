{{/*
What the process is told in the clear: by its own chart, else by all charts, else as usual. A text
that is empty, or becomes so, is not told. (`merge` would take 0 and false for nothing, too.)
*/}}
{{- define "service.settings" -}}
{{- $process := include "service.process" . | fromYaml -}}
{{- $told := dict -}}
{{- range $name := $process.settings -}}
  {{- range $from := list $process.usual ((($.Values.global).semel).settings) $.Values.settings -}}
    {{- if hasKey ($from | default dict) $name -}}
      {{- $value := index $from $name -}}
      {{- /* What YAML says in digits, Helm keeps as a float, which has another look. */ -}}
      {{- if kindIs "float64" $value -}}{{- $value = int64 $value -}}{{- end -}}
      {{- $_ := set $told $name (tpl (toString $value) $) -}}
    {{- end -}}
  {{- end -}}
  {{- if eq (get $told $name) "" -}}{{- $_ := unset $told $name -}}{{- end -}}
{{- end -}}
{{- toYaml $told -}}
{{- end }}

{{/*
Which Secrets hold the rest: NAME: {name, key}. What nobody names and the process needs is made (isMade).
An empty name takes back what all charts are told.
*/}}
{{- define "service.secrets" -}}
{{- $process := include "service.process" . | fromYaml -}}
{{- $settings := include "service.settings" . | fromYaml -}}
{{- $own := .Values.secrets | default dict -}}
{{- $global := ((.Values.global).semel).secrets | default dict -}}
{{- $named := dict -}}
{{- $brought := (.Subcharts).postgres -}}
{{- range $process.secrets -}}
  {{- $reference := default (index $global .) (index $own .) -}}
  {{- $postgres := eq . "DATABASE_URL" | ternary $brought nil -}}
  {{- if $postgres -}}
    {{- if (index $own .).name -}}
      {{- fail "secrets.DATABASE_URL names a database, and postgres.enabled brings another one: set postgres.enabled=false" -}}
    {{- else if not (has $.Chart.Name $postgres.Values.databases) -}}
      {{- fail (printf "postgres.databases lacks %s, which this service needs" $.Chart.Name) -}}
    {{- end -}}
    {{- $reference = dict "name" (printf "%s-%s" (include "service.fullname" $postgres) $.Chart.Name) "key" "uri" -}}
    {{- if eq $reference.name (include "service.fullname" $) -}}
      {{- fail (printf "the Secret %s would be that of the database and that of %s: choose another name for the release, or set fullnameOverride" $reference.name $.Chart.Name) -}}
    {{- end -}}
  {{- end -}}
  {{- $name := tpl (($reference).name | default "") $ -}}
  {{- if $name -}}
    {{- $_ := set $named . (dict "name" $name "key" $reference.key) -}}
  {{- end -}}
{{- end -}}
{{- $generated := include "service.fullname" . -}}
{{- if hasKey $settings "AUTH_JWKS_URL" -}}
  {{- $_ := unset $named "AUTH_JWT_SECRET" -}}
{{- else if and (has "AUTH_JWT_SECRET" $process.secrets) (not (hasKey $named "AUTH_JWT_SECRET")) -}}
  {{- $_ := set $named "AUTH_JWT_SECRET" (dict "name" $generated "key" "AUTH_JWT_SECRET" "isMade" true) -}}
{{- end -}}
{{- if has "REDIS_URL" $process.secrets -}}
  {{- if not (or (hasKey $named "REDIS_URL") (hasKey $settings "MESSAGES_URL")) -}}
    {{- $_ := unset $named "SEAL_SECRET" -}}
  {{- else if not (hasKey $named "SEAL_SECRET") -}}
    {{- $_ := set $named "SEAL_SECRET" (dict "name" $generated "key" "SEAL_SECRET" "isMade" true) -}}
  {{- end -}}
{{- end -}}
{{- if has "DATABASE_URL" $process.secrets -}}
  {{- if .Values.migration -}}
    {{- if not (hasKey $named "DATABASE_URL") -}}
      {{- fail (printf "%s has no database: name the Secret that holds its URL (secrets.DATABASE_URL.name and .key), or set postgres.enabled=true" .Chart.Name) -}}
    {{- end -}}
  {{- else if hasKey $settings "KAFKA_BROKERS" -}}
    {{- /* The gateway needs one only for what Kafka would carry. */ -}}
    {{- $_ := unset $named "DATABASE_URL" -}}
  {{- end -}}
{{- end -}}
{{- /* What the umbrella makes, it knows itself. */ -}}
{{- if .Chart.IsRoot -}}
  {{- $made := list -}}
  {{- if $brought -}}{{- $made = list $named.DATABASE_URL.name -}}{{- end -}}
  {{- include "service.refuseMissingSecrets" (list . $named $made) -}}
{{- end -}}
{{- toYaml $named -}}
{{- end }}

{{/*
Refuses Secrets that are named, are not made by the release itself, and are not there: (list $ secrets names
of Secrets that it makes). Only a cluster knows: where none is asked, nothing is refused.
*/}}
{{- define "service.refuseMissingSecrets" -}}
{{- $root := index . 0 -}}
{{- $made := index . 2 -}}
{{- $namespace := $root.Release.Namespace -}}
{{- if lookup "v1" "ServiceAccount" $namespace "default" -}}
  {{- range $variable, $reference := index . 1 -}}
    {{- if not (or $reference.isMade (has $reference.name $made)) -}}
      {{- $found := lookup "v1" "Secret" $namespace $reference.name -}}
      {{- if not $found -}}
        {{- fail (printf "secrets.%s of %s names the Secret %s, which is not in the namespace %s: make it first" $variable $root.Chart.Name $reference.name $namespace) -}}
      {{- else if not (hasKey ($found.data | default dict) $reference.key) -}}
        {{- fail (printf "secrets.%s of %s names the key %s, which the Secret %s does not have (it has: %s)" $variable $root.Chart.Name $reference.key $reference.name (keys ($found.data | default dict) | sortAlpha | join ", ")) -}}
      {{- end -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- end }}

{{/* The variables of a container: (list $ names), or of all names that the process reads: (list $). */}}
{{- define "service.environment" -}}
{{- $root := index . 0 -}}
{{- $only := len . | eq 2 | ternary (last .) list -}}
{{- $variables := list -}}
{{- range $name, $value := include "service.settings" $root | fromYaml -}}
  {{- if or (not $only) (has $name $only) -}}
    {{- $variables = append $variables (dict "name" $name "value" $value) -}}
  {{- end -}}
{{- end -}}
{{- range $name, $reference := include "service.secrets" $root | fromYaml -}}
  {{- if or (not $only) (has $name $only) -}}
    {{- $variables = append $variables (dict "name" $name "valueFrom" (dict "secretKeyRef" (pick $reference "name" "key"))) -}}
  {{- end -}}
{{- end -}}
{{- toYaml $variables -}}
{{- end }}

{{/*
What a Secret has under a key, in the clear; a new password where it has nothing, or, if none is to be
made, what to do instead: (list $ name key "instead").
*/}}
{{- define "service.password" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $key := index . 2 -}}
{{- $there := (lookup "v1" "Secret" $root.Release.Namespace $name).data | default dict -}}
{{- if index $there $key -}}
  {{- index $there $key | b64dec -}}
{{- else if (($root.Values.global).semel).generateSecrets -}}
  {{- randAlphaNum 48 -}}
{{- else -}}
  {{- fail (printf "global.semel.generateSecrets=false, and no Secret %s with the key %s is found in the namespace %s: %s" $name $key $root.Release.Namespace (index . 3)) -}}
{{- end -}}
{{- end }}

{{/* The password of a server for development: (list $ name). */}}
{{- define "service.passwordOfPart" -}}
{{- include "service.password" (concat . (list "password" (printf "make it first (helm install --take-ownership takes it over), or name a server of yours in place of %s" (index . 0).Chart.Name))) -}}
{{- end }}

{{/*
A Secret of texts: (list $ name (dict "key" "text")). It stays where data stay: those of the chart, or of the
PostgreSQL that it brings along, whose answers are given to who shows a token of before.
*/}}
{{- define "service.secretOf" -}}
{{- $root := index . 0 -}}
---
apiVersion: v1
kind: Secret
metadata:
  {{- include "service.metadata" (list $root (index . 1) $root.Chart.Name) | nindent 2 }}
  {{- if or ($root.Values.persistence).keep (($root.Values.postgres).persistence).keep }}
  annotations: { helm.sh/resource-policy: keep }
  {{- end }}
type: Opaque
data:
  {{- range $key, $text := index . 2 }}
  {{ $key }}: {{ $text | b64enc }}
  {{- end }}
{{ end }}

{{/* A Secret of variables that are made once: (list $ name keys "secrets"). An upgrade finds them there. */}}
{{- define "service.generatedSecret" -}}
{{- $texts := dict -}}
{{- range index . 2 -}}
  {{- $instead := printf "name another one by %s.%s.name and .key" (index $ 3) . -}}
  {{- $_ := set $texts . (include "service.password" (list (index $ 0) (index $ 1) . $instead)) -}}
{{- end -}}
{{- include "service.secretOf" (list (index . 0) (index . 1) $texts) }}
{{- end }}

{{/* What nobody named. */}}
{{- define "service.secret" -}}
{{- $keys := list -}}
{{- $name := include "service.fullname" . -}}
{{- $secrets := include "service.secrets" . | fromYaml -}}
{{- range $variable, $reference := $secrets -}}
  {{- if $reference.isMade -}}{{- $keys = append $keys $variable -}}{{- end -}}
{{- end -}}
{{- range $variable, $reference := $secrets -}}
  {{- if and $keys (eq $reference.name $name) (not $reference.isMade) -}}
    {{- fail (printf "secrets.%s names the Secret %s, as the one is called that this release makes for %s: have it in a Secret of another name" $variable $name (join ", " $keys)) -}}
  {{- end -}}
{{- end -}}
{{- if $keys }}{{ include "service.generatedSecret" (list . $name $keys "secrets") }}{{ end -}}
{{- end }}
