import CMessages

/// The request of `Segment`: which labels to find in which picture, and what to stream.
///
/// Fields mean what `segmenter.proto` says. A field that may be absent is optional here, or has protobuf's zero, which
/// stands for the server's default.
package struct SegmentRequest: WireMessage, @unsafe PackedMessage {
    package enum Picture: Equatable, Sendable {
        /// A PNG, JPEG or WebP file.
        case image([UInt8])
        /// The handle that `Look` returned.
        case handle(String)
    }

    /// Which score maps are streamed.
    package enum Maps: UInt32, CaseIterable, Sendable {
        case latent = 0
        case sized = 1
        case none = 2
    }

    package var picture: Picture?
    package var labels: [Label]
    package var recipe: String
    package var forwardPrompt: String?
    package var seed: UInt32
    package var timestep: UInt32?
    package var threshold: Float?
    package var maps: Maps
    package var mapWidth: UInt32
    package var mapHeight: UInt32
    package var encoding: Encoding
    package var mask: Bool
    package var model: String
    package var requestID: String
    package var deadlineMilliseconds: UInt32
    /// `key=value` each.
    package var settings: [String]
    /// What the labels are chosen from; `nil`: they are given.
    package var vocabulary: Vocabulary?
    /// Of the model, once the call has ended, as `KeepAlive` reads it; empty: the daemon's own.
    package var keepAlive: String
    /// Whether ``Loading`` messages come before the header.
    package var progress: Bool
    /// What else of the computation is streamed.
    package var probes: [Probe]

    package init(
        picture: Picture?, labels: [Label], recipe: String = "", forwardPrompt: String? = nil,
        seed: UInt32 = 0,
        timestep: UInt32? = nil, threshold: Float? = nil, maps: Maps = .latent,
        mapWidth: UInt32 = 0,
        mapHeight: UInt32 = 0, encoding: Encoding = .f16, mask: Bool = false, model: String = "",
        requestID: String = "", deadlineMilliseconds: UInt32 = 0, settings: [String] = [],
        vocabulary: Vocabulary? = nil, keepAlive: String = "", progress: Bool = false, probes: [Probe] = []
    ) {
        self.picture = picture
        self.labels = labels
        self.recipe = recipe
        self.forwardPrompt = forwardPrompt
        self.seed = seed
        self.timestep = timestep
        self.threshold = threshold
        self.maps = maps
        self.mapWidth = mapWidth
        self.mapHeight = mapHeight
        self.encoding = encoding
        self.mask = mask
        self.model = model
        self.requestID = requestID
        self.deadlineMilliseconds = deadlineMilliseconds
        self.settings = settings
        self.vocabulary = vocabulary
        self.keepAlive = keepAlive
        self.progress = progress
        self.probes = probes
    }

    static var budget: MemoryBudget { .bulk }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__SegmentRequest>?) -> Void {
        unsafe dseg__v1__segment_request__init
    }

    init(_ packed: Dseg__V1__SegmentRequest) throws(RPCStatus) {
        picture =
            switch unsafe packed.picture_case {
            case DSEG__V1__SEGMENT_REQUEST__PICTURE_IMAGE: unsafe .image(bytes(packed.image))
            case DSEG__V1__SEGMENT_REQUEST__PICTURE_HANDLE:
                .handle(try unsafe text(packed.handle, "SegmentRequest.handle", .name))
            default: nil
            }
        unsafe labels = try list(packed.labels, packed.n_labels)
        unsafe recipe = try text(packed.recipe, "SegmentRequest.recipe", .name)
        forwardPrompt =
            unsafe packed.chosen_forward_prompt_case
            == DSEG__V1__SEGMENT_REQUEST__CHOSEN_FORWARD_PROMPT_FORWARD_PROMPT
            ? try unsafe text(packed.forward_prompt, "SegmentRequest.forward_prompt", .sentence) : nil
        unsafe seed = packed.seed
        timestep =
            unsafe packed.chosen_timestep_case
            == DSEG__V1__SEGMENT_REQUEST__CHOSEN_TIMESTEP_TIMESTEP
            ? packed.timestep : nil
        threshold =
            unsafe packed.chosen_threshold_case
            == DSEG__V1__SEGMENT_REQUEST__CHOSEN_THRESHOLD_THRESHOLD
            ? packed.threshold : nil
        unsafe maps = try choice(packed.maps.rawValue, "SegmentRequest.maps")
        unsafe mapWidth = packed.map_width
        unsafe mapHeight = packed.map_height
        unsafe encoding = try choice(packed.encoding.rawValue, "SegmentRequest.encoding")
        unsafe mask = packed.mask != 0
        unsafe model = try text(packed.model, "SegmentRequest.model", .name)
        unsafe requestID = try text(packed.request_id, "SegmentRequest.request_id", .name)
        unsafe deadlineMilliseconds = packed.deadline_milliseconds
        unsafe settings = try texts(packed.settings, packed.n_settings, "SegmentRequest.settings", .name)
        vocabulary = if let packed = unsafe packed.vocabulary { try unsafe Vocabulary(packed.pointee) } else { nil }
        unsafe keepAlive = try text(packed.keep_alive, "SegmentRequest.keep_alive", .name)
        unsafe progress = packed.progress != 0
        unsafe probes = try list(packed.probes, packed.n_probes)
    }

    func fill(_ packed: inout Dseg__V1__SegmentRequest, in arena: borrowing MessageArena) {
        switch picture {
        case .image(let file):
            unsafe packed.picture_case = DSEG__V1__SEGMENT_REQUEST__PICTURE_IMAGE
            unsafe packed.image = arena.bytes(file)
        case .handle(let handle):
            unsafe packed.picture_case = DSEG__V1__SEGMENT_REQUEST__PICTURE_HANDLE
            unsafe packed.handle = arena.text(handle)
        case nil: break
        }
        unsafe packed.n_labels = labels.count
        unsafe packed.labels = arena.list(labels)
        unsafe packed.recipe = arena.text(recipe)
        if let forwardPrompt {
            unsafe packed.chosen_forward_prompt_case =
                DSEG__V1__SEGMENT_REQUEST__CHOSEN_FORWARD_PROMPT_FORWARD_PROMPT
            unsafe packed.forward_prompt = arena.text(forwardPrompt)
        }
        unsafe packed.seed = seed
        if let timestep {
            unsafe packed.chosen_timestep_case = DSEG__V1__SEGMENT_REQUEST__CHOSEN_TIMESTEP_TIMESTEP
            unsafe packed.timestep = timestep
        }
        if let threshold {
            unsafe packed.chosen_threshold_case =
                DSEG__V1__SEGMENT_REQUEST__CHOSEN_THRESHOLD_THRESHOLD
            unsafe packed.threshold = threshold
        }
        unsafe packed.maps.rawValue = maps.rawValue
        unsafe packed.map_width = mapWidth
        unsafe packed.map_height = mapHeight
        unsafe packed.encoding.rawValue = encoding.rawValue
        unsafe packed.mask = mask ? 1 : 0
        unsafe packed.model = arena.text(model)
        unsafe packed.request_id = arena.text(requestID)
        unsafe packed.deadline_milliseconds = deadlineMilliseconds
        unsafe packed.n_settings = settings.count
        unsafe packed.settings = arena.texts(settings)
        if let vocabulary { unsafe packed.vocabulary = arena.message(vocabulary) }
        unsafe packed.keep_alive = arena.text(keepAlive)
        unsafe packed.progress = progress ? 1 : 0
        unsafe packed.n_probes = probes.count
        unsafe packed.probes = arena.list(probes)
    }
}

