/** Learning rate of every step, by the fraction of the training that lies behind it. */

/** The authors' schedule: meta-epochs of 8 passes, cosine over the meta-epochs, warm-up per batch in the first two. */
export interface PaperSchedule {
  readonly learningRate: number
  readonly metaEpochs: number
  readonly passesPerMetaEpoch: number
  /** Image batches in one pass. */
  readonly batchesPerPass: number
}

const paper = { floor: 1e-3, warmFrom: 0.1, warmMetaEpochs: 2 } as const

/** η + (lr − η)(1 + cos(π·e/E))/2 for meta-epoch e of E, η = lr·10⁻³. */
export function paperCosine(schedule: PaperSchedule, metaEpoch: number): number {
  const { learningRate: lr, metaEpochs } = schedule
  const floor = lr * paper.floor
  return floor + ((lr - floor) * (1 + Math.cos((Math.PI * metaEpoch) / metaEpochs))) / 2
}

/**
 * Learning rate of one image batch in the authors' code (REFERENCE "lr_schedule"): linear warm-up per batch from lr/10
 * to the cosine's value at meta-epoch 2, then the cosine, constant within a meta-epoch.
 * @param pass 0-based over the whole training
 * @param batch 0-based within the pass
 */
export function paperLearningRate(schedule: PaperSchedule, pass: number, batch: number): number {
  const metaEpoch = Math.floor(pass / schedule.passesPerMetaEpoch)
  if (metaEpoch >= paper.warmMetaEpochs) return paperCosine(schedule, metaEpoch)
  const from = schedule.learningRate * paper.warmFrom
  const to = paperCosine(schedule, paper.warmMetaEpochs)
  const subPass = pass - metaEpoch * schedule.passesPerMetaEpoch
  const done =
    (batch +
      subPass * schedule.batchesPerPass +
      metaEpoch * schedule.passesPerMetaEpoch * schedule.batchesPerPass) /
    (paper.warmMetaEpochs * schedule.passesPerMetaEpoch * schedule.batchesPerPass)
  return from + done * (to - from)
}

/** One cosine from the learning rate to nothing, with a linear warm-up over the first steps. */
export function cosineLearningRate(
  learningRate: number,
  step: number,
  steps: number,
  warmUp = Math.min(20, Math.ceil(steps / 10)),
): number {
  const rise = Math.min((step + 1) / (warmUp + 1), 1)
  return rise * learningRate * 0.5 * (1 + Math.cos((Math.PI * step) / steps))
}

/** Depth up to which a flow is trained at the whole learning rate. */
const wideFrom = 256

/**
 * Learning rate of a flow of depth D: one step of Adam moves every weight alike, so what comes out moves with their number;
 * wide flows get less, in proportion to 1/D (Yang et al. 2022, "Tensor Programs V").
 */
export const widthLearningRate = (learningRate: number, depth: number): number =>
  learningRate * Math.min(1, wideFrom / depth)
