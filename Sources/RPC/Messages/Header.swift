import CMessages

/// The first message of a `Segment` stream: the request as understood, with all defaults filled in.
package struct Header: WireMessage, @unsafe PackedMessage {
    package var handle: String
    /// Pixels of the picture, with its EXIF orientation applied.
    package var width: UInt32
    package var height: UInt32
    package var latentWidth: UInt32
    package var latentHeight: UInt32
    package var labels: [UnderstoodLabel]
    package var recipe: String
    /// The prompt of the one U-Net pass for all phrases; empty, too, where each phrase has its own pass.
    package var forwardPrompt: String?
    package var seed: UInt32
    package var timestep: UInt32
    package var threshold: Float
    package var model: String
    package var modelHash: String
    /// What earlier versions made of the same files as ``modelHash``.
    package var modelAliases: [String]
    package var version: String
    /// The arithmetic of the networks, the instruction set of the kernels, and the library of f32 products with its
    /// version and core: the bits of scores depend on all three.
    package var precision: String
    package var instructionSet: String
    package var blas: String
    /// In which the recipe differs from the one of its name, `key=value` each.
    package var settings: [String]
    /// Whether labels share each pixel, so that a label's map depends on the other labels.
    package var labelsCompete: Bool
    /// What else the answer depends on or takes, in sentences for whoever asked.
    package var notes: [String]
    /// How the labels were chosen; `nil`: they were given.
    package var choice: Choice?
    /// Networks that the answer depends on beside the model.
    package var captioner: Network?
    package var filter: Network?

    package init(
        handle: String, width: UInt32, height: UInt32, latentWidth: UInt32, latentHeight: UInt32,
        labels: [UnderstoodLabel], recipe: String, forwardPrompt: String?, seed: UInt32,
        timestep: UInt32, threshold: Float, model: String, modelHash: String,
        modelAliases: [String], version: String, precision: String, instructionSet: String, blas: String,
        settings: [String], labelsCompete: Bool,
        notes: [String], choice: Choice?, captioner: Network?, filter: Network?
    ) {
        self.handle = handle
        self.width = width
        self.height = height
        self.latentWidth = latentWidth
        self.latentHeight = latentHeight
        self.labels = labels
        self.recipe = recipe
        self.forwardPrompt = forwardPrompt
        self.seed = seed
        self.timestep = timestep
        self.threshold = threshold
        self.model = model
        self.modelHash = modelHash
        self.modelAliases = modelAliases
        self.version = version
        self.precision = precision
        self.instructionSet = instructionSet
        self.blas = blas
        self.settings = settings
        self.labelsCompete = labelsCompete
        self.notes = notes
        self.choice = choice
        self.captioner = captioner
        self.filter = filter
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__Header>?) -> Void {
        unsafe dseg__v1__header__init
    }

    init(_ packed: Dseg__V1__Header) throws(RPCStatus) {
        unsafe handle = try text(packed.handle, "Header.handle", .name)
        unsafe width = packed.width
        unsafe height = packed.height
        unsafe latentWidth = packed.latent_width
        unsafe latentHeight = packed.latent_height
        unsafe labels = try list(packed.labels, packed.n_labels)
        unsafe recipe = try text(packed.recipe, "Header.recipe", .name)
        forwardPrompt =
            unsafe packed.read_forward_prompt_case == DSEG__V1__HEADER__READ_FORWARD_PROMPT_FORWARD_PROMPT
            ? try unsafe text(packed.forward_prompt, "Header.forward_prompt", .sentence) : nil
        unsafe seed = packed.seed
        unsafe timestep = packed.timestep
        unsafe threshold = packed.threshold
        unsafe model = try text(packed.model, "Header.model", .name)
        unsafe modelHash = try text(packed.model_hash, "Header.model_hash", .name)
        unsafe modelAliases = try texts(packed.model_aliases, packed.n_model_aliases, "Header.model_aliases", .name)
        unsafe version = try text(packed.version, "Header.version", .name)
        unsafe precision = try text(packed.precision, "Header.precision", .name)
        unsafe instructionSet = try text(packed.instruction_set, "Header.instruction_set", .name)
        unsafe blas = try text(packed.blas, "Header.blas", .name)
        unsafe settings = try texts(packed.settings, packed.n_settings, "Header.settings", .name)
        unsafe labelsCompete = packed.labels_compete != 0
        unsafe notes = try texts(packed.notes, packed.n_notes, "Header.notes", .sentence)
        choice = if let packed = unsafe packed.choice { try unsafe Choice(packed.pointee) } else { nil }
        captioner = if let packed = unsafe packed.captioner { try unsafe Network(packed.pointee) } else { nil }
        filter = if let packed = unsafe packed.filter { try unsafe Network(packed.pointee) } else { nil }
    }

    func fill(_ packed: inout Dseg__V1__Header, in arena: borrowing MessageArena) {
        unsafe packed.handle = arena.text(handle)
        unsafe packed.width = width
        unsafe packed.height = height
        unsafe packed.latent_width = latentWidth
        unsafe packed.latent_height = latentHeight
        unsafe packed.n_labels = labels.count
        unsafe packed.labels = arena.list(labels)
        unsafe packed.recipe = arena.text(recipe)
        if let forwardPrompt {
            unsafe packed.read_forward_prompt_case = DSEG__V1__HEADER__READ_FORWARD_PROMPT_FORWARD_PROMPT
            unsafe packed.forward_prompt = arena.text(forwardPrompt)
        }
        unsafe packed.seed = seed
        unsafe packed.timestep = timestep
        unsafe packed.threshold = threshold
        unsafe packed.model = arena.text(model)
        unsafe packed.model_hash = arena.text(modelHash)
        unsafe packed.n_model_aliases = modelAliases.count
        unsafe packed.model_aliases = arena.texts(modelAliases)
        unsafe packed.version = arena.text(version)
        unsafe packed.precision = arena.text(precision)
        unsafe packed.instruction_set = arena.text(instructionSet)
        unsafe packed.blas = arena.text(blas)
        unsafe packed.n_settings = settings.count
        unsafe packed.settings = arena.texts(settings)
        unsafe packed.labels_compete = labelsCompete ? 1 : 0
        unsafe packed.n_notes = notes.count
        unsafe packed.notes = arena.texts(notes)
        if let choice { unsafe packed.choice = arena.message(choice) }
        if let captioner { unsafe packed.captioner = arena.message(captioner) }
        if let filter { unsafe packed.filter = arena.message(filter) }
    }
}

