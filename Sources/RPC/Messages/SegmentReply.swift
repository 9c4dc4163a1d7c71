import CMessages

/// One message of a `Segment` stream.
package enum SegmentReply: WireMessage, @unsafe PackedMessage {
    case header(Header)
    case scoreMap(ScoreMap)
    case mask(IndexMask)
    case trailer(Trailer)
    /// Before the header, where the request asks for progress.
    case loading(Loading)
    /// After the score maps, where the request has probes.
    case probed(ProbedMap)

    static var budget: MemoryBudget { .bulk }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__SegmentReply>?) -> Void {
        unsafe dseg__v1__segment_reply__init
    }

    /// - Throws: `invalidArgument`, also for a reply without a case
    init(_ packed: Dseg__V1__SegmentReply) throws(RPCStatus) {
        switch unsafe packed.reply_case {
        case DSEG__V1__SEGMENT_REPLY__REPLY_HEADER:
            self = unsafe .header(try Header(packed.header.pointee))
        case DSEG__V1__SEGMENT_REPLY__REPLY_SCORE_MAP:
            self = unsafe .scoreMap(try ScoreMap(packed.score_map.pointee))
        case DSEG__V1__SEGMENT_REPLY__REPLY_MASK:
            self = unsafe .mask(try IndexMask(packed.mask.pointee))
        case DSEG__V1__SEGMENT_REPLY__REPLY_TRAILER:
            self = unsafe .trailer(try Trailer(packed.trailer.pointee))
        case DSEG__V1__SEGMENT_REPLY__REPLY_LOADING:
            self = unsafe .loading(try Loading(packed.loading.pointee))
        case DSEG__V1__SEGMENT_REPLY__REPLY_PROBED:
            self = unsafe .probed(try ProbedMap(packed.probed.pointee))
        default:
            throw RPCStatus(
                .invalidArgument,
                "A SegmentReply holds no header, map, mask, trailer or loading; is the daemon newer?")
        }
    }

    func fill(_ packed: inout Dseg__V1__SegmentReply, in arena: borrowing MessageArena) {
        switch self {
        case .header(let header):
            unsafe packed.reply_case = DSEG__V1__SEGMENT_REPLY__REPLY_HEADER
            unsafe packed.header = arena.message(header)
        case .scoreMap(let scoreMap):
            unsafe packed.reply_case = DSEG__V1__SEGMENT_REPLY__REPLY_SCORE_MAP
            unsafe packed.score_map = arena.message(scoreMap)
        case .mask(let mask):
            unsafe packed.reply_case = DSEG__V1__SEGMENT_REPLY__REPLY_MASK
            unsafe packed.mask = arena.message(mask)
        case .trailer(let trailer):
            unsafe packed.reply_case = DSEG__V1__SEGMENT_REPLY__REPLY_TRAILER
            unsafe packed.trailer = arena.message(trailer)
        case .loading(let loading):
            unsafe packed.reply_case = DSEG__V1__SEGMENT_REPLY__REPLY_LOADING
            unsafe packed.loading = arena.message(loading)
        case .probed(let probed):
            unsafe packed.reply_case = DSEG__V1__SEGMENT_REPLY__REPLY_PROBED
            unsafe packed.probed = arena.message(probed)
        }
    }
}

/// The last message of a `Segment` stream: the time of each stage in milliseconds, and cache hits, counted only where
/// the same user's earlier requests needed the entry.
package struct Trailer: WireMessage, @unsafe PackedMessage {
    package var queueMilliseconds: Float
    package var decodeMilliseconds: Float
    package var autoencoderMilliseconds: Float
    package var textMilliseconds: Float
    package var unetMilliseconds: Float
    package var mapsMilliseconds: Float
    /// U-Net passes that this answer needed and that count as no cache hit.
    package var unetPasses: UInt32
    /// U-Net passes whose features, or score maps made from them, were cached.
    package var featuresCached: UInt32
    /// Prompts whose cross-attention keys, or score maps made with them, were cached.
    package var phrasesCached: UInt32
    /// Whether the picture's latent was cached, or not needed.
    package var latentCached: Bool
    /// The SHA-256 of what was sent, see `segmenter.proto`.
    package var answerHash: String
    /// Of captions and of the filter.
    package var wordsMilliseconds: Float

    package init(
        queueMilliseconds: Float, decodeMilliseconds: Float, autoencoderMilliseconds: Float,
        textMilliseconds: Float,
        unetMilliseconds: Float, mapsMilliseconds: Float, unetPasses: UInt32,
        featuresCached: UInt32,
        phrasesCached: UInt32, latentCached: Bool, answerHash: String, wordsMilliseconds: Float
    ) {
        self.queueMilliseconds = queueMilliseconds
        self.decodeMilliseconds = decodeMilliseconds
        self.autoencoderMilliseconds = autoencoderMilliseconds
        self.textMilliseconds = textMilliseconds
        self.unetMilliseconds = unetMilliseconds
        self.mapsMilliseconds = mapsMilliseconds
        self.unetPasses = unetPasses
        self.featuresCached = featuresCached
        self.phrasesCached = phrasesCached
        self.latentCached = latentCached
        self.answerHash = answerHash
        self.wordsMilliseconds = wordsMilliseconds
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__Trailer>?) -> Void {
        unsafe dseg__v1__trailer__init
    }

    init(_ packed: Dseg__V1__Trailer) throws(RPCStatus) {
        unsafe queueMilliseconds = packed.queue_milliseconds
        unsafe decodeMilliseconds = packed.decode_milliseconds
        unsafe autoencoderMilliseconds = packed.autoencoder_milliseconds
        unsafe textMilliseconds = packed.text_milliseconds
        unsafe unetMilliseconds = packed.unet_milliseconds
        unsafe mapsMilliseconds = packed.maps_milliseconds
        unsafe unetPasses = packed.unet_passes
        unsafe featuresCached = packed.features_cached
        unsafe phrasesCached = packed.phrases_cached
        unsafe latentCached = packed.latent_cached != 0
        unsafe answerHash = try text(packed.answer_hash, "Trailer.answer_hash", .name)
        unsafe wordsMilliseconds = packed.words_milliseconds
    }

    func fill(_ packed: inout Dseg__V1__Trailer, in arena: borrowing MessageArena) {
        unsafe packed.queue_milliseconds = queueMilliseconds
        unsafe packed.decode_milliseconds = decodeMilliseconds
        unsafe packed.autoencoder_milliseconds = autoencoderMilliseconds
        unsafe packed.text_milliseconds = textMilliseconds
        unsafe packed.unet_milliseconds = unetMilliseconds
        unsafe packed.maps_milliseconds = mapsMilliseconds
        unsafe packed.unet_passes = unetPasses
        unsafe packed.features_cached = featuresCached
        unsafe packed.phrases_cached = phrasesCached
        unsafe packed.latent_cached = latentCached ? 1 : 0
        unsafe packed.answer_hash = arena.text(answerHash)
        unsafe packed.words_milliseconds = wordsMilliseconds
    }
}
