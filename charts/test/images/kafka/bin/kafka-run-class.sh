#!/bin/bash
# kafka-run-class.sh CLASS [ARGUMENTS]
log=-Dorg.slf4j.simpleLogger
# shellcheck disable=SC2086  # options are words
exec java ${KAFKA_HEAP_OPTS:--Xmx256M} ${KAFKA_JVM_PERFORMANCE_OPTS:-} ${KAFKA_OPTS:-} \
  -XX:TieredStopAtLevel=1 -XX:-UsePerfData -cp '/opt/kafka/libs/*' \
  $log.defaultLogLevel=warn $log.log.kafka.server.KafkaRaftServer=info "$@"
