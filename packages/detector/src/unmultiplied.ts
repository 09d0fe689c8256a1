import type { Pixels } from './sources.js'

/** Pixels of a side that go through the GPU at once. */
const largestTile = 4096

let known: WebGL2RenderingContext | undefined

/** One context for all images: browsers keep few. */
function context(): WebGL2RenderingContext | undefined {
  if (known && !known.isContextLost()) return known
  if (typeof OffscreenCanvas === 'undefined') return undefined
  const gl = new OffscreenCanvas(1, 1).getContext('webgl2') as WebGL2RenderingContext | null
  known = gl ?? undefined
  if (!gl) return undefined
  const texture = gl.createTexture()
  gl.bindTexture(gl.TEXTURE_2D, texture)
  gl.bindFramebuffer(gl.FRAMEBUFFER, gl.createFramebuffer())
  gl.framebufferTexture2D(gl.FRAMEBUFFER, gl.COLOR_ATTACHMENT0, gl.TEXTURE_2D, texture, 0)
  gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false)
  gl.pixelStorei(gl.UNPACK_COLORSPACE_CONVERSION_WEBGL, gl.NONE)
  return gl
}

/**
 * The colours of a bitmap as they are in its file, also where it is transparent; of one that was decoded with
 * `premultiplyAlpha: 'none'`. A 2D canvas cannot give them: it keeps colours multiplied by alpha, in 8 bits.
 * @returns undefined where there is no WebGL 2
 */
export function unmultiplied(bitmap: ImageBitmap): Pixels | undefined {
  const gl = context()
  if (!gl) return undefined
  const { width, height } = bitmap
  const data = new Uint8Array(4 * width * height)
  const side = Math.min(largestTile, gl.getParameter(gl.MAX_TEXTURE_SIZE) as number)
  const { TEXTURE_2D: texture, RGBA: rgba, UNSIGNED_BYTE: bytes } = gl
  gl.pixelStorei(gl.PACK_ROW_LENGTH, width)
  for (let top = 0; top < height; top += side)
    for (let left = 0; left < width; left += side) {
      const [w, h] = [Math.min(side, width - left), Math.min(side, height - top)]
      gl.pixelStorei(gl.UNPACK_SKIP_PIXELS, left)
      gl.pixelStorei(gl.UNPACK_SKIP_ROWS, top)
      gl.texImage2D(texture, 0, rgba, w, h, 0, rgba, bytes, bitmap)
      gl.readPixels(0, 0, w, h, rgba, bytes, data, 4 * (top * width + left))
    }
  return gl.getError() === gl.NO_ERROR && !gl.isContextLost() ? { width, height, data } : undefined
}
