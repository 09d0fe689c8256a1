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
  const taken = element('p', 'camera-count')
  const opened = await cameraDialog('camera', 'photo', (photo, photos) => {
    onPhoto(photo)
    taken.textContent = `${count(photos, 'photograph')} taken`
  })
  if (!opened) return
  taken.textContent = ''
  opened.dialog.showModal()
}

/**
 * A dialog over the camera, not shown yet: its buttons take a photograph and close it, which ends the camera.
 * @param id of the dialog; those of its video and buttons begin with it
 * @param called what photographs are called, with their number
 * @returns undefined, after a message, where there is no camera; `signal` is aborted when the dialog is closed
 */
export async function cameraDialog(
  id: 'camera' | 'live',
  called: string,
  onPhoto: (photo: File, photos: number) => void,
) {
  const dialog = element('dialog', id)
  const video = element('video', `${id}-video`)
  const stream = await cameraStream()
  if (!stream) return undefined
  video.srcObject = stream
  let photos = 0
  const closing = new AbortController()
  const { signal } = closing
  const take = async () => {
    const blob = await photograph(video)
    if (!blob) return
    const name = `${called} ${String(++photos).padStart(3, '0')}.png`
    onPhoto(new File([blob], name, { type: blob.type }), photos)
  }
  element('button', `${id}-take`).addEventListener('click', () => void take(), { signal })
  element('button', `${id}-close`).addEventListener('click', () => dialog.close(), { signal })
  dialog.addEventListener(
    'close',
    () => {
      closing.abort()
      for (const track of stream.getTracks()) track.stop()
      video.srcObject = null
    },
    { signal },
  )
  return { dialog, video, signal }
}

/** The camera's pictures; undefined, and a message, where there is none. */
async function cameraStream(): Promise<MediaStream | undefined> {
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
function photograph(video: HTMLVideoElement): Promise<Blob | null> {
  const { videoWidth: width, videoHeight: height } = video
  if (width === 0) return Promise.resolve(null)
  const canvas = new OffscreenCanvas(width, height)
  canvas.getContext('2d')!.drawImage(video, 0, 0)
  return canvas.convertToBlob({ type: 'image/png' })
}
