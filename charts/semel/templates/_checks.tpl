{{/* Refuses what would be installed and could not work. */}}
{{- define "semel.checks" -}}
{{- $owners := list "messages" "orders" "billing" "notifications" -}}
{{- range concat $owners (list "gateway" "topics" "postgres" "redis" "kafka") -}}
  {{- if eq . $.Release.Name -}}
    {{- fail (printf "a release of semel cannot be named %s, as one of its charts is: name it otherwise" .) -}}
  {{- end -}}
  {{- if (index $.Values .).fullnameOverride -}}
    {{- fail (printf "%s.fullnameOverride: charts of semel find each other by the name of the release: name the release otherwise" .) -}}
  {{- end -}}
{{- end -}}
{{- range $owners -}}
  {{- if and (index $.Values .).enabled ((index $.Values .).postgres).enabled -}}
    {{- fail (printf "%s.postgres.enabled: within semel all services share one PostgreSQL: set %s.postgres.enabled=false" . .) -}}
  {{- end -}}
{{- end -}}
{{- include "semel.checkKafka" . -}}
{{- include "semel.checkRedis" . -}}
{{- range $owners -}}
  {{- if and (index $.Values .).enabled (not (((index $.Values .).secrets).DATABASE_URL).name) -}}
    {{- include "semel.checkDatabase" (list $ .) -}}
  {{- end -}}
{{- end -}}
{{- end }}

{{- define "semel.checkKafka" -}}
{{- $own := include "service.called" (list . "kafka") -}}
{{- $brokers := .Values.global.semel.settings.KAFKA_BROKERS | default "" -}}
{{- if and (not .Values.kafka.enabled) (contains (printf "%s:" $own) (tpl $brokers .)) -}}
  {{- fail (printf "kafka.enabled=false, and KAFKA_BROKERS still names %s: set global.semel.settings.KAFKA_BROKERS to where your Kafka is" $own) -}}
{{- end -}}
{{- if not (or $brokers (not .Values.topics.enabled) (.Values.topics.settings).KAFKA_BROKERS) -}}
  {{- fail "topics.enabled, and no KAFKA_BROKERS: set global.semel.settings.KAFKA_BROKERS, or topics.enabled=false" -}}
{{- end -}}
{{- end }}

{{- define "semel.checkRedis" -}}
{{- $own := include "service.called" (list . "redis") -}}
{{- with .Values.global.semel.secrets.REDIS_URL -}}
  {{- if and (not $.Values.redis.enabled) (eq $own (tpl .name $)) -}}
    {{- fail (printf "redis.enabled=false, and REDIS_URL still names its Secret %s: set global.semel.secrets.REDIS_URL.name and .key to a Secret of yours, or that name to nothing, to do without" $own) -}}
  {{- end -}}
{{- end -}}
{{- end }}

{{/* Whether the database of a service is there, and others hear of what it tells: (list $ "orders"). */}}
{{- define "semel.checkDatabase" -}}
{{- $root := index . 0 -}}
{{- $service := index . 1 -}}
{{- $postgres := include "service.called" (list $root "postgres") -}}
{{- with $root.Values.global.semel.secrets.DATABASE_URL -}}
  {{- $asService := dict "Release" $root.Release "Chart" (dict "Name" $service) "Values" $root.Values "Template" $root.Template -}}
  {{- if eq (tpl .name $asService) (printf "%s-%s" $postgres $service) -}}
    {{- if not $root.Values.postgres.enabled -}}
      {{- fail (printf "postgres.enabled=false, and DATABASE_URL of %s still names a Secret of %s: set %s.secrets.DATABASE_URL.name and .key (or, by a template for all, those of global.semel.secrets.DATABASE_URL)" $service $postgres $service) -}}
    {{- else if not (has $service $root.Values.postgres.databases) -}}
      {{- fail (printf "postgres.databases lacks %s, which the service %s needs" $service $service) -}}
    {{- else if not (coalesce ((index $root.Values $service).settings).KAFKA_BROKERS $root.Values.global.semel.settings.KAFKA_BROKERS) -}}
      {{- fail (printf "no KAFKA_BROKERS, and %s has a database of its own: without Kafka all services share one database: set postgres.databases={semel} and global.semel.secrets.DATABASE_URL.name=%s-semel" $service $postgres) -}}
    {{- end -}}
  {{- end -}}
{{- end -}}
{{- end }}
