import type { PublishedWeights } from '@cflow/weights'

const torchvision = (file: string, size?: number): PublishedWeights =>
  at('https://download.pytorch.org/models', file, size)

const timm = (file: string): PublishedWeights =>
  at('https://github.com/rwightman/pytorch-image-models/releases/download/v0.1-weights', file)

/** The hexadecimal digits before the extension are the beginning of the file's SHA-256 (torch.hub's convention). */
function at(folder: string, file: string, size: number | undefined = undefined): PublishedWeights {
  const sha256 = /-([0-9a-f]{8})\.pth$/.exec(file)?.[1] as string
  const url = `${folder}/${file}`
  return { url, file, sha256, ...(size !== undefined && { size }) }
}

/** Published weight files by encoder, all trained on ImageNet. The default encoder's are in this package instead. */
export const published: Readonly<Record<string, PublishedWeights>> = {
  'efficientnet-lite1': timm('tf_efficientnet_lite1-bde8b488.pth'),
  'efficientnet-lite2': timm('tf_efficientnet_lite2-dcccb7df.pth'),
  resnet18: torchvision('resnet18-5c106cde.pth', 46_827_520),
  resnet34: torchvision('resnet34-333f7ec4.pth'),
  resnet50: torchvision('resnet50-19c8e357.pth'),
  'wide-resnet50-2': torchvision('wide_resnet50_2-95faca4d.pth'),
  'mobilenet-v3-large': torchvision('mobilenet_v3_large-8738ca79.pth'),
  'mobilenet-v3-small': torchvision('mobilenet_v3_small-047dcff4.pth', 10_306_551),
}
