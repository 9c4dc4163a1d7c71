package import Kernels
import Texts

/// How a tensor's elements are stored, as safetensors names it.
package enum ElementType: Sendable, CaseIterable {
    case f32, f16, bf16, f64, i64, i32, i16, i8, u8, bool

    /// The type's name in the header.
    package var word: StaticString {
        switch self {
        case .f32: "F32"
        case .f16: "F16"
        case .bf16: "BF16"
        case .f64: "F64"
        case .i64: "I64"
        case .i32: "I32"
        case .i16: "I16"
        case .i8: "I8"
        case .u8: "U8"
        case .bool: "BOOL"
        }
    }

    /// The type as weights are read from it; `nil` for types that weights are not read from.
    package var storedFloats: StoredFloats? {
        switch self {
        case .f32: .f32
        case .f16: .f16
        case .bf16: .bf16
        case .f64, .i64, .i32, .i16, .i8, .u8, .bool: nil
        }
    }

    /// Bytes of one element.
    package var size: Int {
        switch self {
        case .f64, .i64: 8
        case .f32, .i32: 4
        case .f16, .bf16, .i16: 2
        case .i8, .u8, .bool: 1
        }
    }
}

/// The table of contents of a safetensors file, every rule of the format checked.
///
/// ```
/// | length: u64 | header: JSON, length bytes | data                                |
///                                            | tensor 0 | tensor 1 |     | tensor n |
/// ```
/// The tensors tile the data without gap or overlap and end where the file ends, so a range of a checked header lies
/// inside the file. No number from the file sizes an allocation unchecked.
package struct SafetensorsHeader: Sendable {
    /// One tensor: its shape, and its bytes counted from the start of the data.
    package struct Tensor: Sendable {
        package let name: String
        package let type: ElementType
        package let shape: [Int]
        package let bytes: Range<Int>

        /// The number of elements.
        package var count: Int { bytes.count / type.size }
    }

    /// The limit on the header in bytes, as in Hugging Face's `safetensors`.
    package static let lengthLimit = 100_000_000
    /// Far more than any checkpoint has.
    package static let tensorLimit = 100_000
    package static let dimensionLimit = 8
    package static let metadataLimit = 10_000
    /// The largest file in bytes, for which no size in f32 can overflow an `Int`.
    package static let fileLimit = 1 << 40

    /// In the order of their data in the file.
    package let tensors: [Tensor]

    /// The header's length from the file's first eight bytes.
    package static func length(
        from prefix: [UInt8], fileBytes: Int
    ) throws(SafetensorsFault) -> Int {
        guard prefix.count == 8, fileBytes >= 8 else { throw .noLength(fileBytes: fileBytes) }
        guard fileBytes <= fileLimit else {
            throw .fileTooLarge(bytes: fileBytes, limit: fileLimit)
        }
        let length = prefix.reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard length <= UInt64(lengthLimit) else {
            throw .headerTooLarge(bytes: length, limit: lengthLimit)
        }
        guard length <= UInt64(fileBytes - 8) else {
            throw .headerPastEnd(bytes: length, fileBytes: fileBytes)
        }
        return Int(length)
    }

    /// Parses `header`, which `dataBytes` bytes of data follow in the file.
    package init(parsing header: [UInt8], dataBytes: Int) throws(SafetensorsFault) {
        let terminated = header + [0]
        let found = try unsafe terminated.withUnsafeBufferPointer {
            bytes throws(SafetensorsFault) -> [Tensor] in
            guard let base = bytes.baseAddress else { return [] }
            var parser = unsafe HeaderParser(JSONScanner(base, count: header.count))
            return try parser.tensors()
        }
        tensors = found.sorted { a, b in
            (a.bytes.lowerBound, a.bytes.upperBound) < (b.bytes.lowerBound, b.bytes.upperBound)
        }
        var end = 0
        for tensor in tensors {
            guard tensor.bytes.lowerBound == end else {
                throw .notContiguous(
                    tensor: tensor.name, start: tensor.bytes.lowerBound, expected: end)
            }
            end = tensor.bytes.upperBound
        }
        guard end == dataBytes else { throw .wrongDataSize(covered: end, found: dataBytes) }
    }
}

/// A parser of the header, over the scanner's tokens.
private struct HeaderParser {
    private var scanner: JSONScanner

    init(_ scanner: JSONScanner) {
        self.scanner = scanner
    }

