import CKernels

/// Clusters of a picture's pixels: those where tokens score alike (Sun et al., "iSeg", 2024).
package struct Clusters: Sendable, Equatable {
    /// The cluster of each pixel, `[N]`, in `0..<count`.
    package let ofPixels: [Int32]
    package let count: Int

    /// - Parameter ofPixels: the cluster of each pixel, none negative
    package init(ofPixels: [Int32]) {
        precondition(ofPixels.allSatisfy { $0 >= 0 && Int($0) < ofPixels.count }, "clusters beside the pixels")
        self.ofPixels = ofPixels
        count = Int(ofPixels.max() ?? -1) + 1
    }

    /// k-means by half the symmetric Kullback-Leibler divergence of the pixels' scores, `½ Σ (c - x)(ln c - ln x)` over
    /// tokens with 1e-5 added to c and x, where 1e-6 stands for scores of 0. A pixel takes the first of the nearest
    /// centres, centres become the means of their pixels, and those without any vanish.
    ///
    /// - Parameters:
    ///   - maps: `[T, N]`, none negative
    ///   - starts: the pixels that are the first centres, at least one
    ///   - rounds: at least one
    package init(of maps: Matrix, from starts: [Int], rounds: Int, _ arena: inout Arena) {
        precondition(!starts.isEmpty && starts.allSatisfy { $0 >= 0 && $0 < maps.columns }, "starts beside the pixels")
        precondition(rounds > 0, "\(rounds) rounds")
        (ofPixels, count) = arena.scope { arena in
            let scratch = unsafe arena.doubles(dseg_cluster_scratch(maps.columns, maps.rows, starts.count))
            var clusters = [Int32](repeating: 0, count: maps.columns)
            let count = unsafe dseg_cluster(
                maps.c, starts.map(Int32.init), starts.count, rounds, &clusters, scratch)
            return (clusters, count)
        }
    }

    /// The pixels of a grid from which iSeg starts: in rows and columns 0, s, 2 s, ... of a step s of
    /// `√(height · width / target)`, rounded down, and at least 1.
    package static func starts(height: Int, width: Int, target: Int) -> [Int] {
        precondition(height > 0 && width > 0 && target > 0, "\(target) clusters of \(height) x \(width) pixels")
        let step = max(1, Int((Double(height * width) / Double(target)).squareRoot()))
        return stride(from: 0, to: height, by: step).flatMap { row in
            stride(from: 0, to: width, by: step).map { row * width + $0 }
        }
    }

    /// Gives each pixel the mean over its cluster, in each of the maps, `[T, N]`.
    package func average(_ maps: Matrix, _ arena: inout Arena) {
        precondition(maps.columns == ofPixels.count, "\(maps.columns) pixels for \(ofPixels.count) in clusters")
        arena.scope { arena in
            let scratch = unsafe arena.doubles(dseg_average_scratch(count))
            unsafe dseg_average(maps.c, ofPixels, count, scratch)
        }
    }
}
