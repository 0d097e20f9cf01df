{{- define "segmentd.name" -}}
{{- ternary .Release.Name (printf "%s-segmentd" .Release.Name) (contains "segmentd" .Release.Name) | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "segmentd.selector" -}}
app.kubernetes.io/name: segmentd
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "segmentd.labels" -}}
{{ include "segmentd.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "segmentd.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}{{ .Values.serviceAccount.name | default (include "segmentd.name" .) }}
{{- else }}{{ .Values.serviceAccount.name | default "default" }}{{ end -}}
{{- end -}}

{{- define "segmentd.image" -}}
{{- if .Values.image.digest }}{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else }}{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end -}}
{{- end -}}

{{- /* The configuration with what the rest of the chart counts on; segmentd.checks refuses what contradicts it. */ -}}
{{- define "segmentd.config" -}}
{{- $own := dict "http" (dict "host" "0.0.0.0") "state" (dict "scratch_dir" "/var/lib/segmentd/scratch") -}}
{{- mustMerge (deepCopy .Values.config) $own | toYaml -}}
{{- end -}}

{{- /* Of <section>.<option>, with the default of segmentd. */ -}}
{{- define "segmentd.topic" -}}
{{- dig "kafka" "topic" "segmentd.append-events" .Values.config -}}
{{- end -}}
{{- define "segmentd.group" -}}
{{- dig "kafka" "group_id" "segmentd" .Values.config -}}
{{- end -}}
{{- define "segmentd.httpPort" -}}
{{- dig "http" "port" 9464 .Values.config | int -}}
{{- end -}}

{{- /* Empty while nothing outside of the pod reaches it: on a socket, or on the loopback address, which is the default. */ -}}
{{- define "segmentd.adminPort" -}}
{{- $host := dig "admin" "host" "127.0.0.1" .Values.config -}}
{{- if not (or (dig "admin" "socket" "" .Values.config) (regexMatch "^(127\\.|::1$|localhost$)" $host)) -}}
{{- dig "admin" "port" 9465 .Values.config | int -}}
{{- end -}}
{{- end -}}
