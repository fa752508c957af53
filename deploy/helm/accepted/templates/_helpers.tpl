{{- define "accepted.name" -}}
{{- printf "%s-%s" .root.Release.Name .role | trunc 63 | trimSuffix "-" -}}
{{- end }}

{{- define "accepted.selector" -}}
app.kubernetes.io/name: accepted
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .role }}
{{- end }}

{{- define "accepted.labels" -}}
{{ include "accepted.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
helm.sh/chart: {{ .root.Chart.Name }}-{{ .root.Chart.Version }}
{{- end }}

{{/* A Deployment of one role: `root`, `role`, and `port`, the name of the port with the health checks. */}}
{{- define "accepted.deployment" -}}
{{- $values := .root.Values -}}
{{- $own := index $values .role -}}
{{- $delay := ternary $values.shutdownDelaySeconds 0 (eq .role "api") -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ include "accepted.name" . }}
  labels:
    {{- include "accepted.labels" . | nindent 4 }}
spec:
  {{- if not (and (eq .role "worker") $values.keda.enabled) }}
  replicas: {{ $own.replicas }}
  {{- end }}
  selector:
    matchLabels:
      {{- include "accepted.selector" . | nindent 6 }}
  strategy:
    rollingUpdate: { maxUnavailable: 0, maxSurge: 1 }
  template:
    metadata:
      labels:
        {{- include "accepted.labels" . | nindent 8 }}
      {{- with $values.podAnnotations }}
      annotations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
    spec:
      automountServiceAccountToken: false
      # The drain time, and some seconds to close connections.
      terminationGracePeriodSeconds: {{ add $delay $values.shutdownGraceSeconds 10 }}
      securityContext:
        runAsNonRoot: true
        runAsUser: 1000
        runAsGroup: 1000
        seccompProfile: { type: RuntimeDefault }
      {{- with $values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              {{- include "accepted.selector" . | nindent 14 }}
      containers:
        - name: {{ .role }}
          image: "{{ $values.image.repository }}:{{ $values.image.tag | default .root.Chart.AppVersion }}"
          imagePullPolicy: {{ $values.image.pullPolicy }}
          args: [{{ .role }}]
          envFrom:
            - secretRef:
                name: {{ $values.secret }}
          env:
            - { name: SHUTDOWN_DELAY_SECONDS, value: {{ $delay | quote }} }
            - { name: SHUTDOWN_GRACE_SECONDS, value: {{ $values.shutdownGraceSeconds | quote }} }
            - { name: METRICS_PORT, value: "9464" }
            {{- range $name, $value := $values.settings }}
            - { name: {{ $name }}, value: {{ $value | quote }} }
            {{- end }}
          ports:
            {{- if eq .role "api" }}
            - { name: http, containerPort: 4000 }
            {{- end }}
            - { name: metrics, containerPort: 9464 }
          # It may take some seconds to load; afterwards it is alive as long as it answers.
          startupProbe:
            httpGet: { path: /health/live, port: {{ .port }} }
            periodSeconds: 2
            failureThreshold: 60
          livenessProbe:
            httpGet: { path: /health/live, port: {{ .port }} }
            periodSeconds: 10
            timeoutSeconds: 5
          # Not ready without its store: a restart would not bring that back.
          readinessProbe:
            httpGet: { path: /health/ready, port: {{ .port }} }
            periodSeconds: 5
            timeoutSeconds: 5
          resources:
            {{- toYaml $own.resources | nindent 12 }}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities: { drop: [ALL] }
          volumeMounts:
            - { name: tmp, mountPath: /tmp }
      volumes:
        - name: tmp
          emptyDir: {}
      {{- with $values.nodeSelector }}
      nodeSelector:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.tolerations }}
      tolerations:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      {{- with $values.affinity }}
      affinity:
        {{- toYaml . | nindent 8 }}
      {{- end }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: {{ include "accepted.name" . }}
  labels:
    {{- include "accepted.labels" . | nindent 4 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "accepted.selector" . | nindent 6 }}
{{- end }}
