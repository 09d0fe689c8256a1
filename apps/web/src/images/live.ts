import type { Detection } from '@cflow/detector'
import { paintHeat } from '../detect/heat.js'
import { element } from '../ui/dom.js'
import { short } from '../ui/format.js'
import { showError } from '../ui/messages.js'
import { cameraDialog } from './camera.js'

/** Longest side of a frame that is judged: detectors look at fewer pixels. */
const side = 640

/**
 * The camera's picture with the heat map over it. A frame is judged when the one before is: what came in between is dropped.
 * @param detect judges a frame
 * @param threshold in use
 * @param keep takes a photograph
 */
export async function openLive(
  detect: (frame: ImageData) => Promise<Detection>,
  threshold: () => number,
  keep: (photo: File) => void,
): Promise<void> {
  const heat = element('canvas', 'live-heat')
  const verdict = element('p', 'live-verdict')
  const rate = element('p', 'live-rate')
  const opened = await cameraDialog('live', 'live', keep)
  if (!opened) return
  const { dialog, video, signal } = opened
  verdict.textContent = 'Waiting for the camera …'
  verdict.className = 'badge'
  rate.textContent = ''
  heat.hidden = true
  dialog.showModal()

  const times: number[] = []
  const watch = async () => {
    while (!signal.aborted) {
      await nextFrame(video)
      if (signal.aborted || video.videoWidth === 0 || document.visibilityState !== 'visible')
        continue
      // the map lies over the picture, whatever its form
      heat.parentElement!.style.setProperty('--ratio', `${video.videoWidth} / ${video.videoHeight}`)
      const scale = Math.min(1, side / Math.max(video.videoWidth, video.videoHeight))
      const detection = await detect(frameOf(video, scale))
      if (signal.aborted) return
      const limit = threshold()
      paintHeat(heat, detection.anomalyMap, limit)
      heat.hidden = false
      const isBad = detection.score > limit
      verdict.className = `badge ${isBad ? 'bad' : 'good'}`
      verdict.textContent = `${isBad ? '✕ Anomalous' : '✓ Like the good ones'}, score ${short(detection.score)}`
      times.push(performance.now())
      while (times.length > 10) times.shift()
      const seconds = (times.at(-1)! - times[0]!) / 1000
      if (seconds > 0) rate.textContent = `${short((times.length - 1) / seconds)} pictures a second`
    }
  }
  watch().catch((error: unknown) => {
    dialog.close()
    showError(error)
  })
}

/** The picture that a video shows, smaller. */
function frameOf(video: HTMLVideoElement, scale: number): ImageData {
  const width = Math.round(scale * video.videoWidth)
  const height = Math.round(scale * video.videoHeight)
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })!
  context.drawImage(video, 0, 0, width, height)
  return context.getImageData(0, 0, width, height)
}

/** The next picture of a video; also where nothing tells of them. */
const nextFrame = (video: HTMLVideoElement): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, 200)
    const told = () => {
      clearTimeout(timer)
      resolve()
    }
    if ('requestVideoFrameCallback' in video) video.requestVideoFrameCallback(told)
    else requestAnimationFrame(told)
  })
