import FoundationEssentials
import Kernels
import Networks

/// The comparison of computed tensors with the goldens: a row for each tensor.
struct VerifyTable {
    private struct Row {
        let name: String
        /// The error, formatted.
        let found: String
        let limit: String
        let holds: Bool
    }

    /// The largest error allowed, relative to the golden's largest magnitude.
    var limit: Float
    private var rows: [Row] = []
    /// The computed tensors by file, for `--write`.
    private var computed: [String: SafetensorsWriter] = [:]
    private var visited: Set<String> = []

    init(limit: Float) {
        self.limit = limit
    }

    var failures: Int { rows.count { !$0.holds } }

    /// Compares numbers that are in the golden's memory order.
    ///
    /// - Returns: the largest error, relative to the golden's largest magnitude
    @discardableResult
    mutating func compare(_ values: [Float], _ file: TensorFile, _ name: String, as prefix: String) throws -> Float {
        let error = compare(values, try file.values(of: name), as: "\(prefix).\(name)")
        computed[prefix, default: SafetensorsWriter()].add(name, values, shape: try file.shape(of: name))
        return error
    }

    /// Compares with numbers made from a golden.
    ///
    /// - Returns: the largest error, relative to the golden's largest magnitude
    @discardableResult
    mutating func compare(_ values: [Float], _ golden: [Float], as name: String) -> Float {
        let error = values.count == golden.count ? Difference.relativeError(values, to: golden) : .infinity
        add(name, found: Self.scientific(error), limit: Self.scientific(limit), holds: error <= limit)
        return error
    }

    /// Compares weights some of which are cut: where one side alone has a 0, it lies within rounding of the cut. Such
    /// entries are counted, one in a thousand may be; the others are compared.
    mutating func compareCut(_ values: [Float], _ file: TensorFile, _ name: String, as prefix: String) throws {
        let golden = try file.values(of: name)
        let flips = zip(values, golden).count { ($0 == 0) != ($1 == 0) }
        let agreed = zip(values, golden).map { ($0 == 0) != ($1 == 0) ? $1 : $0 }
        try compare(agreed, file, name, as: prefix)
        let isRight = flips * 1000 <= golden.count
        add("\(prefix).\(name) at the cut", found: "\(flips)", limit: "0.1 %", holds: isRight)
    }

    /// Adds a row for a golden that no program reproduces.
    mutating func skip(_ name: String, as prefix: String) {
        add("\(prefix).\(name)", found: "flat", limit: "none", holds: true)
    }

    /// Compares maps, of which the shape counts: the error is relative to the golden's range.
    ///
    /// - Parameter pixels: that are not compared
    mutating func compareRange(
        _ maps: [[Float]], _ file: TensorFile, _ name: String, except pixels: Set<Int>, as prefix: String
    ) throws {
        let golden = try file.rows(of: name).map { map in map.indices.filter { !pixels.contains($0) }.map { map[$0] } }
            .flatMap(\.self)
        let values = maps.flatMap { map in map.indices.filter { !pixels.contains($0) }.map { map[$0] } }
        let range = (golden.max() ?? 0) - (golden.min() ?? 0)
        let largest = golden.map(abs).max() ?? 0
        let error = values.count == golden.count ? Difference.relativeError(values, to: golden) : .infinity
        let relative = range > 0 ? error * largest / range : error
        add(
            "\(prefix).\(name)", found: Self.scientific(relative), limit: Self.scientific(limit),
            holds: relative <= limit)
        if !pixels.isEmpty { add("\(prefix).\(name) at the cut", found: "\(pixels.count)", limit: "", holds: true) }
        computed[prefix, default: SafetensorsWriter()].add(
            name, maps.flatMap(\.self), shape: try file.shape(of: name))
    }

    /// Compares a matrix `[positions, channels]` with a golden of channel planes.
    mutating func comparePlanes(_ matrix: Matrix, _ file: TensorFile, _ name: String, as prefix: String) throws {
        let store = Matrix(stored: matrix.columns, by: matrix.rows)
        store.interleave(matrix.array)
        try compare(store.array, file, name, as: prefix)
    }

    /// Compares index masks: 99.9 % of the pixels must agree.
    mutating func compareIndices(_ indices: [UInt8], _ file: TensorFile, _ name: String, as prefix: String) throws {
        let golden = try file.bytes(of: name)
        let differing = Difference.places(indices, golden)
        let share = Float(differing) / Float(max(golden.count, 1))
        add("\(prefix).\(name)", found: Self.scientific(share), limit: Self.scientific(1e-3), holds: share <= 1e-3)
        computed[prefix, default: SafetensorsWriter()].add(name, indices, shape: try file.shape(of: name))
    }

    /// Compares index masks where a mask of the golden says that the answer does not hang on rounding: no pixel there
    /// may differ.
    mutating func compareIndices(
        _ indices: [UInt8], _ file: TensorFile, _ name: String, where sure: String, as prefix: String
    ) throws {
        let (golden, sure) = (try file.bytes(of: name), try file.bytes(of: sure))
        let differing = zip(zip(indices, golden), sure).count { $0.0 != $0.1 && $1 != 0 }
        let places = indices.count == golden.count ? differing : indices.count
        add("\(prefix).\(name)", found: "\(places)", limit: "0", holds: places == 0)
        computed[prefix, default: SafetensorsWriter()].add(name, indices, shape: try file.shape(of: name))
    }

