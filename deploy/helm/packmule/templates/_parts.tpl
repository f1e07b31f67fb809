{{/* Labels by which what belongs to one part of a release is found. */}}
{{- define "packmule.selector" -}}
app.kubernetes.io/name: packmule
app.kubernetes.io/instance: {{ .release }}
app.kubernetes.io/component: {{ .part }}
{{- end }}

{{- define "packmule.labels" -}}
app.kubernetes.io/name: packmule
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "packmule.secretName" -}}
{{ .Values.existingSecret | default (printf "%s-secret" .Release.Name) }}
{{- end }}

{{- define "packmule.serviceAccountName" -}}
{{- with .Values.serviceAccount }}
{{- .name | default (ternary $.Release.Name "" .create) }}
{{- end }}
{{- end }}

{{- define "packmule.image" -}}
{{- with .Values.image }}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* What all pods have in common, whatever they do. */}}
{{- define "packmule.anyPod" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
# Else Kubernetes would set variables that look like ours.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* What the pods of one part have beside that; of `root`, `part`. */}}
{{- define "packmule.pod" -}}
{{- $name := include "packmule.serviceAccountName" .root }}
automountServiceAccountToken: {{ ne $name "" }}
{{- with $name }}
serviceAccountName: {{ . }}
{{- end }}
{{- include "packmule.anyPod" .root | nindent 0 }}
terminationGracePeriodSeconds: {{ include "packmule.grace" . }}
{{- with (get .root.Values .part).affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .root.Values.topologySpread }}
topologySpreadConstraints:
  {{- range . }}
  - maxSkew: {{ .maxSkew }}
    topologyKey: {{ .topologyKey }}
    whenUnsatisfiable: {{ .whenUnsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "packmule.selector" (dict "release" $.root.Release.Name "part" $.part) | nindent 8 }}
    # A rollout's new pods are spread by themselves.
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}
{{- end }}

{{/* What the containers have in common. */}}
{{- define "packmule.container" -}}
image: {{ include "packmule.image" . | quote }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
volumeMounts:
  - {name: data, mountPath: /data}
{{- end }}

{{- define "packmule.envFrom" -}}
envFrom:
  - configMapRef: {name: {{ .Release.Name }}-settings}
  - secretRef: {name: {{ include "packmule.secretName" . }}}
{{- end }}

{{/* Pods are replaced when what they read at their start changes. */}}
{{- define "packmule.annotations" -}}
checksum/settings: {{ include (print .Template.BasePath "/settings.yaml") . | sha256sum }}
checksum/secret: {{ include (print .Template.BasePath "/secret.yaml") . | sha256sum }}
{{- with .Values.podAnnotations }}
{{ toYaml . }}
{{- end }}
{{- end }}
