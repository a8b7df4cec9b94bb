{{/* Refuses what would be installed and could not work: by what each chart is told in the end. */}}
{{- define "semel.checks" -}}
{{- $owners := list "messages" "orders" "billing" "notifications" -}}
{{- range concat $owners (list "gateway" "topics" "postgres" "redis" "kafka") -}}
  {{- if eq . $.Release.Name -}}
    {{- fail (printf "a release of semel cannot be named %s, as one of its charts is: name it otherwise" .) -}}
  {{- end -}}
  {{- if ((index $.Subcharts .).Values).fullnameOverride -}}
    {{- fail (printf "%s.fullnameOverride: charts of semel find each other by the name of the release: name the release otherwise" .) -}}
  {{- end -}}
{{- end -}}
{{- range $owners -}}
  {{- if (((index $.Subcharts .).Values).postgres).enabled -}}
    {{- fail (printf "%s.postgres.enabled: within semel all services share one PostgreSQL: set %s.postgres.enabled=false" . .) -}}
  {{- end -}}
{{- end -}}
{{- $made := list (printf "%s-shared" .Release.Name) (include "service.called" (list . "redis")) -}}
{{- range (((.Subcharts).postgres).Values).databases -}}
  {{- $made = append $made (printf "%s-%s" (include "service.called" (list $ "postgres")) .) -}}
{{- end -}}
{{- range concat (list "topics") $owners (list "gateway") -}}
  {{- if hasKey $.Subcharts . -}}
    {{- $settings := include "service.settings" (index $.Subcharts .) | fromYaml -}}
    {{- $secrets := include "service.secrets" (index $.Subcharts .) | fromYaml -}}
    {{- include "semel.checkKafka" (list $ . $settings) -}}
    {{- include "semel.checkRedis" (list $ $secrets) -}}
    {{- include "semel.checkDatabase" (list $ . $settings $secrets) -}}
    {{- include "service.refuseMissingSecrets" (list (index $.Subcharts .) $secrets $made) -}}
  {{- end -}}
{{- end -}}
{{- end }}

{{/* Whether there is a Kafka where a chart seeks one: (list $ "orders" settings). */}}
{{- define "semel.checkKafka" -}}
{{- $root := index . 0 -}}
{{- $own := include "service.called" (list $root "kafka") -}}
{{- $brokers := (index . 2).KAFKA_BROKERS | default "" -}}
{{- if and (not (hasKey $root.Subcharts "kafka")) (contains (printf "%s:" $own) $brokers) -}}
  {{- fail (printf "kafka.enabled=false, and KAFKA_BROKERS still names %s: set global.semel.settings.KAFKA_BROKERS to where your Kafka is" $own) -}}
{{- end -}}
{{- if and (eq (index . 1) "topics") (not $brokers) -}}
  {{- fail "topics.enabled, and no KAFKA_BROKERS: set global.semel.settings.KAFKA_BROKERS, or topics.enabled=false" -}}
{{- end -}}
{{- end }}

{{/* Whether there is a Redis where a chart seeks one: (list $ secrets). */}}
{{- define "semel.checkRedis" -}}
{{- $root := index . 0 -}}
{{- $own := include "service.called" (list $root "redis") -}}
{{- if and (not (hasKey $root.Subcharts "redis")) (eq $own ((index . 1).REDIS_URL).name) -}}
  {{- fail (printf "redis.enabled=false, and REDIS_URL still names its Secret %s: set global.semel.secrets.REDIS_URL.name and .key to a Secret of yours, or that name to nothing, to do without" $own) -}}
{{- end -}}
{{- end }}

{{/* Whether the database of a chart is there, and others hear of what it tells: (list $ "orders" settings secrets). */}}
{{- define "semel.checkDatabase" -}}
{{- $root := index . 0 -}}
{{- $service := index . 1 -}}
{{- $postgres := include "service.called" (list $root "postgres") -}}
{{- $secret := ((index . 3).DATABASE_URL).name | default "" -}}
{{- if hasPrefix (printf "%s-" $postgres) $secret -}}
  {{- $database := trimPrefix (printf "%s-" $postgres) $secret -}}
  {{- if not (hasKey $root.Subcharts "postgres") -}}
    {{- fail (printf "postgres.enabled=false, and DATABASE_URL of %s still names a Secret of %s: set %s.secrets.DATABASE_URL.name and .key (or, by a template for all, those of global.semel.secrets.DATABASE_URL)" $service $postgres $service) -}}
  {{- else if not (has $database $root.Subcharts.postgres.Values.databases) -}}
    {{- fail (printf "postgres.databases lacks %s, which the service %s needs" $database $service) -}}
  {{- else if and $root.Release.IsInstall (eq (index $root.Subcharts $service).Values.install "app") -}}
    {{- fail (printf "%s.install=app makes no tables, and postgres.enabled brings a database without any: set %s.install=all" $service $service) -}}
  {{- else if and (eq $database $service) (not (index . 2).KAFKA_BROKERS) -}}
    {{- fail (printf "no KAFKA_BROKERS, and %s has a database of its own: without Kafka all services share one database: set postgres.databases={semel} and global.semel.secrets.DATABASE_URL.name=%s-semel" $service $postgres) -}}
  {{- end -}}
{{- end -}}
{{- end }}
