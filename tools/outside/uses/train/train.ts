import { trainDetector } from '@cflow/trainer'

const input = document.querySelector('input')!
input.onchange = async () => {
  const stop = new AbortController()
  const { model } = await trainDetector([...input.files!], {
    onProgress: ({ stage, done, total }) => console.log(stage, done, total),
    signal: stop.signal,
  })
  const file = new Blob([new Uint8Array(model)])
  document.querySelector('a')!.href = URL.createObjectURL(file)
}
