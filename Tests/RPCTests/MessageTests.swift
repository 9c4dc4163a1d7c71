import Limits
import RPC
import Testing

/// Laws of the messages: what is written is read, and what is not well formed is refused in words.
struct MessageTests {
    static let phrase = UnderstoodPhrase(
        words: "a dog", prompt: "a photo of a dog", positions: [4, 5], truncated: true,
        caption: "a dog on a road", weight: 1.25)
    static let choice = Choice(
        filter: "best", settings: ["least=0"], caption: "two dogs",
        nouns: [Noun(name: "dog", words: "dogs"), Noun(name: "", words: "")],
        verdicts: [
            Verdict(
                name: "dog", kept: true, score: 0.5,
                criteria: [
                    Criterion(part: "patches", value: -1, limit: .greatestFiniteMagnitude, held: true, noun: "dogs")
                ],
                alike: ""),
            Verdict(name: "Dog", kept: false, score: 0, criteria: [], alike: "dog"),
        ], vocabularyHash: "beef")
    static let header = Header(
        handle: "ab12", width: 640, height: 480, latentWidth: 64, latentHeight: 48,
        labels: [
            UnderstoodLabel(name: "dog", phrases: [phrase, phrase]),
            UnderstoodLabel(name: "Köter 🐕", phrases: []),
        ],
        recipe: "shared", forwardPrompt: "a photo", seed: .max, timestep: 100, threshold: 0.5,
        model: "demo", modelHash: "ff", modelAliases: ["fe", ""], version: "1.0", precision: "f32",
        instructionSet: "avx2",
        blas: "OpenBLAS 0.3.21 Zen", settings: ["gamma=2", "edges=off"], labelsCompete: true,
        notes: ["it is read at 1024 x 512 pixels", ""], choice: choice,
        captioner: Network(name: "blip", hash: "aa"), filter: Network(name: "clip", hash: "bb"))
    static let description = Description(
        handle: "ab", width: 1, height: .max, caption: "a dog", nouns: choice.nouns, captioner: nil,
        filter: header.filter)
    static let vocabulary = Vocabulary(
        candidates: [
            Candidate(name: "dog", phrases: [Phrase(words: "dog", weight: 1.5)], synonyms: ["hound", ""]),
            Candidate(name: "cat", phrases: [], synonyms: []),
        ], background: ["grass", ""], filter: "published", settings: ["picture=0.5"])
    static let trailer = Trailer(
        queueMilliseconds: 1, decodeMilliseconds: 2, autoencoderMilliseconds: 3,
        textMilliseconds: 4, unetMilliseconds: 5, mapsMilliseconds: 6, unetPasses: 7,
        featuresCached: 8, phrasesCached: 9, latentCached: true, answerHash: "cafe", wordsMilliseconds: 10)
    static let loading = Loading(model: "sd15", stage: .reading, bytes: 1 << 30, totalBytes: .max)
    static let model = ModelStatus(
        name: "demo", hash: "ff", bytes: 1 << 40, precision: "int16", role: "segmenter", untilMilliseconds: 1 << 33,
        keptForEver: false, loading: nil, calls: 6, requests: 1 << 34, p50Milliseconds: 1.5, p99Milliseconds: 0.25,
        model: "")
    static let status = StatusReply(
        version: "1.0",
        models: [
            model,
            ModelStatus(
                name: "clip", hash: "fe", bytes: 1 << 40, precision: "f32", role: "filter", untilMilliseconds: 0,
                keptForEver: true, loading: loading, calls: 0, requests: 0, p50Milliseconds: 0, p99Milliseconds: 0,
                model: "demo"),
        ],
        queued: 1, queueLimit: 2, answered: 1 << 40, refused: 4, pictures: 5, picturesBytes: 6,
        picturesLimit: 7, words: 8, wordsBytes: 9, wordsLimit: 10, uptimeMilliseconds: 11,
        threads: 12,
        recipes: [
            RecipeStatus(
                name: "best", summary: "s", cost: "c", source: "o",
                settings: [SettingStatus(key: "gamma", value: "1", legal: "0 to 64", meaning: "m")]),
            RecipeStatus(name: "shared", summary: "", cost: "", source: "", settings: []),
        ], memoryBytes: 13, memoryLimit: 1 << 50, keepAlive: "5m", defaultModel: "demo",
        activity: Activity(
            running: RunningCall(
                method: "Segment", user: 1000, requestID: "r1", model: "demo", stage: "unet", ageMilliseconds: 1 << 34,
                stepMilliseconds: 250),
            users: [
                UserStatus(
                    user: .max, standing: "proxy", connections: 1, calls: 2, incomingBytes: 1 << 35,
                    answerBytes: 1 << 36, answered: 1 << 37, failed: 3),
                UserStatus(
                    user: 0, standing: "administrator", connections: 0, calls: 0, incomingBytes: 0, answerBytes: 0,
                    answered: 0, failed: 0),
            ],
            failures: [
                CallFailure(
                    ageMilliseconds: 1, user: 1000, method: "Look", requestID: "", code: .resourceExhausted,
                    reason: "QUEUE_FULL")
            ], incomingBytes: 1 << 38, answerBytes: 1 << 39, stuckMilliseconds: 1 << 40, isAdministrator: true))
    static let requests = [
        SegmentRequest(picture: nil, labels: []),
        SegmentRequest(
            picture: .image([0, 1, 255]),
            labels: [Label(name: "dog", phrases: [Phrase(words: "a dog", prompt: "see a dog")])],
            recipe: "diffsegmenter", forwardPrompt: "all of it", seed: 7, timestep: 50,
            threshold: 0.25, maps: .sized, mapWidth: 320, mapHeight: 240, encoding: .u8, mask: true,
            model: "demo", requestID: "r1", deadlineMilliseconds: 1000,
            settings: ["gamma=2", "", "weights=0,1"], keepAlive: "5m", progress: true),
        SegmentRequest(
            picture: .handle(""), labels: [Label(name: "")], forwardPrompt: "", timestep: 0,
            threshold: 0, maps: .none),
        SegmentRequest(picture: .image([]), labels: []),
    ]

