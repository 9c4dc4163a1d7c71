import CMessages

/// The next bytes of a picture's file, and what will be asked about it.
package struct LookRequest: WireMessage, @unsafe PackedMessage {
    package var data: [UInt8]
    /// The recipe of the first question and its settings, for which the picture is prepared.
    package var recipe: String
    package var settings: [String]
    /// Of the first question.
    package var model: String

    package init(data: [UInt8], recipe: String = "", settings: [String] = [], model: String = "") {
        self.data = data
        self.recipe = recipe
        self.settings = settings
        self.model = model
    }

    /// The field `data` of a message that has no other field, where it lies: whoever decodes it copies a mebibyte
    /// twice, each time into memory that the system must clear first.
    ///
    /// - Returns: `nil` for any other message, which ``init(decoding:)`` reads or refuses
    static func data(aloneIn message: [UInt8]) -> ArraySlice<UInt8>? {
        // The tag of field 1, of bytes; and the varint of a length under 2^28.
        guard message.first == 1 << 3 | 2 else { return nil }
        var count = 0
        for place in 1..<max(1, min(message.count, 5)) {
            count |= Int(message[place] & 0x7F) << (7 * (place - 1))
            if message[place] & 0x80 == 0 {
                return count == message.count - place - 1 ? message[(place + 1)...] : nil
            }
        }
        return nil
    }

    static var budget: MemoryBudget { .bulk }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__LookRequest>?) -> Void {
        unsafe dseg__v1__look_request__init
    }

    init(_ packed: Dseg__V1__LookRequest) throws(RPCStatus) {
        unsafe data = bytes(packed.data)
        unsafe recipe = try text(packed.recipe, "LookRequest.recipe", .name)
        unsafe settings = try texts(packed.settings, packed.n_settings, "LookRequest.settings", .name)
        unsafe model = try text(packed.model, "LookRequest.model", .name)
    }

    func fill(_ packed: inout Dseg__V1__LookRequest, in arena: borrowing MessageArena) {
        unsafe packed.data = arena.bytes(data)
        unsafe packed.recipe = arena.text(recipe)
        unsafe packed.n_settings = settings.count
        unsafe packed.settings = arena.texts(settings)
        unsafe packed.model = arena.text(model)
    }
}

/// The handle of an uploaded picture, for later requests.
package struct LookReply: WireMessage, @unsafe PackedMessage {
    /// The lower-case hexadecimal SHA-256 of the file.
    package var handle: String
    /// Pixels of the picture, with its EXIF orientation applied.
    package var width: UInt32
    package var height: UInt32

    package init(handle: String, width: UInt32, height: UInt32) {
        self.handle = handle
        self.width = width
        self.height = height
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__LookReply>?) -> Void {
        unsafe dseg__v1__look_reply__init
    }

    init(_ packed: Dseg__V1__LookReply) throws(RPCStatus) {
        unsafe handle = try text(packed.handle, "LookReply.handle", .name)
        unsafe width = packed.width
        unsafe height = packed.height
    }

    func fill(_ packed: inout Dseg__V1__LookReply, in arena: borrowing MessageArena) {
        unsafe packed.handle = arena.text(handle)
        unsafe packed.width = width
        unsafe packed.height = height
    }
}
