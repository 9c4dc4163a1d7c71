import RPC

/// Sends a daemon the requests of the table's rows, round after round, timed by the client.
///
/// Each round sends a new picture. Its words are new, or those of the round before.
struct Rounds {
    private(set) var samples: [Stage: [Double]] = [:]
    /// Set by ``lookAtRest()``, when everything was answered.
    private(set) var rest: Rest?

    private let daemon: Daemon
    private let client: Client
    private var pictures: NewPictures
    private let side: Int
    private let recipe: String
    private var wordsUsed = 0
    private var lastWords: [Label] = []

    /// Memory of an idle daemon that has answered everything.
    struct Rest: Encodable {
        let memory: ProcessMemory
        let pictures: Int
        let picturesBytes: Int
        let wordsBytes: Int

        private enum CodingKeys: String, CodingKey {
            case memory, pictures
            case picturesBytes = "pictures_bytes"
            case wordsBytes = "words_bytes"
        }
    }

    /// Warms up with one request that no row counts: it takes the page faults of memory that was never touched.
    init(_ daemon: Daemon, _ client: Client, _ pictures: NewPictures, side: Int, recipe: String) throws {
        self.daemon = daemon
        self.client = client
        self.pictures = pictures
        self.side = side
        self.recipe = recipe
        lastWords = newWords(Stage.words)
        _ = try client.timed(request(.image(self.pictures.next(side: side)), lastWords))
    }

    /// One round: all requests once or several times.
    mutating func ask() throws {
        let words = newWords(Stage.words)
        let first = try client.timed(request(.image(pictures.next(side: side)), words))
        add(.newPicture, first.whole)
        add(.autoencoder, first.trailer.autoencoderMilliseconds)
        add(.unet, first.trailer.unetMilliseconds)
        let picture = SegmentRequest.Picture.handle(first.handle)
        for _ in 0..<3 {
            let word = try client.timed(request(picture, newWords(1)))
            add(.newWord, word.whole)
            add(.text, word.trailer.textMilliseconds)
            add(.addedWord, try client.timed(request(picture, words + newWords(1))).whole)
        }
        add(.knownWords, try client.timed(request(picture, lastWords)).whole)
        for turn in 1...3 {
            // In another order the reply cache misses, and the cache of score maps hits.
            let turned = request(picture, Array(words[turn...] + words[..<turn]))
            add(.askedWords, try client.timed(turned).whole)
            for _ in 0..<3 { add(.sameQuery, try client.timed(turned).whole) }
        }
        for _ in 0..<30 {
            let start = ContinuousClock.now
            _ = try client.health()
            add(.health, start.duration(to: .now))
        }
        lastWords = words
    }

    /// Samples the idle daemon's memory, less what it counts for known pictures and words.
    mutating func lookAtRest() throws {
        let status = try client.status()
        let rest = Rest(
            memory: daemon.memory, pictures: Int(status.pictures), picturesBytes: Int(status.picturesBytes),
            wordsBytes: Int(status.wordsBytes))
        self.rest = rest
        samples[.rest] = [Double(rest.memory.resident - rest.picturesBytes - rest.wordsBytes)]
        if rest.pictures > 0 {
            samples[.knownPicture] = [Double(rest.picturesBytes) / Double(rest.pictures)]
        }
    }

    mutating func add(_ stage: Stage, _ time: Duration) {
        samples[stage, default: []].append(time.inSeconds)
    }

    private mutating func add(_ stage: Stage, _ milliseconds: Float) {
        samples[stage, default: []].append(Double(milliseconds) / 1e3)
    }

    private mutating func newWords(_ count: Int) -> [Label] {
        defer { wordsUsed += count }
        return (wordsUsed..<wordsUsed + count).map { Label(name: Phrases.phrase($0)) }
    }

    /// The request that `dseg mask` sends.
    private func request(_ picture: SegmentRequest.Picture, _ words: [Label]) -> SegmentRequest {
        SegmentRequest(picture: picture, labels: words, recipe: recipe, maps: .none, encoding: .u16, mask: true)
    }
}

/// An answer's times, measured at the client.
struct TimedAnswer: Sendable {
    /// From asking to the last byte.
    let whole: Duration
    /// From asking to the first score map; `nil` where none was wanted.
    let firstMap: Duration?
    let handle: String
    let trailer: Trailer
}

extension Client {
    /// Asks, and times the answer.
    func timed(_ request: SegmentRequest) throws -> TimedAnswer {
        let start = ContinuousClock.now
        var firstMap: Duration?
        var handle = ""
        var trailer: Trailer?
        try segment(request) { reply in
            switch reply {
            case .header(let header): handle = header.handle
            case .scoreMap: firstMap = firstMap ?? start.duration(to: .now)
            case .mask, .loading, .probed: break
            case .trailer(let last): trailer = last
            }
        }
        guard let trailer else { throw RPCStatus(.dataLoss, "The answer ended without its trailer; ask again.") }
        return TimedAnswer(whole: start.duration(to: .now), firstMap: firstMap, handle: handle, trailer: trailer)
    }
}

extension Duration {
    var inSeconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }
}
