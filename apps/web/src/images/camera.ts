import { element } from '../ui/dom.js'
import { count } from '../ui/format.js'
import { showMessage } from '../ui/messages.js'

const reasons: Readonly<Record<string, string>> = {
  NotAllowedError:
    'The browser was not allowed to use it. Allow it in the address bar and try again.',
  NotFoundError: 'There is none.',
  NotReadableError: 'Another program is using it.',
}

/** Open the camera in a dialog; each photograph is handed on as it is taken. */
export async function openCamera(onPhoto: (photo: File) => void): Promise<void> {
  const dialog = element('dialog', 'camera')
  const video = element('video', 'camera-video')
  const taken = element('p', 'camera-count')
  const stream = await cameraStream()
  if (!stream) return
  video.srcObject = stream
  taken.textContent = ''
  let photos = 0
  const closing = new AbortController()
  const { signal } = closing
  const take = async () => {
    const blob = await photograph(video)
    if (!blob) return
    const name = `photo ${String(++photos).padStart(3, '0')}.png`
    onPhoto(new File([blob], name, { type: blob.type }))
    taken.textContent = `${count(photos, 'photograph')} taken`
  }
  element('button', 'camera-take').addEventListener('click', () => void take(), { signal })
  element('button', 'camera-close').addEventListener('click', () => dialog.close(), { signal })
  dialog.addEventListener(
    'close',
    () => {
      closing.abort()
      for (const track of stream.getTracks()) track.stop()
      video.srcObject = null
    },
    { signal },
  )
  dialog.showModal()
}

/** The camera's pictures; undefined, and a message, where there is none. */
export async function cameraStream(): Promise<MediaStream | undefined> {
  const media = navigator.mediaDevices as MediaDevices | undefined
  try {
    if (!media) throw new DOMException('', 'NotFoundError')
    return await media.getUserMedia({
      video: { facingMode: 'environment', width: { ideal: 1280 }, height: { ideal: 960 } },
    })
  } catch (error) {
    const { name, message } = error as DOMException
    showMessage('No camera', reasons[name] ?? message, 'error')
    return undefined
  }
}

/** The video's current frame, without loss; undefined before the first one. */
export function photograph(video: HTMLVideoElement): Promise<Blob | null> {
  const { videoWidth: width, videoHeight: height } = video
  if (width === 0) return Promise.resolve(null)
  const canvas = new OffscreenCanvas(width, height)
  canvas.getContext('2d')!.drawImage(video, 0, 0)
  return canvas.convertToBlob({ type: 'image/png' })
}