    /// Compares clusters, whatever their numbers: 1 % of the pixels may be among others.
    mutating func compareClusters(_ clusters: Clusters, _ golden: Clusters, as name: String) {
        var counts: [[Int32]: Int] = [:]
        for pair in zip(clusters.ofPixels, golden.ofPixels) { counts[[pair.0, pair.1], default: 0] += 1 }
        let largest = counts.reduce(into: [Int32: Int]()) { $0[$1.key[0]] = max($0[$1.key[0]] ?? 0, $1.value) }
        let strayed = golden.ofPixels.count - largest.values.reduce(0, +)
        let isRight = strayed * 100 <= golden.ofPixels.count && clusters.count == golden.count
        add(name, found: "\(strayed) strayed", limit: "1 %", holds: isRight)
    }

    /// Compares for equality.
    mutating func compareExactly<Value: Equatable>(_ values: Value, _ golden: Value, as name: String) {
        add(name, found: values == golden ? "same" : "differs", limit: "same", holds: values == golden)
    }

    /// Compares choices that differ: the score of each must be the best, but for what errors of two scores make.
    ///
    /// - Parameter error: of a score, relative to the largest magnitude
    mutating func compareTie(_ scores: [Float], _ choices: [Int], error: Float, as name: String) {
        let best = scores.max() ?? 0
        let lost = choices.map { scores.indices.contains($0) ? best - scores[$0] : .infinity }.max() ?? 0
        let relative = lost / max(scores.map(abs).max() ?? 0, .leastNormalMagnitude)
        let isTie = relative <= 2 * error
        add(name, found: "tie \(Self.scientific(relative))", limit: Self.scientific(2 * error), holds: isTie)
    }

    /// Adds a failing row for each of a folder's goldens that no row compared.
    ///
    /// - Parameter names: of its files of tensors and JSON, without endings
    mutating func expectAll(of names: [String]) {
        for name in names where !visited.contains(where: { $0.utf8.starts(with: "\(name).".utf8) }) {
            add(name, found: "no row", limit: "a row", holds: false)
        }
    }

    /// Adds a failing row for each tensor of a file that no row compared.
    ///
    /// - Parameter inputs: names of tensors that are inputs of stages, or that the method never computes
    mutating func expectAll(of file: TensorFile, as prefix: String, except inputs: [String]) {
        for tensor in file.header.tensors
        where !inputs.contains(tensor.name) && !visited.contains("\(prefix).\(tensor.name)") {
            add("\(prefix).\(tensor.name)", found: "no row", limit: "a row", holds: false)
        }
    }

    private mutating func add(_ name: String, found: String, limit: String, holds: Bool) {
        visited.insert(name)
        rows.append(Row(name: name, found: found, limit: limit, holds: holds))
    }

    /// Name, largest relative error, limit, verdict.
    var text: String {
        let width = rows.map(\.name.count).max() ?? 0
        return rows.map { row in
            row.name + String(repeating: " ", count: width - row.name.count) + "  "
                + row.found + String(repeating: " ", count: max(0, 8 - row.found.count)) + "  "
                + row.limit + String(repeating: " ", count: max(0, 8 - row.limit.count)) + "  "
                + (row.holds ? "ok" : "FAILED")
        }.joined(separator: "\n")
    }

    /// Writes the computed tensors to files, under the goldens' names.
    func write(to directory: String) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for (name, file) in computed {
            try Data(file.encoded()).write(to: URL(filePath: "\(directory)/\(name).safetensors"), options: .atomic)
        }
    }

    private static func ten(_ exponent: Int) -> Float {
        (0..<abs(exponent)).reduce(1) { power, _ in exponent > 0 ? power * 10 : power / 10 }
    }

    /// A number with two significant digits, such as 1.2e-5.
    private static func scientific(_ value: Float) -> String {
        guard value.isFinite, value > 0 else { return value == 0 ? "0" : "\(value)" }
        var exponent = 0
        var tenths = (value * 10).rounded()
        while tenths < 10 {
            exponent -= 1
            tenths = (value * ten(1 - exponent)).rounded()
        }
        while tenths >= 100 {
            exponent += 1
            tenths = (value * ten(1 - exponent)).rounded()
        }
        return "\(Int(tenths) / 10).\(Int(tenths) % 10)e\(exponent)"
    }
}

/// Builds one safetensors file in memory.
struct SafetensorsWriter {
    private var header: [String] = []
    private var data: [UInt8] = []

    init() {}

    mutating func add(_ name: String, _ values: [Float], shape: [Int]) {
        unsafe values.withUnsafeBytes { unsafe add(name, "F32", shape, Array($0)) }
    }

    mutating func add(_ name: String, _ values: [UInt8], shape: [Int]) {
        add(name, "U8", shape, values)
    }

    private mutating func add(_ name: String, _ type: String, _ shape: [Int], _ bytes: [UInt8]) {
        let range = "[\(data.count),\(data.count + bytes.count)]"
        header.append("\"\(name)\":{\"dtype\":\"\(type)\",\"shape\":\(shape),\"data_offsets\":\(range)}")
        data += bytes
    }

    func encoded() -> [UInt8] {
        var head = Array("{\(header.joined(separator: ","))}".utf8)
        head += repeatElement(UInt8(ascii: " "), count: -head.count & 7)
        let length = (0..<8).map { UInt8(truncatingIfNeeded: head.count >> (8 * $0)) }
        return length + head + data
    }
}
