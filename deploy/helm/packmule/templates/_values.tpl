{{/* A duration of ours (`30 s`, `5 min`), in whole seconds. */}}
{{- define "packmule.seconds" -}}
{{- $text := . | replace " " "" | lower }}
{{- $units := dict "s" 1.0 "m" 60.0 "min" 60.0 "h" 3600.0 "d" 86400.0 "w" 604800.0 }}
{{- $unit := regexFind "[a-z]+$" $text | default "s" }}
{{- mulf (float64 (regexFind "^[0-9.]+" $text)) (get $units $unit) | ceil | int64 }}
{{- end }}

{{/* A size of ours (`2 GB`, `1 GiB`) or of Kubernetes' (`100Gi`), in bytes. */}}
{{- define "packmule.bytes" -}}
{{- $text := . | replace " " "" | lower | trimSuffix "b" }}
{{- $unit := regexFind "[a-z]+$" $text }}
{{- $step := ternary 1024.0 1000.0 (hasSuffix "i" $unit) }}
{{- $bytes := float64 (regexFind "^[0-9.]+" $text) }}
{{- range until (get (dict "" 0 "k" 1 "m" 2 "g" 3 "t" 4 "p" 5) (trimSuffix "i" $unit) | int) }}
{{- $bytes = mulf $bytes $step }}
{{- end }}
{{- $bytes | ceil | int64 }}
{{- end }}

{{/* Seconds from SIGTERM to SIGKILL: longer than the program takes to end. */}}
{{- define "packmule.grace" -}}
{{- $settings := .root.Values.settings }}
{{- $end := include "packmule.seconds" ($settings.DRAIN_TIMEOUT | default "30 s") | int }}
{{- if eq .part "api" }}
{{- $end = add $end (include "packmule.seconds" ($settings.DRAIN_DELAY | default "0 s") | int) | int }}
{{- end }}
{{- $given := (get .root.Values .part).terminationGracePeriodSeconds | int }}
{{- if and $given (le $given $end) }}
{{- fail (printf "%s.terminationGracePeriodSeconds is %d, but draining takes up to %d seconds (settings DRAIN_DELAY, DRAIN_TIMEOUT): set more, or 0 to have it computed" .part $given $end) }}
{{- end }}
{{- $given | default (add $end 15) }}
{{- end }}

{{/* The labels by which Prometheus tells this release's numbers from those of others. */}}
{{- define "packmule.series" -}}
{{ .Values.metrics.selector | default (printf "app_kubernetes_io_instance=%q,namespace=%q" .Release.Name .Release.Namespace) }}
{{- end }}

{{/* Values that are right each by itself, and cannot work together. */}}
{{- define "packmule.check" -}}
{{- range $part := list "api" "worker" }}
{{- with (get $.Values $part).autoscaling }}
{{- if gt (int .minReplicas) (int .maxReplicas) }}
{{- fail (printf "%s.autoscaling.minReplicas is greater than maxReplicas" $part) }}
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.worker.scratch }}
{{- $bound := $.Values.settings.MAX_SCRATCH_BYTES | default "2 GB" }}
{{- if and (not .existingClaim) (le (include "packmule.bytes" .sizeLimit | int64) (include "packmule.bytes" $bound | int64)) }}
{{- fail (printf "worker.scratch.sizeLimit is %s, but a worker may use %s (setting MAX_SCRATCH_BYTES): Kubernetes would evict it" .sizeLimit $bound) }}
{{- end }}
{{- end }}
{{- if and .Values.ingress.enabled (ne (urlParse .Values.settings.PUBLIC_URL).hostname .Values.ingress.host) }}
{{- fail (printf "settings.PUBLIC_URL has another host than the Ingress, which is %s: links to archives would lead elsewhere" .Values.ingress.host) }}
{{- end }}
{{- end }}
