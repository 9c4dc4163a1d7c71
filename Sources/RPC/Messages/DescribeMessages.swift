import CMessages

/// The request of `Describe`: what is in a picture.
package struct DescribeRequest: WireMessage, @unsafe PackedMessage {
    /// `nil`: the request is illegal.
    package var picture: SegmentRequest.Picture?
    /// `nil`: what the caption names.
    package var vocabulary: Vocabulary?
    package var model: String
    package var requestID: String
    package var deadlineMilliseconds: UInt32
    /// As of ``SegmentRequest``.
    package var keepAlive: String
    /// Whether ``Loading`` messages come before the description.
    package var progress: Bool

    package init(
        picture: SegmentRequest.Picture?, vocabulary: Vocabulary?, model: String, requestID: String,
        deadlineMilliseconds: UInt32, keepAlive: String, progress: Bool
    ) {
        self.picture = picture
        self.vocabulary = vocabulary
        self.model = model
        self.requestID = requestID
        self.deadlineMilliseconds = deadlineMilliseconds
        self.keepAlive = keepAlive
        self.progress = progress
    }

    static var budget: MemoryBudget { .bulk }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__DescribeRequest>?) -> Void {
        unsafe dseg__v1__describe_request__init
    }

    init(_ packed: Dseg__V1__DescribeRequest) throws(RPCStatus) {
        picture =
            switch unsafe packed.picture_case {
            case DSEG__V1__DESCRIBE_REQUEST__PICTURE_IMAGE: unsafe .image(bytes(packed.image))
            case DSEG__V1__DESCRIBE_REQUEST__PICTURE_HANDLE:
                .handle(try unsafe text(packed.handle, "DescribeRequest.handle", .name))
            default: nil
            }
        vocabulary =
            if let vocabulary = unsafe packed.vocabulary { try unsafe Vocabulary(vocabulary.pointee) } else { nil }
        unsafe model = try text(packed.model, "DescribeRequest.model", .name)
        unsafe requestID = try text(packed.request_id, "DescribeRequest.request_id", .name)
        unsafe deadlineMilliseconds = packed.deadline_milliseconds
        unsafe keepAlive = try text(packed.keep_alive, "DescribeRequest.keep_alive", .name)
        unsafe progress = packed.progress != 0
    }

    func fill(_ packed: inout Dseg__V1__DescribeRequest, in arena: borrowing MessageArena) {
        switch picture {
        case .image(let file):
            unsafe packed.picture_case = DSEG__V1__DESCRIBE_REQUEST__PICTURE_IMAGE
            unsafe packed.image = arena.bytes(file)
        case .handle(let handle):
            unsafe packed.picture_case = DSEG__V1__DESCRIBE_REQUEST__PICTURE_HANDLE
            unsafe packed.handle = arena.text(handle)
        case nil: break
        }
        if let vocabulary { unsafe packed.vocabulary = arena.message(vocabulary) }
        unsafe packed.model = arena.text(model)
        unsafe packed.request_id = arena.text(requestID)
        unsafe packed.deadline_milliseconds = deadlineMilliseconds
        unsafe packed.keep_alive = arena.text(keepAlive)
        unsafe packed.progress = progress ? 1 : 0
    }
}

/// What a picture shows.
package struct Description: WireMessage, @unsafe PackedMessage {
    package var handle: String
    /// Pixels of the picture, with its EXIF orientation applied.
    package var width: UInt32
    package var height: UInt32
    /// Empty where no captioner is loaded.
    package var caption: String
    /// That the caption names.
    package var nouns: [Noun]
    /// `nil` where none is loaded.
    package var captioner: Network?
    package var filter: Network?

    package init(
        handle: String, width: UInt32, height: UInt32, caption: String, nouns: [Noun], captioner: Network?,
        filter: Network?
    ) {
        self.handle = handle
        self.width = width
        self.height = height
        self.caption = caption
        self.nouns = nouns
        self.captioner = captioner
        self.filter = filter
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__Description>?) -> Void {
        unsafe dseg__v1__description__init
    }

    init(_ packed: Dseg__V1__Description) throws(RPCStatus) {
        unsafe handle = try text(packed.handle, "Description.handle", .name)
        unsafe width = packed.width
        unsafe height = packed.height
        unsafe caption = try text(packed.caption, "Description.caption", .sentence)
        unsafe nouns = try list(packed.nouns, packed.n_nouns)
        captioner = if let captioner = unsafe packed.captioner { try unsafe Network(captioner.pointee) } else { nil }
        filter = if let filter = unsafe packed.filter { try unsafe Network(filter.pointee) } else { nil }
    }

    func fill(_ packed: inout Dseg__V1__Description, in arena: borrowing MessageArena) {
        unsafe packed.handle = arena.text(handle)
        unsafe packed.width = width
        unsafe packed.height = height
        unsafe packed.caption = arena.text(caption)
        unsafe packed.n_nouns = nouns.count
        unsafe packed.nouns = arena.list(nouns)
        if let captioner { unsafe packed.captioner = arena.message(captioner) }
        if let filter { unsafe packed.filter = arena.message(filter) }
    }
}

/// One message of a `Describe` stream.
package enum DescribeReply: WireMessage, @unsafe PackedMessage {
    case description(Description)
    case choice(Choice)
    /// Before the description, where the request asks for progress.
    case loading(Loading)

    static var budget: MemoryBudget { .bulk }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__DescribeReply>?) -> Void {
        unsafe dseg__v1__describe_reply__init
    }

    /// - Throws: `invalidArgument`, also for a reply without a case
    init(_ packed: Dseg__V1__DescribeReply) throws(RPCStatus) {
        switch unsafe packed.reply_case {
        case DSEG__V1__DESCRIBE_REPLY__REPLY_DESCRIPTION:
            self = unsafe .description(try Description(packed.description.pointee))
        case DSEG__V1__DESCRIBE_REPLY__REPLY_CHOICE:
            self = unsafe .choice(try Choice(packed.choice.pointee))
        case DSEG__V1__DESCRIBE_REPLY__REPLY_LOADING:
            self = unsafe .loading(try Loading(packed.loading.pointee))
        default:
            throw RPCStatus(
                .invalidArgument, "A DescribeReply holds no description, choice or loading; is the daemon newer?")
        }
    }

    func fill(_ packed: inout Dseg__V1__DescribeReply, in arena: borrowing MessageArena) {
        switch self {
        case .description(let description):
            unsafe packed.reply_case = DSEG__V1__DESCRIBE_REPLY__REPLY_DESCRIPTION
            unsafe packed.description = arena.message(description)
        case .choice(let choice):
            unsafe packed.reply_case = DSEG__V1__DESCRIBE_REPLY__REPLY_CHOICE
            unsafe packed.choice = arena.message(choice)
        case .loading(let loading):
            unsafe packed.reply_case = DSEG__V1__DESCRIBE_REPLY__REPLY_LOADING
            unsafe packed.loading = arena.message(loading)
        }
    }
}
