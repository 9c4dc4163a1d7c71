import FoundationEssentials
import Glibc
import Networks
import Support
import Testing
import Texts

private func parse(_ json: String, dataBytes: Int) throws(SafetensorsFault) -> SafetensorsHeader {
    try SafetensorsHeader(parsing: Array(json.utf8), dataBytes: dataBytes)
}

private func entry(_ name: String, _ start: Int, _ end: Int, shape: String = "[1]") -> String {
    "\"\(name)\":{\"dtype\":\"F32\",\"shape\":\(shape),\"data_offsets\":[\(start),\(end)]}"
}

@Suite struct `safetensors headers` {
    @Test func `a header in any order of keys and tensors, with space and metadata, is understood`()
        throws
    {
        let header = try parse(
            """
            { "b" : {"data_offsets":[4, 12],"shape":[2,1],"dtype":"F32"},
              "__metadata__": {"format": "pt", "note": "{[\\"\\u00e9"},
              "a" : {"dtype":"I16","shape":[],"data_offsets":[2,4]},
              "empty":{"dtype":"F64","shape":[3,0],"data_offsets":[2,2]},
              "flags":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]} }   \n
            """, dataBytes: 12)
        #expect(header.tensors.map(\.name) == ["flags", "empty", "a", "b"])
        #expect(header.tensors.map(\.shape) == [[2], [3, 0], [], [2, 1]])
        #expect(header.tensors.map(\.count) == [2, 0, 1, 2])
        #expect(header.tensors.map(\.bytes) == [0..<2, 2..<2, 2..<4, 4..<12])
        #expect(try parse("{}", dataBytes: 0).tensors.isEmpty)
    }

    @Test func `escapes in names stand for the characters they escape`() throws {
        let spelled = #"a\"\\\/\b\f\n\r\t\u00e9\uD83D\ude00\u0041"#
        let header = try parse("{\(entry(spelled, 0, 4))}", dataBytes: 4)
        #expect(header.tensors[0].name == "a\"\\/\u{08}\u{0c}\n\r\té😀A")
    }

