import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = ReturnType<typeof createMetrics>

/** What `/metrics` answers. Other parts register theirs in `registry`. */
export function createMetrics() {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })
  return {
    registry,
    requests: new Histogram({
      name: 'cflow_http_request_seconds',
      help: 'Time of requests, by route',
      labelNames: ['method', 'route', 'status'],
      buckets: [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30],
      registers,
    }),
    batchSize: new Histogram({
      name: 'cflow_batch_size',
      help: 'Images in one run of a detector',
      buckets: [1, 2, 4, 8, 16, 32, 64, 128, 256],
      registers,
    }),
    batchSeconds: new Histogram({
      name: 'cflow_batch_seconds',
      help: 'Time of a batch in its worker, decoding included',
      buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30],
      registers,
    }),
    waitSeconds: new Histogram({
      name: 'cflow_wait_seconds',
      help: 'Time that an image waited for its batch',
      buckets: [0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10],
      registers,
    }),
    waiting: new Gauge({ name: 'cflow_queue_images', help: 'Images that wait', registers }),
    refused: new Counter({
      name: 'cflow_refused_total',
      help: 'Images refused because too many waited',
      registers,
    }),
    workerRestarts: new Counter({
      name: 'cflow_worker_restarts_total',
      help: 'Workers that were replaced',
      labelNames: ['reason'],
      registers,
    }),
    scores: new Histogram({
      name: 'cflow_score_ratio',
      help: 'Scores as multiples of the threshold',
      labelNames: ['detector'],
      buckets: [0.25, 0.5, 0.75, 0.9, 1, 1.1, 1.25, 1.5, 2, 4],
      registers,
    }),
    verdicts: new Counter({
      name: 'cflow_verdicts_total',
      help: 'Images judged',
      labelNames: ['detector', 'verdict'],
      registers,
    }),
  }
}
