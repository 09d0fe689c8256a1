declare module '@cornerstonejs/codec-openjpeg/decodewasmjs' {
  const factory: unknown
  export default factory
}
