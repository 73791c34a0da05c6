import Benchmark
import DedupStore

/// The store: insertions, and lookups that end at each of the places where one can end.
func storeBenchmarks() {
  var configuration = Benchmark.defaultConfiguration
  configuration.scalingFactor = .mega
  Benchmark(
    "store: insert, freezing included", configuration: configuration,
    closure: { benchmark, filled in
      for _ in benchmark.scaledIterations { try filled.insert() }
    },
    setup: { try FilledStore(incarnations: 8, maxIncarnations: 8) })

  Benchmark(
    "store: hit in the log store",
    closure: { benchmark, filled in
      for _ in benchmark.scaledIterations {
        blackHole(try filled.store.lookup(filled.knownDigest()))
      }
    },
    setup: { try FilledStore(contents: 50_000) })

  for incarnations in [1, 128] {
    Benchmark(
      "store: hit in one of \(incarnations) incarnations",
      closure: { benchmark, filled in
        for _ in benchmark.scaledIterations {
          blackHole(try filled.store.lookup(filled.knownDigest()))
        }
      },
      setup: { try FilledStore(incarnations: incarnations) })
  }

  for incarnations in [16, 128] {
    Benchmark(
      "store: miss over \(incarnations) incarnations, announced",
      closure: { benchmark, filled in
        // Three lookups ahead, as a conversion does it.
        var next = (filled.unknownDigest(), filled.unknownDigest(), filled.unknownDigest())
        for _ in benchmark.scaledIterations {
          blackHole(try filled.store.lookup(next.0))
          next = (next.1, next.2, filled.unknownDigest())
          filled.store.prefetch(next.2)
        }
      },
      setup: { try FilledStore(incarnations: incarnations) })
  }

  for incarnations in [0, 1, 16, 128] {
    Benchmark(
      "store: miss over \(incarnations) incarnations",
      closure: { benchmark, filled in
        for _ in benchmark.scaledIterations {
          blackHole(try filled.store.lookup(filled.unknownDigest()))
        }
      },
      setup: { try FilledStore(incarnations: incarnations) })
  }
}
