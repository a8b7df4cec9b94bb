{{/*
One node that is broker and controller. It speaks to itself by localhost: a Service need not lead
back to the pod that asks, and leads nowhere before it is ready.
*/}}
{{- define "kafka.environment" -}}
- { name: KAFKA_NODE_ID, value: '1' }
- { name: KAFKA_PROCESS_ROLES, value: 'broker,controller' }
- { name: KAFKA_CONTROLLER_QUORUM_VOTERS, value: '1@localhost:9094' }
- { name: KAFKA_CONTROLLER_LISTENER_NAMES, value: CONTROLLER }
- { name: KAFKA_INTER_BROKER_LISTENER_NAME, value: INTERNAL }
- name: KAFKA_LISTENER_SECURITY_PROTOCOL_MAP
  value: 'PLAINTEXT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT'
- name: KAFKA_LISTENERS
  value: 'PLAINTEXT://:9092,INTERNAL://localhost:9093,CONTROLLER://localhost:9094'
{{- /* Seen from every namespace. */}}
- name: KAFKA_ADVERTISED_LISTENERS
  value: 'PLAINTEXT://{{ include "service.fullname" . }}.{{ .Release.Namespace }}.svc:9092,INTERNAL://localhost:9093'
{{- /* Below the volume's root, where a file system has folders of its own. */}}
- { name: KAFKA_LOG_DIRS, value: /var/lib/kafka/data/topics }
- { name: KAFKA_AUTO_CREATE_TOPICS_ENABLE, value: 'false' }
- { name: KAFKA_DEFAULT_REPLICATION_FACTOR, value: '1' }
- { name: KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR, value: '1' }
- { name: KAFKA_TRANSACTION_STATE_LOG_REPLICATION_FACTOR, value: '1' }
- { name: KAFKA_TRANSACTION_STATE_LOG_MIN_ISR, value: '1' }
- { name: KAFKA_SHARE_COORDINATOR_STATE_TOPIC_REPLICATION_FACTOR, value: '1' }
- { name: KAFKA_SHARE_COORDINATOR_STATE_TOPIC_MIN_ISR, value: '1' }
- { name: KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS, value: '0' }
- { name: KAFKA_HEAP_OPTS, value: '-Xms{{ .Values.heap }} -Xmx{{ .Values.heap }}' }
{{- end }}
