import { accessSync, constants } from 'node:fs'
import { chromium, type Browser } from 'playwright-core'

const usual = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/snap/bin/chromium',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
]

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** Where Chromium or Chrome is on this machine: the variable CHROMIUM_PATH, or the usual places. */
export const chromiumPath = (): string | undefined => {
  const { CHROMIUM_PATH } = process.env
  return CHROMIUM_PATH ?? usual.find(isProgram)
}

/** Chromium without a sandbox (containers run as root), with WebGPU on its software adapter and a picture as camera. */
export const launchChromium = (executablePath: string): Promise<Browser> =>
  launchWith(executablePath, [
    '--use-webgpu-adapter=swiftshader',
    '--use-fake-ui-for-media-stream',
    '--use-fake-device-for-media-stream',
  ])

/** Chromium without a sandbox, with WebGPU. */
export const launchWith = (executablePath: string, args: readonly string[]): Promise<Browser> =>
  chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--enable-unsafe-webgpu', ...args],
  })