/// A label with the phrases that were used for it.
package struct UnderstoodLabel: WireMessage, @unsafe PackedMessage {
    package var name: String
    package var phrases: [UnderstoodPhrase]

    package init(name: String, phrases: [UnderstoodPhrase]) {
        self.name = name
        self.phrases = phrases
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__UnderstoodLabel>?) -> Void {
        unsafe dseg__v1__understood_label__init
    }

    init(_ packed: Dseg__V1__UnderstoodLabel) throws(RPCStatus) {
        unsafe name = try text(packed.name, "UnderstoodLabel.name", .sentence)
        unsafe phrases = try list(packed.phrases, packed.n_phrases)
    }

    func fill(_ packed: inout Dseg__V1__UnderstoodLabel, in arena: borrowing MessageArena) {
        unsafe packed.name = arena.text(name)
        unsafe packed.n_phrases = phrases.count
        unsafe packed.phrases = arena.list(phrases)
    }
}

/// A phrase, its prompt, and the positions of its words in the prompt.
package struct UnderstoodPhrase: WireMessage, @unsafe PackedMessage {
    package var words: String
    package var prompt: String
    /// Positions of the words' tokens; 0 is the start token.
    package var positions: [UInt32]
    /// The prompt was longer than the text encoder's limit, and cut.
    package var truncated: Bool
    /// The sentence about the picture that the prompt was made from; empty: none.
    package var caption: String
    /// Of the words, as it was asked.
    package var weight: Float

    package init(
        words: String, prompt: String, positions: [UInt32], truncated: Bool, caption: String, weight: Float
    ) {
        self.words = words
        self.prompt = prompt
        self.positions = positions
        self.truncated = truncated
        self.caption = caption
        self.weight = weight
    }

    static var budget: MemoryBudget { .control }
    static var initialize: (UnsafeMutablePointer<Dseg__V1__UnderstoodPhrase>?) -> Void {
        unsafe dseg__v1__understood_phrase__init
    }

    init(_ packed: Dseg__V1__UnderstoodPhrase) throws(RPCStatus) {
        unsafe words = try text(packed.words, "UnderstoodPhrase.words", .sentence)
        unsafe prompt = try text(packed.prompt, "UnderstoodPhrase.prompt", .sentence)
        unsafe positions = list(packed.positions, packed.n_positions)
        unsafe truncated = packed.truncated != 0
        unsafe caption = try text(packed.caption, "UnderstoodPhrase.caption", .sentence)
        unsafe weight = packed.weight
    }

    func fill(_ packed: inout Dseg__V1__UnderstoodPhrase, in arena: borrowing MessageArena) {
        unsafe packed.words = arena.text(words)
        unsafe packed.prompt = arena.text(prompt)
        unsafe packed.n_positions = positions.count
        unsafe packed.positions = arena.list(positions)
        unsafe packed.truncated = truncated ? 1 : 0
        unsafe packed.caption = arena.text(caption)
        unsafe packed.weight = weight
    }
}