    /// The whole header: one object, then nothing but space.
    mutating func tensors() throws(SafetensorsFault) -> [SafetensorsHeader.Tensor] {
        var tensors: [SafetensorsHeader.Tensor] = []
        var names: Set<ExactString> = []
        try scanner.expect(UInt8(ascii: "{"))
        guard scanner.position == 1 else { throw .malformed(offset: 0, expected: "'{'") }
        if !scanner.take(UInt8(ascii: "}")) {
            repeat {
                let name = try scanner.string(limit: JSONScanner.nameLimit)
                guard names.insert(ExactString(name)).inserted else { throw .duplicate(name: name) }
                try scanner.expect(UInt8(ascii: ":"))
                if ExactString(name) == "__metadata__" {
                    try skipMetadata()
                    continue
                }
                guard tensors.count < SafetensorsHeader.tensorLimit else {
                    throw .tooManyTensors(limit: SafetensorsHeader.tensorLimit)
                }
                tensors.append(try tensor(named: name))
            } while scanner.take(UInt8(ascii: ","))
            try scanner.expect(UInt8(ascii: "}"))
        }
        scanner.skipSpace()
        guard scanner.isAtEnd else { throw scanner.malformed("the end of the header") }
        return tensors
    }

    /// An object of strings, checked and ignored.
    private mutating func skipMetadata() throws(SafetensorsFault) {
        var keys: Set<ExactString> = []
        try scanner.expect(UInt8(ascii: "{"))
        if scanner.take(UInt8(ascii: "}")) { return }
        repeat {
            let key = try scanner.string(limit: JSONScanner.nameLimit)
            guard keys.insert(ExactString(key)).inserted else { throw .duplicate(name: key) }
            guard keys.count <= SafetensorsHeader.metadataLimit else {
                throw scanner.malformed("at most \(SafetensorsHeader.metadataLimit) metadata")
            }
            try scanner.expect(UInt8(ascii: ":"))
            _ = try scanner.string(limit: SafetensorsHeader.lengthLimit)
        } while scanner.take(UInt8(ascii: ","))
        try scanner.expect(UInt8(ascii: "}"))
    }

    /// `{"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}`, the keys in any order.
    private mutating func tensor(
        named name: String
    ) throws(SafetensorsFault) -> SafetensorsHeader.Tensor {
        var type: ElementType?
        var shape: [Int]?
        var bytes: Range<Int>?
        try scanner.expect(UInt8(ascii: "{"))
        repeat {
            if type == nil, scanner.takeWord("dtype") {
                try scanner.expect(UInt8(ascii: ":"))
                type = try elementType(of: name)
            } else if shape == nil, scanner.takeWord("shape") {
                try scanner.expect(UInt8(ascii: ":"))
                shape = try sides(of: name)
            } else if bytes == nil, scanner.takeWord("data_offsets") {
                try scanner.expect(UInt8(ascii: ":"))
                bytes = try offsets(of: name)
            } else {
                throw scanner.malformed("dtype, shape and data_offsets, once each, at \"\(name)\"")
            }
        } while scanner.take(UInt8(ascii: ","))
        try scanner.expect(UInt8(ascii: "}"))
        guard let type, let shape, let bytes else {
            throw scanner.malformed("dtype, shape and data_offsets before the end of \"\(name)\"")
        }
        let needed = try HeaderParser.byteCount(shape, type, of: name)
        guard bytes.count == needed else {
            throw .wrongByteCount(tensor: name, found: bytes.count, needed: needed)
        }
        return SafetensorsHeader.Tensor(name: name, type: type, shape: shape, bytes: bytes)
    }

    private mutating func elementType(
        of tensor: String
    ) throws(SafetensorsFault) -> ElementType {
        for type in ElementType.allCases where scanner.takeWord(type.word) {
            return type
        }
        throw .unknownType(
            tensor: tensor, type: try scanner.string(limit: JSONScanner.nameLimit))
    }

    private mutating func sides(of tensor: String) throws(SafetensorsFault) -> [Int] {
        var sides: [Int] = []
        try scanner.expect(UInt8(ascii: "["))
        if scanner.take(UInt8(ascii: "]")) { return sides }
        repeat {
            guard sides.count < SafetensorsHeader.dimensionLimit else {
                throw .tooManyDimensions(tensor: tensor, limit: SafetensorsHeader.dimensionLimit)
            }
            sides.append(try scanner.integer())
        } while scanner.take(UInt8(ascii: ","))
        try scanner.expect(UInt8(ascii: "]"))
        return sides
    }

    private mutating func offsets(of tensor: String) throws(SafetensorsFault) -> Range<Int> {
        try scanner.expect(UInt8(ascii: "["))
        let start = try scanner.integer()
        try scanner.expect(UInt8(ascii: ","))
        let end = try scanner.integer()
        try scanner.expect(UInt8(ascii: "]"))
        guard start <= end else {
            throw .invertedOffsets(tensor: tensor, start: start, end: end)
        }
        return start..<end
    }

    private static func byteCount(
        _ shape: [Int], _ type: ElementType, of tensor: String
    ) throws(SafetensorsFault) -> Int {
        var bytes = type.size
        for side in shape {
            let (product, overflow) = bytes.multipliedReportingOverflow(by: side)
            guard !overflow else { throw .shapeOverflow(tensor: tensor) }
            bytes = product
        }
        return bytes
    }
}
