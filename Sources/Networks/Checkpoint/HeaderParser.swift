import Texts

/// A parser of the header, over the scanner's tokens.
struct HeaderParser {
    private(set) var tensors: [SafetensorsHeader.Tensor] = []
    private(set) var metadata: [ExactString: String] = [:]
    private var scanner: JSONScanner

    /// About how many bytes a tensor takes in a header.
    private static let usualEntry = 150
    private static let types = ElementType.allCases

    init(_ scanner: JSONScanner) {
        self.scanner = scanner
    }

    /// The whole header: one object, then nothing but space.
    mutating func parse() throws(SafetensorsFault) {
        let likely = min(scanner.count / HeaderParser.usualEntry, SafetensorsHeader.tensorLimit)
        var names = Set<ExactString>(minimumCapacity: likely)
        tensors.reserveCapacity(likely)
        try scanner.expect(UInt8(ascii: "{"))
        guard scanner.position == 1 else { throw .malformed(offset: 0, expected: "'{'") }
        if !scanner.take(UInt8(ascii: "}")) {
            repeat {
                let name = try scanner.string(limit: JSONScanner.nameLimit)
                guard names.insert(ExactString(name)).inserted else { throw .duplicate(name: name) }
                try scanner.expect(UInt8(ascii: ":"))
                if ExactString(name) == "__metadata__" {
                    try parseMetadata()
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
    }

    /// An object, of which strings are kept. Other programs write numbers, lists and null there, also in its place.
    private mutating func parseMetadata() throws(SafetensorsFault) {
        guard scanner.take(UInt8(ascii: "{")) else { return try scanner.skipValue() }
        if scanner.take(UInt8(ascii: "}")) { return }
        var keys: Set<ExactString> = []
        var bytesLeft = SafetensorsHeader.metadataBytesLimit
        repeat {
            let key = try scanner.string(limit: JSONScanner.nameLimit)
            guard keys.insert(ExactString(key)).inserted else { throw .duplicate(name: key) }
            guard keys.count <= SafetensorsHeader.metadataLimit else {
                throw scanner.malformed("at most \(SafetensorsHeader.metadataLimit) metadata")
            }
            try scanner.expect(UInt8(ascii: ":"))
            guard scanner.isAtString else {
                try scanner.skipValue()
                continue
            }
            let start = scanner
            guard try scanner.skipString() <= SafetensorsHeader.metadataValueLimit else { continue }
            scanner = start
            let text = try scanner.string(limit: SafetensorsHeader.metadataValueLimit)
            let bytes = key.utf8.count + text.utf8.count
            if bytes <= bytesLeft {
                metadata[ExactString(key)] = text
                bytesLeft -= bytes
            }
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
        for type in HeaderParser.types where scanner.takeWord(type.word) {
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
