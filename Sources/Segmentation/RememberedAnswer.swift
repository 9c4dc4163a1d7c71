import Kernels
package import Networks

/// What determines an answer's messages, bit for bit, the report aside.
struct AnswerKey: Hashable {
    /// A SHA-256: words that look alike and are written in other scalars are other words.
    private let digest: [UInt8]

    /// - Parameters:
    ///   - picture: its handle
    ///   - form: of the messages
    init(_ request: SegmentationRequest, picture: String, model: Model, form: String) {
        var fields = Fields()
        for text in [picture, model.hash, model.precision.rawValue, form, request.recipe.name] { fields.add(text) }
        fields.add(request.forwardPrompt)
        for number in [Int(request.seed), request.timestep, Int(request.threshold.bitPattern)] { fields.add(number) }
        switch request.maps {
        case .latent: fields.add(0)
        case .none: fields.add(1)
        case .picture: fields.add(2)
        case .sized(let width, let height): for number in [3, width, height] { fields.add(number) }
        }
        fields.add(request.wantsMask ? 1 : 0)
        for label in request.labels {
            fields.add(label.name)
            fields.add(label.phrases.count)
            for phrase in label.phrases {
                fields.add(phrase.words)
                fields.add(phrase.prompt)
            }
        }
        digest = fields.digest
    }

    /// Fields one after the other, so that no two lists of them are the same bytes.
    private struct Fields {
        private var bytes: [UInt8] = []

        var digest: [UInt8] {
            var hash = SHA256()
            hash.update(bytes)
            return hash.digest()
        }

        mutating func add(_ number: Int) {
            unsafe withUnsafeBytes(of: number.littleEndian) { unsafe bytes.append(contentsOf: $0) }
        }

        mutating func add(_ text: String) {
            add(text.utf8.count)
            bytes.append(contentsOf: text.utf8)
        }

        mutating func add(_ text: String?) {
            add(text == nil ? 0 : 1)
            if let text { add(text) }
        }
    }
}

/// An answer in the messages that were sent, all but the report.
struct RememberedAnswer {
    /// What a message, or the entry of an answer, takes beside its bytes.
    private static let overhead = 64

    private(set) var messages: [[UInt8]] = []
    private(set) var bytes = overhead
    /// What the answer needed.
    private var prompts = 0
    private var passes = 0
    private var hash = ""

    /// - Parameter message: the event's
    mutating func add(_ event: SegmentationEvent, _ message: [UInt8]) {
        switch event {
        case .header(let understanding):
            prompts = Set(understanding.labels.lazy.flatMap(\.phrases).map(\.prompt)).count
        case .report(let report):
            passes = report.passes + report.featuresCached
            hash = report.answerHash
            return
        case .scores, .mask: break
        }
        messages.append(message)
        bytes += message.count + Self.overhead
    }

    /// Gives the messages back: the answer is too large to be kept.
    mutating func drop() {
        messages = []
    }

    /// The report of an answer to which nothing was added.
    ///
    /// - Parameter report: what is known of it so far
    func report(_ report: Report) -> Report {
        var report = report
        report.featuresCached = passes
        report.phrasesCached = prompts
        report.answerHash = hash
        return report
    }
}

extension Segmenter {
    /// How many of the largest answers that are kept there is room for.
    private static let largestAnswers = 4

    /// Answers a question in messages: one for each event, in their order. The same question again costs neither
    /// scoring nor writing, but for the report.
    ///
    /// - Parameters:
    ///   - form: names how messages are written: where it is the same, so are the messages of an event
    ///   - write: makes an event's message
    ///   - send: takes the next messages
    /// - Throws: what `write` and `send` throw, and `SegmentationError`
    package func answer(
        _ request: SegmentationRequest, owner: UInt32, cancellation: Cancellation, queueMilliseconds: Float,
        form: String, write: (SegmentationEvent) throws(SegmentationError) -> [UInt8],
        send: ([[UInt8]]) throws(SegmentationError) -> Void
    ) throws(SegmentationError) {
        try check(cancellation)
        var answer = Answer(request: request, cancellation: cancellation, queueMilliseconds: queueMilliseconds)
        let handle = answer.timing(\.decode) { request.picture.handle }
        let key = AnswerKey(request, picture: handle, model: model, form: form)
        if isLoaded(request.model), let known = answers.value(for: key) {
            _ = try answer.timing(\.decode) { () throws(SegmentationError) in
                try picture(of: request, handle, owner: owner)
            }
            try send(known.messages + [try write(.report(known.report(answer.report)))])
            return
        }
        var sent = RememberedAnswer()
        let limit = limits.answers / Self.largestAnswers
        try segment(&answer, handle, owner: owner) { event throws(SegmentationError) in
            let message = try write(event)
            try send([message])
            sent.add(event, message)
            if sent.bytes > limit { sent.drop() }
        }
        if sent.bytes <= limit { answers.insert(sent, bytes: sent.bytes, for: key) }
    }
}
