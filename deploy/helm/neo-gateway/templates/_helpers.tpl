{{/* The release's names: `neo-gateway` for a release of that name, else with the release's before. */}}
{{- define "neo.name" -}}
{{- if contains "neo-gateway" .Release.Name }}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{ else }}{{ printf "%s-neo-gateway" (.Release.Name | trunc 38 | trimSuffix "-") }}{{ end -}}
{{- end }}

{{- define "neo.selector" -}}
app.kubernetes.io/name: neo-gateway
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: gateway
{{- end }}

{{- define "neo.valkeySelector" -}}
app.kubernetes.io/name: neo-gateway-valkey
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: valkey
{{- end }}

{{- define "neo.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/* All settings, with what the chart itself knows. */}}
{{- define "neo.settings" -}}
{{- $known := dict "NEO_REFERENCE" "/references" -}}
{{- if .Values.valkey.enabled }}{{ $_ := set $known "NEO_REDIS_URL" (printf "redis://%s-valkey:6379/0" (include "neo.name" .)) }}{{ end -}}
{{- if include "neo.quarantine" . }}{{ $_ := set $known "NEO_QUARANTINE" "/quarantine" }}{{ end -}}
{{- $settings := merge dict .Values.settings $known -}}
{{- if not .Values.existingSecret }}
{{- range $name := list "NEO_UPSTREAM_URL" "NEO_MODEL" }}
{{- if not (get $settings $name) }}{{ fail (printf "settings.%s is needed, e.g. --set settings.%s=%s" $name $name (ternary "http://models:8000" "signs" (eq $name "NEO_UPSTREAM_URL"))) }}{{ end }}
{{- end }}
{{- if not (get $settings "NEO_REDIS_URL") }}{{ fail "settings.NEO_REDIS_URL, or NEO_REDIS_URL in existingSecret, is needed where valkey.enabled is false" }}{{ end }}
{{- end }}
{{- range $name, $value := $settings }}
{{- /* as YAML has them large numbers are floats, and would be written as 1e+07 */}}
{{ $name }}: {{ if and (kindIs "float64" $value) (eq (floor $value) (float64 $value)) }}{{ $value | int64 | quote }}{{ else }}{{ $value | toString | quote }}{{ end }}
{{- end }}
{{- end }}

{{- define "neo.references" -}}
{{- if .Values.references.volume }}
{{- toYaml .Values.references.volume }}
{{- else if .Values.references.claim }}
persistentVolumeClaim: {claimName: {{ .Values.references.claim | quote }}, readOnly: true}
{{- else if .Values.references.image }}
emptyDir: {sizeLimit: 2Gi}
{{- else }}
{{- fail "references are needed: --set references.claim=…, references.image=… or references.volume" }}
{{- end }}
{{- end }}

{{- define "neo.quarantine" -}}
{{- if .Values.quarantine.volume }}
{{- toYaml .Values.quarantine.volume }}
{{- else if .Values.quarantine.claim }}
persistentVolumeClaim: {claimName: {{ .Values.quarantine.claim | quote }}}
{{- end }}
{{- end }}

{{- define "neo.podSecurity" -}}
runAsNonRoot: true
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "neo.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: {drop: [ALL]}
{{- end }}
