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
    let limit: Float
    private var rows: [Row] = []
    /// The computed tensors by file, for `--write`.
    private var computed: [String: SafetensorsWriter] = [:]
    private var visited: Set<String> = []

    init(limit: Float) {
        self.limit = limit
    }

    var failures: Int { rows.count { !$0.holds } }

    /// Compares numbers that are in the golden's memory order.
    mutating func compare(_ values: [Float], _ file: TensorFile, _ name: String, as prefix: String) throws {
        let golden = try file.values(of: name)
        let shape = try file.shape(of: name)
        let error = values.count == golden.count ? Difference.relativeError(values, to: golden) : .infinity
        add("\(prefix).\(name)", found: Self.scientific(error), limit: Self.scientific(limit), holds: error <= limit)
        computed[prefix, default: SafetensorsWriter()].add(name, values, shape: shape)
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

    /// Compares for equality.
    mutating func compareExactly<Value: Equatable>(_ values: Value, _ golden: Value, as name: String) {
        add(name, found: values == golden ? "same" : "differs", limit: "same", holds: values == golden)
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