    @Test func `a header says whether one pass read the empty prompt or each phrase had its own`() throws {
        for prompt in [nil, "", "a photo"] {
            var header = Self.header
            header.forwardPrompt = prompt
            try expectRoundTrip(header)
        }
    }

    private func expectRoundTrip<Message: WireMessage>(_ message: Message) throws {
        let read = try Message(decoding: message.encoded())
        #expect(read == message)
    }

    @Test func `every message survives the wire`() throws {
        for request in Self.requests { try expectRoundTrip(request) }
        try expectRoundTrip(SegmentReply.header(Self.header))
        try expectRoundTrip(SegmentReply.trailer(Self.trailer))
        try expectRoundTrip(
            SegmentReply.scoreMap(
                ScoreMap(label: 3, scores: [0, 0.5, 1], width: 3, height: 1, encoding: .f16)))
        try expectRoundTrip(
            SegmentReply.mask(IndexMask(indices: [0, 2, 1, 1], width: 2, height: 2, labels: 2)))
        try expectRoundTrip(LookRequest(data: []))
        try expectRoundTrip(LookRequest(data: [1], recipe: "best", settings: ["grid=aspect", ""]))
        try expectRoundTrip(LookRequest(data: [UInt8](repeating: 7, count: 1 << 20)))
        try expectRoundTrip(LookRequest(data: [1], model: "sd15"))
        try expectRoundTrip(LookReply(handle: "ab", width: 1, height: .max))
        try expectRoundTrip(StatusRequest())
        try expectRoundTrip(Self.status)
        try expectRoundTrip(CancelRequest(requestID: "r1"))
        try expectRoundTrip(CancelReply(cancelled: 3))
        try expectRoundTrip(DescribeReply.description(Self.description))
        try expectRoundTrip(DescribeReply.choice(Self.choice))
        for vocabulary in [nil, Self.vocabulary] {
            try expectRoundTrip(
                DescribeRequest(
                    picture: .handle("h"), vocabulary: vocabulary, model: "m", requestID: "r", deadlineMilliseconds: 9,
                    keepAlive: "forever", progress: vocabulary == nil))
            try expectRoundTrip(SegmentRequest(picture: .image([1]), labels: [], vocabulary: vocabulary))
        }
        try expectRoundTrip(SegmentReply.loading(Self.loading))
        let probes: [Probe] = [.layers, .attention(x: 7, y: .max), .stages, .attention(x: 0, y: 0)]
        try expectRoundTrip(SegmentRequest(picture: .handle("h"), labels: [], probes: probes))
        let map = try ScoreMap(label: 2, scores: [0, 1], width: 1, height: 2, encoding: .u8)
        try expectRoundTrip(SegmentReply.probed(ProbedMap(probe: 3, name: "down_blocks.0.attentions.1", map: map)))
        try expectRoundTrip(DescribeReply.loading(Self.loading))
        for stage in Loading.Stage.allCases {
            try expectRoundTrip(WarmReply.loading(Loading(model: "", stage: stage, bytes: 0, totalBytes: 0)))
        }
        for model in Self.status.models { try expectRoundTrip(WarmReply.model(model)) }
        try expectRoundTrip(WarmRequest(model: "m", keepAlive: "-1", requestID: "r", deadlineMilliseconds: .max))
        try expectRoundTrip(UnloadRequest(model: ""))
        try expectRoundTrip(UnloadReply(unloaded: ["a", "", "b"], inUse: ["c"]))
        try expectRoundTrip(UnloadReply(unloaded: [], inUse: []))
        try expectRoundTrip(HealthCheckRequest(service: "dseg.v1.Segmenter"))
        for status: HealthCheckResponse.ServingStatus in [
            .unknown, .serving, .notServing, .serviceUnknown,
        ] {
            try expectRoundTrip(HealthCheckResponse(status: status))
        }
        try expectRoundTrip(
            CallRequest(
                service: "s", method: "m", payload: [1], timeout: .min,
                metadata: [Metadata(key: "k", value: "v")]))
        try expectRoundTrip(CallResponse.success([]))
        try expectRoundTrip(CallResponse.failure(RPCStatus(.notFound, "no such handle")))
        try expectRoundTrip(MetricsReply(text: "dseg_queue_depth 1\n"))
    }

