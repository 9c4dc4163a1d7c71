import Networks

/// The models of one registry, and which of them is taken where none is named.
package struct RegistryContents: Equatable, Sendable {
    /// In the order in which they were added; no two of one name.
    package private(set) var models: [RegisteredModel] = []
    /// The name of one of the models.
    package private(set) var defaultName: ModelName?

    static let version = 1

    package init() {}

    package subscript(name: ModelName) -> RegisteredModel? { models.first { $0.name == name } }

    package var defaultModel: RegisteredModel? { defaultName.flatMap { self[$0] } }

    /// Adds a model, or replaces the one of its name that was added from the same place or is the same model. The first
    /// one becomes the default.
    ///
    /// - Returns: whether one was replaced
    package mutating func add(_ model: RegisteredModel) throws(RegistryError) -> Bool {
        guard let place = models.firstIndex(where: { $0.name == model.name }) else {
            models.append(model)
            if models.count == 1 { defaultName = model.name }
            return false
        }
        guard models[place].source == model.source || models[place].hash == model.hash else {
            throw .taken(model.name, path: models[place].source.path)
        }
        models[place] = model
        return true
    }

    /// Records files anew whose bytes were seen to be those that were added.
    package mutating func refresh(_ name: ModelName, files: [RegisteredFile]) throws(RegistryError) {
        guard let place = models.firstIndex(where: { $0.name == name }) else { throw unknown(name) }
        models[place] = models[place].with(files: files)
    }

    /// Removes a model; its files stay. Where it was the default, none is.
    package mutating func remove(_ name: ModelName) throws(RegistryError) {
        guard self[name] != nil else { throw unknown(name) }
        models.removeAll { $0.name == name }
        if defaultName == name { defaultName = nil }
    }

    package mutating func makeDefault(_ name: ModelName) throws(RegistryError) {
        guard self[name] != nil else { throw unknown(name) }
        defaultName = name
    }

    private func unknown(_ name: ModelName) -> RegistryError {
        Registries.unknown("\(name)", besides: models.map(\.name))
    }
}

extension RegistryContents: Codable {
    private enum Key: String, CodingKey, CaseIterable {
        case version, models, `default`
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(ofOnly: Key.self)
        let models = try container.decode([RegisteredModel].self, forKey: .models)
        guard Set(models.map(\.name)).count == models.count else {
            throw DecodingError.dataCorruptedError(
                forKey: .models, in: container, debugDescription: "two models have the same name")
        }
        self.models = models
        defaultName = try container.decodeIfPresent(ModelName.self, forKey: .default)
        if let name = defaultName, self[name] == nil {
            throw DecodingError.dataCorruptedError(
                forKey: .default, in: container, debugDescription: "no model is called \(name)")
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(Self.version, forKey: .version)
        try container.encode(models, forKey: .models)
        try container.encodeIfPresent(defaultName, forKey: .default)
    }
}
