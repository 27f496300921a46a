{{/* Labels of one component; takes (list $ "operator"). */}}
{{- define "frankenpanel.labels" -}}
{{- $root := index . 0 -}}
{{ include "frankenpanel.selectorLabels" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: frankenpanel
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version }}
{{- end }}

{{/* What selects the pods of one component: never changes, so that an upgrade can keep the workload. */}}
{{- define "frankenpanel.selectorLabels" -}}
app.kubernetes.io/name: frankenpanel-{{ index . 1 }}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
{{- end }}

{{/* The full name of one image; takes (list $ "operator"). */}}
{{- define "frankenpanel.image" -}}
{{- $root := index . 0 -}}
{{- $name := index . 1 -}}
{{- $tag := default $root.Chart.AppVersion (index $root.Values.images $name).tag -}}
{{- with $root.Values.image.registry }}{{ . }}/{{ end }}{{ $root.Values.image.repository }}/{{ $name }}:{{ $tag }}
{{- end }}

{{/* The port a visitor types; takes (list $ "http" 80). */}}
{{- define "frankenpanel.publicPort" -}}
{{- $gateway := (index . 0).Values.gateway -}}
{{- $scheme := index . 1 -}}
{{- $hostPort := ternary (index $gateway.hostPorts $scheme) (index . 2) $gateway.hostPorts.enabled -}}
{{- default $hostPort (index $gateway.publicPorts $scheme) | int -}}
{{- end }}

{{/* What the "restricted" Pod Security level asks of a pod. */}}
{{- define "frankenpanel.podSecurityContext" -}}
runAsNonRoot: true
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* What the "restricted" Pod Security level asks of a container, and a root file system nobody can write to. */}}
{{- define "frankenpanel.containerSecurityContext" -}}
allowPrivilegeEscalation: false
capabilities: {drop: [ALL]}
readOnlyRootFilesystem: true
{{- end }}

{{/* The namespace of certificates: never the platform's own one, whose Secrets the gateway must not read. */}}
{{- define "frankenpanel.certificatesNamespace" -}}
{{- $name := default (printf "%s-certificates" .Release.Namespace) .Values.gateway.tls.certificatesNamespace -}}
{{- if eq $name .Release.Namespace -}}
{{- fail "gateway.tls.certificatesNamespace must not be the namespace of the release, because the gateway reads every Secret in it; choose another name or leave it empty" -}}
{{- end -}}
{{ $name }}
{{- end }}
