/** How the example's file is stored: the place to make it smaller (float16, int8). Stored as it was trained. */
export const compact = (model: Uint8Array): Uint8Array => model
