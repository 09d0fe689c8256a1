import type { PublishedWeights } from '@cflow/weights'

/**
 * A weight file trained on ImageNet at the address of its authors. The hexadecimal digits before the extension are the
 * beginning of the file's SHA-256 (torch.hub's convention).
 */
const at =
  (folder: string) =>
  (file: string, size?: number): PublishedWeights => ({
    url: `${folder}/${file}`,
    file,
    sha256: /-([0-9a-f]{8})\.pth$/.exec(file)?.[1] as string,
    ...(size !== undefined && { size }),
  })

export const torchvision = at('https://download.pytorch.org/models')
export const timm = at(
  'https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-weights',
)
