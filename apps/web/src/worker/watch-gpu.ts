/** Tell when the device that onnxruntime-web uses is lost (a driver's crash, a sleeping laptop): its runs may never end. */
export async function watchGpu(onLost: () => void): Promise<void> {
  const { env } = await import('onnxruntime-web/webgpu')
  const device = (await env.webgpu.device) as unknown as { lost?: Promise<unknown> } | undefined
  await device?.lost
  if (device?.lost) onLost()
}