/// A thing to look for.
package struct Label: WireMessage, @unsafe PackedMessage {
    package var name: String
    /// None: one phrase, the name itself. Several: their score maps are averaged.
    package var phrases: [Phrase]

    package init(name: String, phrases: [Phrase] = []) {
        self.name = name
        self.phrases = phrases
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__Label>?) -> Void {
        unsafe dseg__v1__label__init
    }

    init(_ packed: Dseg__V1__Label) throws(RPCStatus) {
        unsafe name = try text(packed.name, "Label.name", .sentence)
        unsafe phrases = try list(packed.phrases, packed.n_phrases)
    }

    func fill(_ packed: inout Dseg__V1__Label, in arena: borrowing MessageArena) {
        unsafe packed.name = arena.text(name)
        unsafe packed.n_phrases = phrases.count
        unsafe packed.phrases = arena.list(phrases)
    }
}

/// Words for a label, and the prompt they are read in.
package struct Phrase: WireMessage, @unsafe PackedMessage {
    package var words: String
    /// A sentence that contains the words; empty: the recipe's template around them.
    package var prompt: String
    /// w of the words, as compel weights them; 0 means 1.
    package var weight: Float

    package init(words: String, prompt: String = "", weight: Float = 0) {
        self.words = words
        self.prompt = prompt
        self.weight = weight
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__Phrase>?) -> Void {
        unsafe dseg__v1__phrase__init
    }

    init(_ packed: Dseg__V1__Phrase) throws(RPCStatus) {
        unsafe words = try text(packed.words, "Phrase.words", .sentence)
        unsafe prompt = try text(packed.prompt, "Phrase.prompt", .sentence)
        unsafe weight = packed.weight
    }

    func fill(_ packed: inout Dseg__V1__Phrase, in arena: borrowing MessageArena) {
        unsafe packed.words = arena.text(words)
        unsafe packed.prompt = arena.text(prompt)
        unsafe packed.weight = weight
    }
}