    @Test func `text with a NUL or bytes that are not UTF-8 is refused`() {
        let bad: [[UInt8]] = [
            [0x61, 0, 0x62], [0], [0xc3, 0x28], [0xff], [0xed, 0xa0, 0x80], [0xc0, 0x80],
            [0xe2, 0x82],
        ]
        for text in bad {
            let field = [0x0a, UInt8(text.count)] + text
            let error = #expect(throws: RPCStatus.self) { try Label(decoding: field) }
            #expect(error?.code == .invalidArgument)
            #expect(error?.message.contains("Label.name") == true)
            #expect(throws: RPCStatus.self) { try CancelRequest(decoding: field) }
            let nested = [0x1a, UInt8(field.count)] + field
            #expect(throws: RPCStatus.self) { try SegmentRequest(decoding: nested) }
        }
    }

    @Test func `a setting is a name: of 256 bytes at most`() throws {
        func request(_ setting: String) -> SegmentRequest {
            SegmentRequest(picture: nil, labels: [], settings: ["gamma=1", setting])
        }
        try expectRoundTrip(request(String(repeating: "0", count: 256)))
        let error = #expect(throws: RPCStatus.self) {
            try SegmentRequest(decoding: request(String(repeating: "0", count: 257)).encoded())
        }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message == "SegmentRequest.settings of 257 bytes, the limit is 256: shorten it.")
    }

    @Test func `unknown enumeration values are refused with those that are known`() {
        for (field, name) in [(UInt8(0x48), "maps"), (0x60, "encoding")] {
            for value: [UInt8] in [[3], [0x7f], [0xff, 0xff, 0xff, 0xff, 0x0f]] {
                let error = #expect(throws: RPCStatus.self) {
                    try SegmentRequest(decoding: [field] + value)
                }
                #expect(error?.code == .invalidArgument)
                #expect(error?.message.contains("SegmentRequest.\(name)") == true)
            }
        }
        #expect(throws: RPCStatus.self) { try HealthCheckResponse(decoding: [8, 4]) }
    }

    @Test func `a reply without a case is refused`() {
        #expect(throws: RPCStatus.self) { try SegmentReply(decoding: []) }
        #expect(throws: RPCStatus.self) { try DescribeReply(decoding: []) }
        #expect(throws: RPCStatus.self) { try WarmReply(decoding: []) }
    }

    @Test func `unknown fields are passed over and codes that Google has not are unknown`() throws {
        let newer = CancelRequest(requestID: "r").encoded() + [0xfa, 0x01, 1, 9, 0x80, 0x02, 5]
        #expect(try CancelRequest(decoding: newer) == CancelRequest(requestID: "r"))
        #expect(try RPCStatus(decoding: [8, 99]).code == .unknown)
        #expect(try CallResponse(decoding: [0x0a, 0, 0x12, 1, 7]) == .success([7]))
    }

    @Test func `a prefix of a message is refused or is a message`() throws {
        let bytes = SegmentReply.header(Self.header).encoded()
        for length in 1..<bytes.count {
            #expect(throws: RPCStatus.self) {
                try SegmentReply(decoding: Array(bytes[..<length]))
            }
        }
    }

    // MARK: Bombs

    /// Each grows in protobuf-c's hands: 44 times by unknown fields, quadratically by merging.
    @Test func `messages that grow while they are read exhaust their budget, not the machine`() {
        let flood = [[UInt8]](repeating: [0xf8, 0x01], count: 2 << 20).flatMap { $0 }.dropLast(2)
        let unknown = Array(flood) + [0xf8, 0x01]
        let labels = [[UInt8]](repeating: [0x1a, 0], count: 2 << 20).flatMap { $0 }
        let settings = [[UInt8]](repeating: [0x8a, 0x01, 0], count: 1 << 20).flatMap { $0 }
        let merge = [[UInt8]](repeating: [0x0a, 2, 0x32, 0], count: 1 << 20).flatMap { $0 }
        let bombs: [(String, () throws -> Void)] = [
            ("unknown fields in control", { _ = try CancelRequest(decoding: unknown) }),
            ("unknown fields in bulk", { _ = try SegmentRequest(decoding: unknown) }),
            ("labels", { _ = try SegmentRequest(decoding: labels) }),
            ("settings", { _ = try SegmentRequest(decoding: settings) }),
            ("merged headers", { _ = try SegmentReply(decoding: merge) }),
        ]
        for (name, decode) in bombs {
            let error = #expect(throws: RPCStatus.self, "\(name)") { try decode() }
            #expect(error?.code == .resourceExhausted, "\(name)")
        }
    }

    @Test func `a full frame of picture is within its budget`() throws {
        let file = [UInt8](repeating: 3, count: Limit.frameBytes - 100)
        try expectRoundTrip(SegmentRequest(picture: .image(file), labels: [Label(name: "x")]))
    }

    @Test func `4,096 labels of two phrases are within their budget, asked and understood`() throws {
        let words = (0..<8192).map { "w\($0)" }
        let pairs = stride(from: 0, to: words.count, by: 2).map { words[$0...$0 + 1] }
        let labels = pairs.map { Label(name: $0[$0.startIndex], phrases: $0.map { Phrase(words: $0) }) }
        try expectRoundTrip(SegmentRequest(picture: .handle("h"), labels: labels))
        let short = labels.map { Label(name: $0.name, phrases: [Phrase(words: "a"), Phrase(words: "b")]) }
        try expectRoundTrip(SegmentRequest(picture: .handle("h"), labels: short))
        var header = Self.header
        header.labels = pairs.map { pair in
            UnderstoodLabel(
                name: pair[pair.startIndex],
                phrases: pair.map {
                    UnderstoodPhrase(
                        words: $0, prompt: $0, positions: [1], truncated: false, caption: "", weight: 1)
                })
        }
        try expectRoundTrip(SegmentReply.header(header))
    }

    @Test func `4,096 candidates with all that was measured of them are within their budget`() throws {
        let criteria = (0..<5).map { Criterion(part: "p\($0)", value: 1, limit: 2, held: false, noun: "noun") }
        var choice = Self.choice
        choice.verdicts = (0..<4096).map {
            Verdict(name: "name \($0)", kept: true, score: 1, criteria: criteria, alike: "")
        }
        try expectRoundTrip(DescribeReply.choice(choice))
        var header = Self.header
        header.choice = choice
        try expectRoundTrip(SegmentReply.header(header))
    }

    @Test func `255 labels of 16 phrases are within their budget`() throws {
        let phrases = (0..<16).map { Phrase(words: "word \($0)") }
        let labels = (0..<255).map { Label(name: "\($0)", phrases: phrases) }
        try expectRoundTrip(SegmentRequest(picture: .handle("h"), labels: labels))
    }
}
