import { create } from '@bufbuild/protobuf'
import { CflowError, bytesPerElement, sizeOf } from '@cflow/base'
import type { DType, Tensor, TensorData } from '@cflow/base'
import { dtypeNumbered, onnxType } from '../element-types.js'
import { TensorProtoSchema } from './generated/onnx_pb.js'
import type { TensorProto } from './generated/onnx_pb.js'

/** @throws CflowError MODEL for a type that this package does not handle */
export function dtypeOf(number: number | undefined, where: string): DType {
  const found = dtypeNumbered(number)
  if (!found)
    throw new CflowError('MODEL', `${where}: ONNX element type ${number} is not supported`)
  return found
}

export function toTensorProto(tensor: Tensor, name: string): TensorProto {
  const { data } = tensor
  return create(TensorProtoSchema, {
    name,
    dataType: onnxType[tensor.dtype],
    dims: tensor.shape.map(BigInt),
    rawData: new Uint8Array(
      data.buffer,
      data.byteOffset,
      data.byteLength,
    ) as Uint8Array<ArrayBuffer>,
  })
}

/**
 * @throws CflowError MODEL when the data are external, of an unsupported type, or not as long as the shape says
 */
export function fromTensorProto(proto: TensorProto): Tensor {
  const where = `tensor ${proto.name || '(unnamed)'}`
  if (proto.externalData.length > 0)
    throw new CflowError('MODEL', `${where}: data in a separate file are not supported`, {
      hint: 'save the model as one file (onnx.save_model with save_as_external_data=False)',
    })
  const dtype = dtypeOf(proto.dataType, where)
  const shape = proto.dims.map(Number)
  const data = proto.rawData?.length ? fromRaw(proto.rawData, dtype) : fromFields(proto, dtype)
  if (data.length !== sizeOf(shape))
    throw new CflowError(
      'MODEL',
      `${where}: ${data.length} elements where shape [${shape.join(', ')}] needs ${sizeOf(shape)}`,
    )
  return { dtype, shape, data }
}

function fromRaw(raw: Uint8Array, dtype: DType): TensorData {
  const width = bytesPerElement[dtype]
  if (raw.length % width !== 0)
    throw new CflowError('MODEL', `${raw.length} bytes are no whole number of ${dtype} elements`)
  // a copy: aligned, and independent of the file's buffer (a Buffer's `slice` would be a view)
  const { buffer } = new Uint8Array(raw)
  switch (dtype) {
    case 'float32':
      return new Float32Array(buffer)
    case 'float64':
      return new Float64Array(buffer)
    case 'float16':
      return new Uint16Array(buffer)
    case 'int64':
      return new BigInt64Array(buffer)
    case 'int32':
      return new Int32Array(buffer)
    case 'int8':
      return new Int8Array(buffer)
    case 'uint8':
    case 'bool':
      return new Uint8Array(buffer)
  }
}

function fromFields(proto: TensorProto, dtype: DType): TensorData {
  switch (dtype) {
    case 'float32':
      return Float32Array.from(proto.floatData)
    case 'float64':
      return Float64Array.from(proto.doubleData)
    case 'int64':
      return BigInt64Array.from(proto.int64Data)
    case 'int32':
      return Int32Array.from(proto.int32Data)
    case 'float16':
      return Uint16Array.from(proto.int32Data)
    case 'int8':
      return Int8Array.from(proto.int32Data)
    case 'uint8':
    case 'bool':
      return Uint8Array.from(proto.int32Data)
  }
}
