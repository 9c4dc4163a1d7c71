import CMessages

/// The request of `Status`; it has no fields.
package struct StatusRequest: WireMessage, @unsafe PackedMessage {
    package init() {}

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__StatusRequest>?) -> Void {
        unsafe dseg__v1__status_request__init
    }

    init(_: Dseg__V1__StatusRequest) {}

    func fill(_: inout Dseg__V1__StatusRequest, in _: borrowing MessageArena) {}
}

/// The reply of `Status`: what the daemon has loaded, cached and queued.
package struct StatusReply: WireMessage, @unsafe PackedMessage {
    package var version: String
    package var models: [ModelStatus]
    package var queued: UInt32
    package var queueLimit: UInt32
    /// `Look` and `Segment` calls whose job the engine has run to an end, also to a failure; an answer that comes from
    /// the reply cache without a job is not counted.
    package var answered: UInt64
    /// `Look` and `Segment` calls that a full queue refused or dropped.
    package var refused: UInt64
    /// The cache of pictures and their features: entries, bytes, and the limit of bytes.
    package var pictures: UInt32
    package var picturesBytes: UInt64
    package var picturesLimit: UInt64
    /// The cache of encoded prompts: entries, bytes, and the limit of bytes.
    package var words: UInt32
    package var wordsBytes: UInt64
    package var wordsLimit: UInt64
    package var uptimeMilliseconds: UInt64
    package var threads: UInt32
    /// The recipes that requests may name.
    package var recipes: [RecipeStatus]
    /// Weights and scratch memory of loaded and loading models, and the limit of these bytes.
    package var memoryBytes: UInt64
    package var memoryLimit: UInt64
    /// The daemon's own, as `KeepAlive` reads it.
    package var keepAlive: String
    /// The name of the model that requests without one get.
    package var defaultModel: String
    package var activity: Activity

    package init(
        version: String, models: [ModelStatus], queued: UInt32, queueLimit: UInt32,
        answered: UInt64, refused: UInt64,
        pictures: UInt32, picturesBytes: UInt64, picturesLimit: UInt64,
        words: UInt32, wordsBytes: UInt64, wordsLimit: UInt64, uptimeMilliseconds: UInt64,
        threads: UInt32, recipes: [RecipeStatus], memoryBytes: UInt64, memoryLimit: UInt64, keepAlive: String,
        defaultModel: String, activity: Activity
    ) {
        self.version = version
        self.models = models
        self.queued = queued
        self.queueLimit = queueLimit
        self.answered = answered
        self.refused = refused
        self.pictures = pictures
        self.picturesBytes = picturesBytes
        self.picturesLimit = picturesLimit
        self.words = words
        self.wordsBytes = wordsBytes
        self.wordsLimit = wordsLimit
        self.uptimeMilliseconds = uptimeMilliseconds
        self.threads = threads
        self.recipes = recipes
        self.memoryBytes = memoryBytes
        self.memoryLimit = memoryLimit
        self.keepAlive = keepAlive
        self.defaultModel = defaultModel
        self.activity = activity
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__StatusReply>?) -> Void {
        unsafe dseg__v1__status_reply__init
    }

    init(_ packed: Dseg__V1__StatusReply) throws(RPCStatus) {
        unsafe version = try text(packed.version, "StatusReply.version", .name)
        unsafe models = try list(packed.models, packed.n_models)
        unsafe queued = packed.queued
        unsafe queueLimit = packed.queue_limit
        unsafe answered = packed.answered
        unsafe refused = packed.refused
        unsafe pictures = packed.pictures
        unsafe picturesBytes = packed.pictures_bytes
        unsafe picturesLimit = packed.pictures_limit
        unsafe words = packed.words
        unsafe wordsBytes = packed.words_bytes
        unsafe wordsLimit = packed.words_limit
        unsafe uptimeMilliseconds = packed.uptime_milliseconds
        unsafe threads = packed.threads
        unsafe recipes = try list(packed.recipes, packed.n_recipes)
        unsafe memoryBytes = packed.memory_bytes
        unsafe memoryLimit = packed.memory_limit
        unsafe keepAlive = try text(packed.keep_alive, "StatusReply.keep_alive", .name)
        unsafe defaultModel = try text(packed.default_model, "StatusReply.default_model", .name)
        unsafe activity = try Activity(packed)
    }

    func fill(_ packed: inout Dseg__V1__StatusReply, in arena: borrowing MessageArena) {
        unsafe packed.version = arena.text(version)
        unsafe packed.n_models = models.count
        unsafe packed.models = arena.list(models)
        unsafe packed.queued = queued
        unsafe packed.queue_limit = queueLimit
        unsafe packed.answered = answered
        unsafe packed.refused = refused
        unsafe packed.pictures = pictures
        unsafe packed.pictures_bytes = picturesBytes
        unsafe packed.pictures_limit = picturesLimit
        unsafe packed.words = words
        unsafe packed.words_bytes = wordsBytes
        unsafe packed.words_limit = wordsLimit
        unsafe packed.uptime_milliseconds = uptimeMilliseconds
        unsafe packed.threads = threads
        unsafe packed.n_recipes = recipes.count
        unsafe packed.recipes = arena.list(recipes)
        unsafe packed.memory_bytes = memoryBytes
        unsafe packed.memory_limit = memoryLimit
        unsafe packed.keep_alive = arena.text(keepAlive)
        unsafe packed.default_model = arena.text(defaultModel)
        unsafe activity.fill(&packed, in: arena)
    }
}

