/** One option of a command, and the key of the same name in a configuration file. */
export interface Setting {
  /** In camel case; the flag is the same in kebab case. */
  readonly key: string
  /** Placeholder of the value in help; a switch has none. */
  readonly value?: string
  readonly number?: true
  readonly help: string
}

const dataset: readonly Setting[] = [
  {
    key: 'dataset',
    value: 'NAME',
    help: 'mvtec, folder, stc or synthetic (folder when --root is given)',
  },
  { key: 'root', value: 'DIR', help: 'folder of the images' },
  { key: 'category', value: 'NAME', help: 'category of mvtec, or kind of synthetic images' },
  { key: 'scene', value: 'NN', help: 'scene of stc: 01 to 12' },
  { key: 'scenes', value: 'all', help: 'every scene of stc in turn, and the mean' },
  { key: 'frameStep', value: 'N', number: true, help: 'train on every Nth frame of stc (5)' },
  { key: 'ffmpeg', value: 'FILE', help: 'the ffmpeg program (FFMPEG, else the one on the path)' },
  { key: 'trainImages', value: 'N', number: true, help: 'good images of the synthetic set' },
  { key: 'testImages', value: 'N', number: true, help: 'test images of the synthetic set' },
]

const machine: readonly Setting[] = [
  { key: 'device', value: 'NAME', help: 'cpu, or what this onnxruntime has (cuda, webgpu …)' },
  { key: 'threads', value: 'N', number: true, help: 'threads of one operator (physical cores)' },
]

const output: readonly Setting[] = [
  { key: 'config', value: 'FILE', help: 'YAML or JSON file with the same keys; flags win' },
  { key: 'json', help: 'print one JSON document to standard output' },
  { key: 'quiet', help: 'no progress' },
]

const evaluation: readonly Setting[] = [
  {
    key: 'protocol',
    value: 'NAME',
    help: 'strict (last epoch, scores by image, exact AUPRO) or paper (the authors’ rules)',
  },
]

const training: readonly Setting[] = [
  { key: 'method', value: 'NAME', help: 'cflow, padim, spade, dfr or differnet (cflow)' },
  {
    key: 'encoder',
    value: 'NAME',
    help: 'feature extractor (efficientnet-lite0), or an ONNX file with --taps',
  },
  {
    key: 'normalisation',
    value: 'NAME',
    help: 'of pixels: encoder, or stc (the default of recipe paper on stc)',
  },
  { key: 'weights', value: 'FILE', help: 'weights of the encoder: .pth or .safetensors' },
  { key: 'taps', value: 'A,B,C', help: 'values of the ONNX file to use as feature maps' },
  { key: 'mean', value: 'R,G,B', help: 'normalisation of the ONNX file’s images (ImageNet’s)' },
  { key: 'std', value: 'R,G,B', help: 'deviation of the same (ImageNet’s)' },
  {
    key: 'prefixTokens',
    value: 'N',
    number: true,
    help: 'class and register tokens of a transformer (0 or 1, found by itself)',
  },
  { key: 'inputSize', value: 'PIXELS', number: true, help: 'images are resized to this (256)' },
  { key: 'recipe', value: 'NAME', help: 'whitened or paper; sets the defaults of the rest' },
  { key: 'couplingLayers', value: 'N', number: true, help: 'coupling layers of each flow' },
  { key: 'poolLayers', value: 'N', number: true, help: 'scales, 1 to 3 (3)' },
  { key: 'unconditional', help: 'flows do not see the position (UFLOW)' },
  { key: 'conditional', help: 'flows see the position (the default)' },
  { key: 'permutation', value: 'NAME', help: 'between coupling layers: alternate, hard or soft' },
  { key: 'clamp', value: 'NAME', help: 'bound of a coupling layer’s scale: paper or freia' },
  { key: 'loss', value: 'NAME', help: 'nll or logsigmoid' },
  { key: 'passes', value: 'N', number: true, help: 'passes over the training images' },
  { key: 'miniBatch', value: 'N', number: true, help: 'feature vectors of one step' },
  { key: 'learningRate', value: 'X', number: true, help: 'largest learning rate' },
  { key: 'rotation', value: 'DEGREES', number: true, help: 'random rotation of training images' },
  { key: 'heldOut', value: 'SHARE', number: true, help: 'good images kept to calibrate with' },
  { key: 'shrinkage', value: 'X', number: true, help: 'regularisation of the whitening' },
  {
    key: 'aggregation',
    value: 'NAME',
    help: 'of the scales: joint, calibrated, perDimension, standardised',
  },
  { key: 'falsePositiveRate', value: 'RATE', number: true, help: 'of the stored threshold (0.05)' },
  { key: 'seed', value: 'N', number: true, help: 'same seed, same detector (0)' },
  { key: 'channels', value: 'N', number: true, help: 'padim: random channels that are kept' },
  {
    key: 'regularisation',
    value: 'X',
    number: true,
    help: 'padim: added to every variance (0.01)',
  },
  { key: 'neighbours', value: 'K', number: true, help: 'spade: nearest training images (50)' },
  { key: 'variance', value: 'SHARE', number: true, help: 'dfr: that the bottleneck keeps (0.9)' },
  { key: 'imageScales', value: 'N', number: true, help: 'differnet: sizes of the image, 1 to 4' },
  { key: 'hiddenLayers', value: 'N', number: true, help: 'differnet: hidden layers of a subnet' },
  { key: 'hiddenUnits', value: 'N', number: true, help: 'differnet: width of a hidden layer' },
  { key: 'views', value: 'N', number: true, help: 'differnet: rotated versions of an image' },
  { key: 'stopAfter', value: 'N', number: true, help: 'stop after N passes; --resume goes on' },
  { key: 'resume', help: 'go on from the checkpoint in --out' },
]

