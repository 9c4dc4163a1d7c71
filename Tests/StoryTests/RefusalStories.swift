import RPC
import Support
import Testing

/// Bad input gets a typed status and a sentence, and the connection goes on.
struct RefusalStories {
    /// A PNG header of 9000 x 8000 pixels, whose data never come.
    private static let bomb: [UInt8] =
        [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13] + Array("IHDR".utf8)
        + [0, 0, 0x23, 0x28, 0, 0, 0x1f, 0x40, 8, 2, 0, 0, 0, 0x2d, 0x80, 0x4f, 0x3a]

    @Test func `every bad question has its code and leaves the connection usable`() throws {
        let daemon = try Daemon()
        let client = try daemon.client()
        let picture = SegmentRequest.Picture.image(try Repository.scene(1))
        let good = SegmentRequest(picture, ["boat"])
        let bits = try client.answer(good).bits
        func changed(_ change: (inout SegmentRequest) -> Void) -> SegmentRequest {
            var request = good
            change(&request)
            return request
        }
        let cases: [(String, RPCStatus.Code, SegmentRequest)] = [
            ("not an image", .invalidArgument, changed { $0.picture = .image(Array("no picture".utf8)) }),
            ("a GIF", .invalidArgument, changed { $0.picture = .image(Array("GIF89a\u{1}\0\u{1}\0".utf8)) }),
            ("an empty image", .invalidArgument, changed { $0.picture = .image([]) }),
            ("no picture at all", .invalidArgument, changed { $0.picture = nil }),
            ("72 megapixels", .invalidArgument, changed { $0.picture = .image(Self.bomb) }),
            ("no labels", .invalidArgument, changed { $0.labels = [] }),
            ("4,097 labels", .invalidArgument, changed { $0.labels = (0..<4097).map { Label(name: "a\($0)") } }),
            (
                "256 labels with a mask", .invalidArgument,
                changed { ($0.labels, $0.mask) = ((0..<256).map { Label(name: "a\($0)") }, true) }
            ),
            ("a label without a name", .invalidArgument, changed { $0.labels = [Label(name: "")] }),
            ("blanks", .invalidArgument, changed { $0.labels = [Label(name: "   ")] }),
            ("other white space", .invalidArgument, changed { $0.labels = [Label(name: "\n\t\u{3000}")] }),
            (
                "words not in their prompt", .invalidArgument,
                changed { $0.labels = [Label(name: "a", phrases: [Phrase(words: "dog", prompt: "a cat")])] }
            ),
            ("unknown recipe", .invalidArgument, changed { $0.recipe = "cake" }),
            ("unknown setting", .invalidArgument, changed { $0.settings = ["flour=1"] }),
            ("a setting twice", .invalidArgument, changed { $0.settings = ["rounds=1", "rounds=1"] }),
            ("illegal setting", .invalidArgument, changed { $0.settings = ["gamma=-1"] }),
            (
                "one softmax for several passes", .invalidArgument,
                changed { ($0.recipe, $0.settings) = ("diffsegmenter", ["softmax=joint"]) }
            ),
            ("weights for other resolutions", .invalidArgument, changed { $0.settings = ["weights=1"] }),
            (
                "a long setting", .invalidArgument,
                changed { $0.settings = ["gamma=" + String(repeating: "0", count: 251)] }
            ),
            (
                "needless forward prompt", .invalidArgument,
                changed { ($0.recipe, $0.forwardPrompt) = ("diffsegmenter", "a") }
            ),
            ("threshold", .invalidArgument, changed { $0.threshold = .nan }),
            ("timestep", .invalidArgument, changed { $0.timestep = .max }),
            ("map of no size", .invalidArgument, changed { ($0.maps, $0.mapWidth) = (.sized, 5) }),
            (
                "vast map", .invalidArgument,
                changed { ($0.maps, $0.mapWidth, $0.mapHeight) = (.sized, .max, .max) }
            ),
            ("unknown model", .notFound, changed { $0.model = "sdxl" }),
            ("unknown handle", .notFound, changed { $0.picture = .handle(String(repeating: "0", count: 64)) }),
        ]
        for (name, code, request) in cases {
            let refusal = try client.refusal(request)
            #expect(refusal?.code == code, "\(name): \(String(describing: refusal))")
            #expect(refusal?.message.isEmpty == false, "\(name)")
            #expect(try client.health(), "\(name)")
        }
        #expect(throws: RPCStatus.self) { try client.look(Array("no picture".utf8)) }
        #expect(throws: RPCStatus.self) { try client.look([]) }
        #expect(throws: RPCStatus.self) { try client.cancel("") }
        #expect(try client.answer(good).bits == bits)
    }

