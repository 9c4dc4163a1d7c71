import FoundationEssentials

/// The table of `dseg-bench --scaling`.
struct ScalingReport: Encodable {
    /// A point, and the time in seconds and memory in bytes that it took.
    struct Row: Encodable {
        let threads: Int
        let labels: Int
        let side: Int
        let clients: Int
        let newSeconds: Double
        let firstMapSeconds: Double
        let againSeconds: Double
        let restBytes: Int
        let peakBytes: Int
        let growthBytes: Int

        private enum CodingKeys: String, CodingKey {
            case threads, labels, side, clients
            case newSeconds = "new_seconds"
            case firstMapSeconds = "first_map_seconds"
            case againSeconds = "again_seconds"
            case restBytes = "rest_bytes"
            case peakBytes = "peak_bytes"
            case growthBytes = "growth_bytes"
        }

        /// - Parameters:
        ///   - before: with the model loaded and nothing asked
        ///   - after: with everything answered
        init(_ point: Scaling.Point, _ times: Scaling.Times, before: ProcessMemory, after: ProcessMemory) {
            threads = point.threads
            labels = point.labels
            side = point.side
            clients = point.clients
            newSeconds = median(times.new) ?? 0
            firstMapSeconds = median(times.firstMap) ?? 0
            againSeconds = median(times.again) ?? 0
            restBytes = before.resident
            peakBytes = after.peak
            growthBytes = after.peak - before.resident
        }

        var cells: [String] {
            [
                "\(threads)", "\(labels)", "\(side)", "\(clients)",
                Figure.time(newSeconds), Figure.time(firstMapSeconds), Figure.time(againSeconds),
                Figure.bytes(Double(peakBytes)), Figure.bytes(Double(growthBytes)),
            ]
        }
    }

    private let schema = 1
    private let machine = Machine.processor
    let model: String
    let hash: String
    let precision: String
    let repetitions: Int
    let rows: [Row]

    /// The table as text.
    var table: String {
        var table = Table([
            "threads", "labels", "px a side", "clients", "new", "first map", "again", "peak memory", "growth",
        ])
        for row in rows { table.add(row.cells) }
        return """
            \(table.text)

            new: pictures and words never seen, until the last client has its answer; first map: until the last client \
            has a map;
            again: the same pictures and words in another order. Mask and latent maps; over 255 labels maps alone.
            growth: from the loaded model to the peak. \(machine); \(model) (\(precision)); medians of \(repetitions)
            """
    }
}
