import { spawnSync } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'

/** Whether this machine has ffmpeg; says so where it has not. */
export const hasFfmpeg = spawnSync('ffmpeg', ['-version']).status === 0
if (!hasFfmpeg) console.warn('skipped: the test of ShanghaiTech Campus needs the program ffmpeg')

const [width, height] = [160, 96]

interface Box {
  readonly x: number
  readonly y: number
  readonly size: number
  readonly colour: readonly [number, number, number]
}

const inside = ({ x, y, size }: Box, px: number, py: number): boolean =>
  px >= x && px < x + size && py >= y && py < y + size

/** A paved yard, the same in every frame of a scene, and boxes on it. */
function draw(scene: number, boxes: readonly Box[]): Buffer {
  const data = Buffer.alloc(width * height * 3)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const joint = x % (14 + 4 * scene) === 0 || y % (10 + 2 * scene) === 0 ? 40 : 0
      const shade = 120 + ((x * 7 + y * 13 + scene * 5) % 17) + Math.round(y / 4) - joint
      const colour = boxes.find((b) => inside(b, x, y))?.colour ?? [shade, shade, shade - 10]
      data.set(colour, (y * width + x) * 3)
    }
  return data
}

/** People: small, walking along the yard at their own paces. */
const people = (clip: number, frame: number): Box[] =>
  [0, 1, 2].map((i) => ({
    x: (20 + 55 * i + 17 * clip + (i + 2) * frame) % width,
    y: 30 + 18 * i,
    size: 9,
    colour: [[150, 60, 50] as const, [50, 80, 130] as const, [60, 110, 60] as const][i]!,
  }))

/** What does not belong there: large, bright, crossing in frames 10 to 19 of a test clip. */
const intruder = (frame: number): Box[] =>
  frame >= 10 && frame < 20
    ? [{ x: 8 * (frame - 10), y: 24, size: 40, colour: [240, 210, 40] }]
    : []

async function writeVideo(path: string, scene: number, clip: number, frames: number) {
  const raw = Buffer.concat(Array.from({ length: frames }, (_, f) => draw(scene, people(clip, f))))
  const input = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`, '-r', '24']
  const args = ['-v', 'error', '-y', ...input, '-i', 'pipe:0', '-c:v', 'mpeg4', '-q:v', '3', path]
  const { status, stderr } = spawnSync('ffmpeg', args, { input: raw })
  if (status !== 0) throw new Error(stderr.toString())
}

async function writeTestClip(root: string, name: string, scene: number, clip: number) {
  const frames = 30
  const folder = join(root, 'frames', name)
  await mkdir(folder, { recursive: true })
  const masks = Buffer.alloc(frames * width * height)
  const labels = Buffer.alloc(frames * 8)
  for (let f = 0; f < frames; f++) {
    const strange = intruder(f)
    const image = draw(scene, [...strange, ...people(clip, f)])
    const jpeg = sharp(image, { raw: { width, height, channels: 3 } }).jpeg({ quality: 92 })
    await jpeg.toFile(join(folder, `${String(f).padStart(3, '0')}.jpg`))
    labels.writeInt32LE(strange.length, 8 * f)
    for (let i = 0; i < width * height; i++)
      if (strange.some((b) => inside(b, i % width, Math.floor(i / width))))
        masks[f * width * height + i] = 1
  }
  await writeNpy(join(root, 'test_frame_mask'), name, '<i8', `${frames},`, labels)
  await writeNpy(
    join(root, 'test_pixel_mask'),
    name,
    '|b1',
    `${frames}, ${height}, ${width}`,
    masks,
  )
}

async function writeNpy(folder: string, name: string, descr: string, shape: string, data: Buffer) {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape}), }`
  const header = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${text.padEnd(117)}\n`, 'latin1')
  header.writeUInt16LE(118, 8)
  await mkdir(folder, { recursive: true })
  await writeFile(join(folder, `${name}.npy`), Buffer.concat([header, data]))
}

/** Scenes in the layout of ShanghaiTech Campus: real AVI files to train on, JPEG frames and `.npy` masks to test. */
export async function writeStc(root: string, scenes: readonly number[]): Promise<void> {
  await mkdir(join(root, 'training', 'videos'), { recursive: true })
  for (const scene of scenes) {
    const prefix = String(scene).padStart(2, '0')
    for (const clip of [1, 2, 3])
      await writeVideo(join(root, 'training', 'videos', `${prefix}_00${clip}.avi`), scene, clip, 24)
    for (const clip of [4, 5])
      await writeTestClip(join(root, 'testing'), `${prefix}_000${clip}`, scene, clip)
  }
}
