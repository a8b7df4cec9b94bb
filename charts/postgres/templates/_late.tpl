{{/*
Databases are made at the first start, on an empty volume. One without a Secret, before a volume that
is there to stay, would never be made: (list $ database secret). A volume that belongs to a StatefulSet
which is gone is on its way to go.
*/}}
{{- define "postgres.refuseLate" -}}
{{- $root := index . 0 -}}
{{- $namespace := $root.Release.Namespace -}}
{{- $name := include "service.fullname" $root -}}
{{- $claim := lookup "v1" "PersistentVolumeClaim" $namespace (printf "data-%s-0" $name) -}}
{{- if and $claim (not (lookup "v1" "Secret" $namespace (index . 2))) -}}
  {{- if or (lookup "apps/v1" "StatefulSet" $namespace $name) (not $claim.metadata.ownerReferences) -}}
    {{- fail (printf "the database %s was not among the databases at the first start of %s, which alone makes them: make it and the Secret %s by hand, or remove the claim data-%s-0 with all its data" (index . 1) $name (index . 2) $name) -}}
  {{- end -}}
{{- end -}}
{{- end }}
