import kafkajs from 'kafkajs';

/** The partition that Kafka's own producers, and ours, put a record with this key into. */
export function partitionOf(key: string, partitions: number): number {
  const partition = kafkajs.Partitioners.DefaultPartitioner();
  const partitionMetadata = Array.from({ length: partitions }, (_, partitionId) => ({
    partitionErrorCode: 0,
    partitionId,
    leader: 0,
    replicas: [],
    isr: [],
  }));
  return partition({ topic: '', partitionMetadata, message: { key, value: null } });
}
