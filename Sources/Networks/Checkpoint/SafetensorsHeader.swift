package import Kernels
package import Texts

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

        package init(name: String, type: ElementType, shape: [Int], bytes: Range<Int>) {
            self.name = name
            self.type = type
            self.shape = shape
            self.bytes = bytes
        }

        /// The number of elements.
        package var count: Int { bytes.count / type.size }
    }

    /// The limit on the header in bytes, as in Hugging Face's `safetensors`.
    package static let lengthLimit = 100_000_000
    /// Far more than any checkpoint has.
    package static let tensorLimit = 100_000
    package static let dimensionLimit = 8
    package static let metadataLimit = 10_000
    /// The longest metadata value that is kept, in bytes: trainers store whole lists of words.
    package static let metadataValueLimit = 64 << 10
    /// How many bytes of metadata are kept in all.
    package static let metadataBytesLimit = 1 << 20
    /// The largest file in bytes, for which no size in f32 can overflow an `Int`.
    package static let fileLimit = 1 << 40

    /// In the order of their data in the file.
    package let tensors: [Tensor]
    /// What the file says of itself, such as `modelspec.license`. Decides nothing: what is no string, or over a
    /// limit, is left out.
    package let metadata: [ExactString: String]

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
        try self.init(terminated: header + [0], dataBytes: dataBytes)
    }

    /// Parses a header behind which a zero byte stands.
    init(terminated: [UInt8], dataBytes: Int) throws(SafetensorsFault) {
        let found = try unsafe terminated.withUnsafeBufferPointer {
            bytes throws(SafetensorsFault) -> HeaderParser? in
            guard let base = bytes.baseAddress else { return nil }
            var parser = unsafe HeaderParser(JSONScanner(base, count: bytes.count - 1))
            try parser.parse()
            return parser
        }
        metadata = found?.metadata ?? [:]
        tensors = (found?.tensors ?? []).sorted { a, b in
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
