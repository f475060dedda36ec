{{- define "illgate.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "illgate.labels" -}}
{{ include "illgate.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}
{{- define "illgate.container" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{- with .Values.secrets.environment }}
envFrom:
  - secretRef:
      name: {{ . }}
{{- end }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities:
    drop: [ALL]
volumeMounts:
  {{- range $path, $_ := .Values.files }}
  - name: files
    mountPath: /srv/illgate/{{ $path }}
    subPath: {{ $path | replace "/" "__" | quote }}
  {{- end }}
  {{- if .Values.secrets.files }}
  - name: secrets
    mountPath: /srv/illgate/secrets
    readOnly: true
  {{- end }}
  - name: data
    mountPath: /srv/illgate/data
  - name: tmp
    mountPath: /tmp
{{- end }}