export const trainSettings: readonly Setting[] = [
  ...dataset,
  { key: 'out', value: 'DIR', help: 'folder for the results (runs/CATEGORY)' },
  ...training,
  ...evaluation,
  ...machine,
  ...output,
]

export const evaluateSettings: readonly Setting[] = [
  ...dataset,
  { key: 'out', value: 'DIR', help: 'folder for metrics.json and report.html' },
  ...evaluation,
  ...machine,
  ...output,
]

/** Settings of `import` that `train` has too. */
const imported = ['encoder', 'weights', 'inputSize', 'clamp', 'aggregation', 'falsePositiveRate']

export const importSettings: readonly Setting[] = [
  ...dataset,
  { key: 'out', value: 'DIR', help: 'folder for model.onnx (runs/CATEGORY)' },
  ...training.filter((s) => imported.includes(s.key)),
  { key: 'unseen', help: 'the checkpoint was not trained on these images' },
  ...machine,
  ...output,
]

export const predictSettings: readonly Setting[] = [
  { key: 'out', value: 'DIR', help: 'folder for heat maps over the images (PNG)' },
  {
    key: 'falsePositiveRate',
    value: 'RATE',
    number: true,
    help: 'share of good images that may be reported, instead of the stored one',
  },
  ...machine,
  ...output,
]

export const exportSettings: readonly Setting[] = [
  { key: 'precision', value: 'NAME', help: 'fp16 or int8' },
  { key: 'out', value: 'FILE', help: 'file to write (MODEL.int8.onnx beside the detector)' },
  { key: 'calibration', value: 'DIR', help: 'good images, for int8 (else those of --root)' },
  ...dataset,
  { key: 'keepFloat', value: 'LAYERS', help: 'layers to keep in float: names, *, commas between' },
  { key: 'fallback', help: 'keep the worst layers in float until the gate passes (the default)' },
  { key: 'noFallback', help: 'refuse when the gate does not pass at once' },
  {
    key: 'ranges',
    value: 'NAME',
    help: 'of activations: minmax, mse or auto, the better one (auto)',
  },
  { key: 'margin', value: 'X', number: true, help: 'factor on those ranges (1)' },
  { key: 'reduceRange', help: 'weights of 7 bits, for x86 processors without VNNI' },
  ...machine,
  ...output,
]

export const benchmarkSettings: readonly Setting[] = [
  { key: 'images', value: 'DIR', help: 'images to measure with (one of noise)' },
  { key: 'batch', value: 'SIZES', help: 'batch sizes, commas between (1,4,16)' },
  { key: 'repeats', value: 'N', number: true, help: 'runs of each measurement (30)' },
  ...machine,
  ...output,
]

export const reproduceSettings: readonly Setting[] = [
  { key: 'mvtec', value: 'DIR', help: 'folder of MVTec AD' },
  { key: 'stc', value: 'DIR', help: 'folder of ShanghaiTech Campus' },
  { key: 'out', value: 'DIR', help: 'folder for results and finished trainings (reproduce)' },
  {
    key: 'recipe',
    value: 'NAME',
    help: 'paper (default: the authors’ training) or whitened (the quick one)',
  },
  { key: 'passes', value: 'N', number: true, help: 'passes of the flows (the recipe’s)' },
  {
    key: 'seeds',
    value: 'N',
    number: true,
    help: 'trainings of each kind, for mean ± deviation (1)',
  },
  { key: 'categories', value: 'A,B', help: 'classes of MVTec AD, or built-in kinds of image' },
  { key: 'scenes', value: 'A,B', help: 'scenes of ShanghaiTech Campus (all that are there)' },
  { key: 'encoders', value: 'A,B', help: 'instead of the paper’s' },
  { key: 'inputSizes', value: 'A,B', help: 'instead of the paper’s' },
  { key: 'methods', value: 'A,B', help: 'of cflow, uflow, padim, spade, dfr, differnet' },
  ...dataset.filter((s) => ['frameStep', 'ffmpeg', 'trainImages', 'testImages'].includes(s.key)),
  ...machine,
  ...output,
]

/** Every key that some command knows: one configuration file may serve all of them. */
export const allKeys: readonly string[] = [
  ...new Set(
    [
      ...trainSettings,
      ...evaluateSettings,
      ...predictSettings,
      ...exportSettings,
      ...benchmarkSettings,
      ...importSettings,
      ...reproduceSettings,
    ].map((s) => s.key),
  ),
].filter((key) => key !== 'config' && key !== 'noFallback')

/** inputSize → input-size */
export const kebab = (key: string): string => key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)

/** input-size → inputSize */
export const camel = (key: string): string =>
  key.replace(/-+([a-z0-9])/g, (_, c: string) => c.toUpperCase())
