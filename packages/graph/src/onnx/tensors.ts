import { create } from '@bufbuild/protobuf'
import {
  CflowError,
  allocate,
  bytesPerElement,
  sizeOf,
  type DType,
  type Tensor,
  type TensorData,
} from '@cflow/base'
import { dtypeNumbered, onnxType, typeName } from '../element-types.js'
import { TensorProtoSchema, type TensorProto } from './generated/onnx_pb.js'

/** @throws CflowError MODEL for a type that this package does not handle */
export function dtypeOf(number: number | undefined, where: string): DType {
  const found = dtypeNumbered(number)
  if (!found)
    throw new CflowError('MODEL', `${where}: elements of ${typeName(number)} are not supported`)
  return found
}

/** Whether a tensor is of an element type that this package handles. */
export const isSupported = ({ dataType }: TensorProto): boolean =>
  dtypeNumbered(dataType) !== undefined

export function toTensorProto({ dtype, shape, data }: Tensor, name = ''): TensorProto {
  const { buffer, byteOffset, byteLength } = data
  const rawData = new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength)
  return create(TensorProtoSchema, {
    name,
    dataType: onnxType[dtype],
    dims: shape.map(BigInt),
    rawData,
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

/** A copy: aligned, and independent of the file's buffer. */
function fromRaw(raw: Uint8Array, dtype: DType): TensorData {
  const length = raw.length / bytesPerElement[dtype]
  if (!Number.isInteger(length))
    throw new CflowError('MODEL', `${raw.length} bytes are no whole number of ${dtype} elements`)
  const data = allocate(dtype, length)
  new Uint8Array(data.buffer).set(raw)
  return data
}

/** Elements that a file lists one by one: narrow types stand among the int32 numbers. */
function fromFields(proto: TensorProto, dtype: DType): TensorData {
  if (dtype === 'int64') return BigInt64Array.from(proto.int64Data)
  const fields = { float32: proto.floatData, float64: proto.doubleData }
  const values = dtype === 'float32' || dtype === 'float64' ? fields[dtype] : proto.int32Data
  const data = allocate(dtype, values.length)
  data.set(values)
  return data
}
