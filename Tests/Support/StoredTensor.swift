/// A tensor as the safetensors format stores it.
package struct StoredTensor {
    package var name: String
    package var type: String
    package var shape: [Int]
    package var bytes: [UInt8]

    package init(_ name: String, type: String, shape: [Int], bytes: [UInt8]) {
        self.name = name
        self.type = type
        self.shape = shape
        self.bytes = bytes
    }

    /// Stores `values` as F32.
    package init(_ name: String, shape: [Int], _ values: [Float]) {
        let bytes = values.flatMap { value in
            (0..<4).map { UInt8(truncatingIfNeeded: value.bitPattern >> ($0 * 8)) }
        }
        self.init(name, type: "F32", shape: shape, bytes: bytes)
    }

    /// Stores `values` as F32, F16 or BF16, in which the lower bits of a number are dropped.
    package init(_ name: String, type: String, shape: [Int], _ values: [Float]) {
        switch type {
        case "F16": self.init(name, type: type, shape: shape, halves: values.map { Float16($0).bitPattern })
        case "BF16": self.init(name, type: type, shape: shape, halves: values.map { UInt16($0.bitPattern >> 16) })
        default: self.init(name, shape: shape, values)
        }
    }

    /// Stores `halves` as F16 or BF16.
    package init(_ name: String, type: String, shape: [Int], halves: [UInt16]) {
        let bytes = halves.flatMap { [UInt8(truncatingIfNeeded: $0), UInt8($0 >> 8)] }
        self.init(name, type: type, shape: shape, bytes: bytes)
    }
}

/// A header of `json`, whatever it says, and `data` after it.
package func safetensors(header json: String, data: [UInt8]) -> [UInt8] {
    let header = Array(json.utf8)
    return (0..<8).map { UInt8(truncatingIfNeeded: header.count >> ($0 * 8)) } + header + data
}

/// A whole file of `tensors`.
package func safetensors(_ tensors: [StoredTensor]) -> [UInt8] {
    var entries: [String] = []
    var data: [UInt8] = []
    for tensor in tensors {
        let end = data.count + tensor.bytes.count
        entries.append(
            "\"\(tensor.name)\":{\"dtype\":\"\(tensor.type)\",\"shape\":\(tensor.shape),"
                + "\"data_offsets\":[\(data.count),\(end)]}")
        data += tensor.bytes
    }
    return safetensors(header: "{\(entries.joined(separator: ","))}", data: data)
}
