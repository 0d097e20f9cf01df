{{- /* Fails with a sentence for what values.schema.json cannot tell: values that contradict each other or the chart. */ -}}
{{- define "segmentd.checks" -}}
{{- $config := .Values.config -}}
{{- if not $config.databases -}}{{ fail "config.databases names no database" }}{{- end -}}
{{- if not $config.kafka -}}
{{- if or (ne .Values.autoscaling.kind "off") (gt (int .Values.replicas) 1) -}}
{{- fail "without config.kafka there is no consumer group that shares the tables, and each member would do the work of all: set replicas: 1 and autoscaling.kind: off, or config.kafka" -}}
{{- end -}}
{{- end -}}
{{- if not (has (dig "http" "host" "0.0.0.0" $config) (list "0.0.0.0" "::")) -}}
{{- fail "config.http.host is 0.0.0.0 or ::, since probes and Prometheus come from outside of the pod" -}}
{{- end -}}
{{- range $section := list "http" "admin" -}}
{{- if eq (dig $section "port" 1 $config | int) 0 -}}
{{- fail (printf "config.%s.port is a port of the pod and of the Service: 0, a free one, would be another in each pod" $section) -}}
{{- end -}}
{{- end -}}
{{- $scratch := "/var/lib/segmentd/scratch" -}}
{{- if ne (dig "state" "scratch_dir" $scratch $config) $scratch -}}
{{- fail (printf "config.state.scratch_dir is %s, where the chart mounts a volume: leave it out, and see `scratch`" $scratch) -}}
{{- end -}}
{{- range $option := list "kafka.brokers" "kafka.topic" "kafka.group_id" "http.host" "http.port" "admin.host" "admin.port" "admin.socket" "state.scratch_dir" "shutdown.drain_ms" -}}
{{- $variable := $option | replace "." "_" | upper | printf "SEGMENTD_%s" -}}
{{- range $.Values.env -}}
{{- if eq .name $variable -}}{{ fail (printf "env has %s, which the chart does not see: set config.%s" $variable $option) }}{{- end -}}
{{- end -}}
{{- end -}}
{{- if and .Values.networkPolicy.admin (not (include "segmentd.adminPort" .)) -}}
{{- fail "networkPolicy.admin is for a port that nothing outside of the pod reaches: set config.admin.host: 0.0.0.0" -}}
{{- end -}}
{{- end -}}
