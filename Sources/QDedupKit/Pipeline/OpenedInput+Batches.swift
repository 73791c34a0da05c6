internal import DiskImage

extension OpenedInput {
  /// The batches that the input consists of.
  func batches(
    _ geometry: ClusterGeometry, _ shape: BatchShape, _ progress: Progress
  ) -> any BatchSource {
    switch source {
    case .image(let image):
      ImageBatches(image, geometry: geometry, shape: shape)
    case .pipe(let pipe):
      PipeBatches(pipe, geometry: geometry) { progress.isStopping }
    }
  }
}