    @Test(arguments: [["grid=100x96"], ["grid=0x0"], ["grid=8192x8192"], ["detail=5"], ["detail=1", "detail=1"]])
    func `a size that is none is refused by Segment, and by Look before it`(settings: [String]) throws {
        let daemon = try Daemon()
        let client = try daemon.client()
        var request = SegmentRequest(.image(try Repository.scene(1)), ["boat"])
        request.settings = settings
        #expect(try client.refusal(request)?.code == .invalidArgument)
        let error = #expect(throws: RPCStatus.self) { try client.look(Repository.scene(1), settings: settings) }
        #expect(error?.code == .invalidArgument)
        #expect(try daemon.client().health())
    }

    @Test func `a size for which memory is short is refused with the numbers, and others are answered`() throws {
        let daemon = try Daemon(answering: ["--threads", "2"], after: "ulimit -v \(3 << 20)")
        let client = try daemon.client()
        let picture = SegmentRequest.Picture.image(try Repository.scene(1))
        var request = SegmentRequest(picture, ["boat"])
        request.settings = ["grid=1024x1024"]
        let refusal = try client.refusal(request)
        #expect(refusal?.code == .resourceExhausted)
        #expect(refusal?.message.contains("1024 x 1024 pixels needs ") == true, "\(String(describing: refusal))")
        request.settings = ["detail=2"]
        let answer = try client.answer(request)
        #expect(answer.header.notes.count == 1 && answer.maps.count == 1)
        #expect(try client.answer(SegmentRequest(picture, ["boat"])).header.notes.isEmpty)
    }

    @Test func `malformed and oversized frames end a call, not the connection`() throws {
        let wire = try Wire(Daemon())
        try wire.frame(1, stream: 1, flags: 0, [0xff, 0xff, 0xff])
        #expect(try wire.code(of: 1) == .invalidArgument)
        try wire.open(.segment, stream: 3, [0x08])
        #expect(try wire.code(of: 3) == .invalidArgument)
        try wire.frame(1, stream: 5, flags: 0, [UInt8](repeating: 0, count: (4 << 20) + 1))
        #expect(try wire.code(of: 5) == .resourceExhausted)
        let unknown = CallRequest(service: "dseg.v1.Segmenter", method: "Paint", payload: [], timeout: 0)
        try wire.frame(1, stream: 7, flags: 0, unknown.encoded())
        #expect(try wire.code(of: 7) == .unimplemented)
        let foreign = CallRequest(service: "a.B", method: "Status", payload: [], timeout: 0)
        try wire.frame(1, stream: 9, flags: 0, foreign.encoded())
        #expect(try wire.code(of: 9) == .unimplemented)
        try wire.frame(9, stream: 11, flags: 0xff, [1, 2, 3])
        try wire.open(.look, stream: 13, [])
        try wire.frame(3, stream: 13, flags: 0, LookRequest(data: [UInt8](repeating: 0, count: 2 << 20)).encoded())
        #expect(try wire.code(of: 13) == .invalidArgument)
        try wire.open(.health, stream: 15, HealthCheckRequest(service: "unheard.of").encoded())
        #expect(try wire.code(of: 15) == .notFound)
        #expect(try wire.isUsable(stream: 17))
    }

    @Test func `bytes that are not ttrpc close their connection alone`() throws {
        let daemon = try Daemon()
        let client = try daemon.client()
        let wire = try Wire(daemon)
        try wire.send(Array("GET / HTTP/1.1\r\n\r\n".utf8))
        #expect(try wire.next() == nil)
        #expect(try client.health())
    }

    @Test func `a deadline that has passed is told, whether the call or its message carries it`() throws {
        let daemon = try Daemon()
        let picture = SegmentRequest.Picture.image(try Repository.scene(1))
        let client = try daemon.client()
        var request = SegmentRequest.long(picture, id: "")
        request.deadlineMilliseconds = 1
        #expect(try client.refusal(request)?.code == .deadlineExceeded)
        client.timeout = .milliseconds(1)
        #expect(try client.refusal(.long(picture, id: ""))?.code == .deadlineExceeded)
        client.timeout = .seconds(600)
        #expect(try client.health())
    }
}