/// A recipe that requests may name.
package struct RecipeStatus: WireMessage, Encodable, @unsafe PackedMessage {
    package var name: String
    /// One sentence.
    package var summary: String
    /// What it takes beside the others.
    package var cost: String
    /// Where its figures come from.
    package var source: String
    package var settings: [SettingStatus]

    package init(name: String, summary: String, cost: String, source: String, settings: [SettingStatus]) {
        self.name = name
        self.summary = summary
        self.cost = cost
        self.source = source
        self.settings = settings
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__RecipeStatus>?) -> Void {
        unsafe dseg__v1__recipe_status__init
    }

    init(_ packed: Dseg__V1__RecipeStatus) throws(RPCStatus) {
        unsafe name = try text(packed.name, "RecipeStatus.name", .name)
        unsafe summary = try text(packed.summary, "RecipeStatus.summary", .sentence)
        unsafe cost = try text(packed.cost, "RecipeStatus.cost", .sentence)
        unsafe source = try text(packed.source, "RecipeStatus.source", .sentence)
        unsafe settings = try list(packed.settings, packed.n_settings)
    }

    func fill(_ packed: inout Dseg__V1__RecipeStatus, in arena: borrowing MessageArena) {
        unsafe packed.name = arena.text(name)
        unsafe packed.summary = arena.text(summary)
        unsafe packed.cost = arena.text(cost)
        unsafe packed.source = arena.text(source)
        unsafe packed.n_settings = settings.count
        unsafe packed.settings = arena.list(settings)
    }
}

/// A parameter of a recipe that a request may set.
package struct SettingStatus: WireMessage, Encodable, @unsafe PackedMessage {
    package var key: String
    /// The recipe's own.
    package var value: String
    /// The legal values, in words.
    package var legal: String
    package var meaning: String

    package init(key: String, value: String, legal: String, meaning: String) {
        self.key = key
        self.value = value
        self.legal = legal
        self.meaning = meaning
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__SettingStatus>?) -> Void {
        unsafe dseg__v1__setting_status__init
    }

    init(_ packed: Dseg__V1__SettingStatus) throws(RPCStatus) {
        unsafe key = try text(packed.key, "SettingStatus.key", .name)
        unsafe value = try text(packed.value, "SettingStatus.value", .name)
        unsafe legal = try text(packed.legal, "SettingStatus.legal", .sentence)
        unsafe meaning = try text(packed.meaning, "SettingStatus.meaning", .sentence)
    }

    func fill(_ packed: inout Dseg__V1__SettingStatus, in arena: borrowing MessageArena) {
        unsafe packed.key = arena.text(key)
        unsafe packed.value = arena.text(value)
        unsafe packed.legal = arena.text(legal)
        unsafe packed.meaning = arena.text(meaning)
    }
}
