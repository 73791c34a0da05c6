import Benchmark

/// What the plugin runs: every benchmark of this target.
let benchmarks: @Sendable () -> Void = {
  Benchmark.defaultConfiguration = .init(
    metrics: [.wallClock, .throughput], timeUnits: .nanoseconds, scalingFactor: .kilo,
    maxDuration: .seconds(2))
  storeBenchmarks()
  contentBenchmarks()
  tableBenchmarks()
}
