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

{{- /* The configuration with what the rest of the chart counts on. */ -}}
{{- define "segmentd.config" -}}
{{- $fixed := dict "http" (dict "host" "0.0.0.0" "port" 9464) "state" (dict "scratch_dir" "/var/lib/segmentd/scratch") -}}
{{- mustMergeOverwrite (deepCopy .Values.config) $fixed | toYaml -}}
{{- end -}}

{{- /* Of kafka.<option>, with the default of segmentd. */ -}}
{{- define "segmentd.topic" -}}
{{- dig "kafka" "topic" "segmentd.append-events" .Values.config -}}
{{- end -}}
{{- define "segmentd.group" -}}
{{- dig "kafka" "group_id" "segmentd" .Values.config -}}
{{- end -}}