    @Test(arguments: [
        #"\x"#, #"\"#, #"\u12g4"#, #"\u12"#, #"\ud83d"#, #"\ud83dx"#, #"\ud83d\n"#,
        #"\ud83d\u0041"#, #"\ude00"#, "\u{1}", "\n",
    ])
    func `a broken escape or a control character is refused`(spelled: String) {
        #expect(throws: SafetensorsFault.self) {
            try parse("{\(entry("a\(spelled)", 0, 4))}", dataBytes: 4)
        }
    }

    @Test(arguments: [[0xff], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xe2, 0x82], [0]] as [[UInt8]])
    func `a name that is not UTF-8 is refused`(bytes: [UInt8]) throws {
        let halves = entry("|", 0, 4).split(separator: "|").map { Array($0.utf8) }
        let json = Array("{".utf8) + halves[0] + bytes + halves[1] + Array("}".utf8)
        #expect(throws: SafetensorsFault.self) {
            try SafetensorsHeader(parsing: json, dataBytes: 4)
        }
    }

    @Test func `a name that stands twice is refused, also when it is spelled with an escape`() {
        #expect(throws: SafetensorsFault.duplicate(name: "a")) {
            try parse("{\(entry("a", 0, 4)),\(entry(#"\u0061"#, 4, 8))}", dataBytes: 8)
        }
        #expect(throws: SafetensorsFault.duplicate(name: "__metadata__")) {
            try parse(#"{"__metadata__":{},"__metadata__":{}}"#, dataBytes: 0)
        }
        #expect(throws: SafetensorsFault.duplicate(name: "k")) {
            try parse(#"{"__metadata__":{"k":"1","k":"2"}}"#, dataBytes: 0)
        }
    }

    @Test func `names that are canonically equal are two, and marks cost no more than letters`() throws {
        let both = try parse("{\(entry("caf\u{E9}", 0, 4)),\(entry("cafe\u{301}", 4, 8))}", dataBytes: 8)
        #expect(both.tensors.map { Array($0.name.utf8).count } == [5, 6])
        // Composing each for the comparison would take 10^10 steps.
        let marks = String(repeating: "\u{301}\u{323}", count: 240)
        let names = (0..<40_000).map { "\(marks)\($0)" }
        let entries = names.enumerated().map { entry($1, 4 * $0, 4 * $0 + 4) }
        let many = try parse("{\(entries.joined(separator: ","))}", dataBytes: 4 * names.count)
        #expect(many.tensors.count == names.count)
    }

    @Test func `tensors must tile the data: no hole, no overlap, nothing left over`() {
        #expect(throws: SafetensorsFault.notContiguous(tensor: "b", start: 8, expected: 4)) {
            try parse("{\(entry("a", 0, 4)),\(entry("b", 8, 12))}", dataBytes: 12)
        }
        #expect(throws: SafetensorsFault.notContiguous(tensor: "b", start: 2, expected: 4)) {
            try parse("{\(entry("a", 0, 4)),\(entry("b", 2, 6))}", dataBytes: 6)
        }
        #expect(throws: SafetensorsFault.notContiguous(tensor: "b", start: 0, expected: 4)) {
            try parse("{\(entry("a", 0, 4)),\(entry("b", 0, 4))}", dataBytes: 4)
        }
        #expect(throws: SafetensorsFault.notContiguous(tensor: "a", start: 4, expected: 0)) {
            try parse("{\(entry("a", 4, 8))}", dataBytes: 8)
        }
        for dataBytes in [0, 3, 5] {
            #expect(throws: SafetensorsFault.wrongDataSize(covered: 4, found: dataBytes)) {
                try parse("{\(entry("a", 0, 4))}", dataBytes: dataBytes)
            }
        }
    }

    @Test func `offsets that are inverted, or disagree with shape and type, are refused`() {
        #expect(throws: SafetensorsFault.invertedOffsets(tensor: "a", start: 4, end: 0)) {
            try parse("{\(entry("a", 4, 0))}", dataBytes: 4)
        }
        #expect(throws: SafetensorsFault.wrongByteCount(tensor: "a", found: 4, needed: 8)) {
            try parse("{\(entry("a", 0, 4, shape: "[2]"))}", dataBytes: 4)
        }
    }

    @Test(arguments: [
        "[9223372036854775807,2]", "[4294967296,4294967296]", "[2305843009213693952]",
        "[65536,65536,65536,65536]",
    ])
    func `a shape whose size overflows is refused`(shape: String) {
        #expect(throws: SafetensorsFault.shapeOverflow(tensor: "a")) {
            try parse("{\(entry("a", 0, 4, shape: shape))}", dataBytes: 4)
        }
    }

    @Test(arguments: ["F8_E4M3", "f32", "", "F32 ", "C64"])
    func `an element type that is not known is refused by name`(type: String) {
        #expect(throws: SafetensorsFault.unknownType(tensor: "a", type: type)) {
            try parse(
                #"{"a":{"dtype":"\#(type)","shape":[1],"data_offsets":[0,4]}}"#, dataBytes: 4)
        }
    }

    @Test(arguments: [
        "", " ", "{", "}", "[]", "null", " {}", "{}{}", "{},", "{,}", #"{"a"}"#, #"{"a":1}"#,
        #"{"a":{}}"#, #"{"a":{"dtype":"F32"}}"#, #"{"a":{"dtype":"F32","shape":[1]}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}}"#,
        #"{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[01],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[1e0],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[1,],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[[1]],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":{}}}"#,
        #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},}"#,
        #"{"__metadata__":{"k":}}"#, #"{"__metadata__":}"#, #"{"__metadata__":{"k":]}}"#, #"{"__metadata__":{1:"k"}}"#,
        #"{"__metadata__":{"k":"v"}"#, #"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#,
    ])
    func `a header that breaks the grammar is refused`(json: String) {
        #expect(throws: SafetensorsFault.self) { try parse(json, dataBytes: 4) }
    }

    @Test func `strings of the metadata are kept, and what is no string is left out`() throws {
        let header = try parse(
            #"""
            {"__metadata__":{"modelspec.license":"open\u0072ail","steps":12,"nothing":null,"list":[{"a":"}"},[1.5e3]],
             "object":{"b":{"c":"d"}},"true":true, "title":"\u00e9"},\#(entry("a", 0, 4))}
            """#, dataBytes: 4)
        #expect(header.metadata == ["modelspec.license": "openrail", "title": "é"])
        #expect(header.tensors.map(\.name) == ["a"])
        for other in ["null", "[]", "7", #""text""#, #"[{"a":1}]"#] {
            #expect(try parse("{\"__metadata__\":\(other),\(entry("a", 0, 4))}", dataBytes: 4).metadata.isEmpty)
        }
    }

    @Test func `long metadata and more than a megabyte of it are left out`() throws {
        let longest = String(repeating: "v", count: SafetensorsHeader.metadataValueLimit)
        let one = try parse(#"{"__metadata__":{"long":"\#(longest)v","fits":"\#(longest)","last":"k"}}"#, dataBytes: 0)
        #expect(one.metadata == ["fits": longest, "last": "k"])
        let many = (0..<100).map { #""\#($0)":"\#(longest)""# }.joined(separator: ",")
        let kept = try parse(#"{"__metadata__":{\#(many)}}"#, dataBytes: 0).metadata
        #expect(kept.count == 15)
    }

    @Test func `JSON a million levels deep is refused where it starts to go down`() {
        let deep = String(repeating: "{\"a\":", count: 1_000_000)
        #expect(throws: SafetensorsFault.self) { try parse(deep, dataBytes: 0) }
        let list = "{" + entry("a", 0, 4, shape: String(repeating: "[", count: 1_000_000)) + "}"
        #expect(throws: SafetensorsFault.self) { try parse(list, dataBytes: 4) }
    }

    @Test func `one tensor over the limit stops the parser, however many follow`() throws {
        let limit = SafetensorsHeader.tensorLimit
        func empty(_ count: Int) -> String {
            let entries = (0..<count).map { entry("\($0)", 0, 0, shape: "[0]") }
            return "{" + entries.joined(separator: ",")
        }
        #expect(try parse(empty(limit) + "}", dataBytes: 0).tensors.count == limit)
        #expect(throws: SafetensorsFault.tooManyTensors(limit: limit)) {
            try parse(empty(limit + 1) + "then anything", dataBytes: 0)
        }
    }

    @Test func `names, dimensions and metadata have limits`() throws {
        let longest = String(repeating: "n", count: 1024)
        #expect(try parse("{\(entry(longest, 0, 4))}", dataBytes: 4).tensors[0].name == longest)
        #expect(throws: SafetensorsFault.self) {
            try parse("{\(entry(longest + "n", 0, 4))}", dataBytes: 4)
        }
        #expect(
            try parse("{\(entry("a", 0, 4, shape: "[1,1,1,1,1,1,1,1]"))}", dataBytes: 4)
                .tensors[0].shape.count == 8)
        #expect(throws: SafetensorsFault.tooManyDimensions(tensor: "a", limit: 8)) {
            try parse("{\(entry("a", 0, 4, shape: "[1,1,1,1,1,1,1,1,1]"))}", dataBytes: 4)
        }
        let keys = (0...SafetensorsHeader.metadataLimit).map { "\"\($0)\":\"\"" }
        #expect(throws: SafetensorsFault.self) {
            try parse("{\"__metadata__\":{\(keys.joined(separator: ","))}}", dataBytes: 0)
        }
    }

    /// Every cut and every changed byte of a header leaves either a fault or a legal header.
    @Test func `a cut header is refused and a changed byte never leaves the file`() throws {
        let json = Array("{\(entry("a", 0, 4)),\(entry("b", 4, 12, shape: "[1,2]"))}".utf8)
        for length in 0..<json.count {
            #expect(throws: SafetensorsFault.self) {
                try SafetensorsHeader(parsing: Array(json[..<length]), dataBytes: 12)
            }
        }
        for position in json.indices {
            for byte in [0, 0x22, 0x2c, 0x30, 0x39, 0x5b, 0x5c, 0x5d, 0x7b, 0x7d, 0xff] as [UInt8] {
                var changed = json
                changed[position] = byte
                let header = try? SafetensorsHeader(parsing: changed, dataBytes: 12)
                #expect(header?.tensors.last?.bytes.upperBound ?? 12 == 12)
            }
        }
    }
}

@Suite struct `safetensors files` {
    @Test func `a stated length of any size is held against the file before it is used`() throws {
        let folder = try TemporaryDirectory()
        let lengths: [(UInt64, SafetensorsFault)] = [
            (1 << 63, .headerTooLarge(bytes: 1 << 63, limit: 100_000_000)),
            (.max, .headerTooLarge(bytes: .max, limit: 100_000_000)),
            (100_000_001, .headerTooLarge(bytes: 100_000_001, limit: 100_000_000)),
            (100_000_000, .headerPastEnd(bytes: 100_000_000, fileBytes: 10)),
            (3, .headerPastEnd(bytes: 3, fileBytes: 10)),
        ]
        for (length, fault) in lengths {
            let prefix = (0..<8).map { UInt8(truncatingIfNeeded: length >> ($0 * 8)) }
            let path = try folder.write("a.safetensors", prefix + Array("{}".utf8))
            #expect(throws: CheckpointError.header(file: path, fault: fault)) {
                try TensorFile(path: path)
            }
        }
        for count in 1..<8 {
            let path = try folder.write("b.safetensors", [UInt8](repeating: 0, count: count))
            #expect(
                throws: CheckpointError.header(file: path, fault: .noLength(fileBytes: count))
            ) {
                try TensorFile(path: path)
            }
        }
    }

    @Test func `a pipe, a device and a folder are refused without waiting`() throws {
        let folder = try TemporaryDirectory()
        let pipe = "\(folder.path)/pipe"
        let made = unsafe mkfifo(pipe, 0o600)
        #expect(made == 0)
        for path in [pipe, "/dev/zero", folder.path] {
            #expect(throws: CheckpointError.notAFile(path: path)) { try TensorFile(path: path) }
        }
        #expect(throws: CheckpointError.system(path: "/no/file", call: "open", code: ENOENT)) {
            try TensorFile(path: "/no/file")
        }
        #expect(throws: CheckpointError.self) { try TensorFile(path: "\(pipe)\0.safetensors") }
    }

    @Test func `values come out as they were stored, in each type, across the chunks of a read`()
        throws
    {
        let folder = try TemporaryDirectory()
        // One read takes 4 MiB: 2^20 floats, 2^21 halves. Each number next to a seam is marked.
        let counts = (floats: (1 << 20) + 7, halves: (1 << 21) + 7)
        let seams = (
            floats: [0, (1 << 20) - 1, 1 << 20, counts.floats - 1],
            halves: [0, (1 << 21) - 1, 1 << 21, counts.halves - 1]
        )
        var floats = [UInt8](repeating: 0, count: 4 * counts.floats)
        for (order, seam) in seams.floats.enumerated() {
            floats[4 * seam + 3] = 0x40 + UInt8(order)
        }
        var halves = [UInt8](repeating: 0, count: 2 * counts.halves)
        for (order, seam) in seams.halves.enumerated() {
            halves[2 * seam + 1] = 0x3c + UInt8(order)
        }
        let file = try TensorFile(
            path: folder.write(
                "a.safetensors",
                safetensors([
                    StoredTensor("flag", type: "U8", shape: [1], bytes: [1]),
                    StoredTensor("f16", type: "F16", shape: [3], halves: [0x3c00, 0xc500, 0x0001]),
                    StoredTensor("bf16", type: "BF16", shape: [2], halves: [0x3f80, 0xc0a0]),
                    StoredTensor("f32", type: "F32", shape: [counts.floats], bytes: floats),
                    StoredTensor("long", type: "F16", shape: [counts.halves], bytes: halves),
                ])))
        #expect(try file.values(of: "f16") == [1, -5, 0x1p-24])
        #expect(try file.values(of: "bf16") == [1, -5])
        let f32 = try file.values(of: "f32")
        #expect(seams.floats.map { f32[$0] } == [2, 8, 32, 128])
        let long = try file.values(of: "long")
        #expect(seams.halves.map { long[$0] } == [1, 1.25, 1.5, 1.75])
        #expect([f32.count, long.count] == [counts.floats, counts.halves])
        #expect(throws: CheckpointError.elementType(tensor: "flag", found: "U8")) {
            try file.values(of: "flag")
        }
        #expect(throws: CheckpointError.missing(tensor: "f64")) { try file.values(of: "f64") }
    }

    @Test func `a file cut short while open gives an error that names it, no signal`() throws {
        let folder = try TemporaryDirectory()
        let bytes = safetensors([
            StoredTensor("a", shape: [4], [1, 2, 3, 4]), StoredTensor("b", shape: [1], [5]),
        ])
        let path = try folder.write("a.safetensors", bytes)
        let file = try TensorFile(path: path)
        try folder.resize("a.safetensors", to: bytes.count - 8)
        #expect(
            throws: CheckpointError.shortRead(file: path, tensor: "a", offset: bytes.count - 8)
        ) {
            try file.values(of: "a")
        }
        try folder.resize("a.safetensors", to: bytes.count + 1)
        #expect(
            throws: CheckpointError.changed(
                file: path, sizeBefore: bytes.count, sizeNow: bytes.count + 1)
        ) {
            try file.values(of: "b")
        }
    }

    @Test func `no file stays mapped and none stays open`() throws {
        let folder = try TemporaryDirectory()
        let path = try folder.write(
            "a.safetensors", safetensors([StoredTensor("a", shape: [2], [1, 2])]))
        func read() throws {
            let file = try TensorFile(path: path)
            #expect(try file.values(of: "a") == [1, 2])
            let maps = try String(contentsOf: URL(filePath: "/proc/self/maps"), encoding: .utf8)
            #expect(!maps.contains(path))
        }
        try read()
        let open = try FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd").compactMap {
            try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/fd/\($0)")
        }
        #expect(!open.contains(path))
    }
}
