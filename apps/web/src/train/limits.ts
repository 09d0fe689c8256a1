/** Good images that a training takes. */
export const [minImages, maxImages] = [10, 200]
