package import Networks
import Texts

/// The registries that a program looks in: the user's own, then the system's.
package struct Registries: Sendable {
    package let user: Registry?
    package let system: Registry

    package init(user: Registry?, system: Registry) {
        self.user = user
        self.system = system
    }

    /// What a text names.
    package enum Wanted: Sendable {
        /// A folder or file; whether it can be read is not known.
        case path(String)
        case registered(RegisteredModel)
    }

    /// The path or the model that a text names: a text with a slash, or of a file or folder that exists, is a path.
    ///
    /// - Parameter discovered: where a checkpoint lies that people call so; `nil`: nowhere
    package func resolve(
        _ text: String, discovered: (ModelName) -> String?
    ) throws(RegistryError) -> Wanted {
        if text.utf8.contains(UInt8(ascii: "/")) || RegularFile.exists(at: text) { return .path(text) }
        return .registered(try model(named: text, discovered: discovered).model)
    }

    /// The model of a name, and the registry that it stands in.
    package func model(
        named text: String, discovered: (ModelName) -> String?
    ) throws(RegistryError) -> (model: RegisteredModel, registry: Registry) {
        guard let name = try? ModelName(text) else { throw .unknown(text, nearest: nil, found: nil) }
        let all = try all()
        if let found = all.first(where: { $0.model.name == name }) { return found }
        throw .unknown(text, nearest: name.nearest(of: all.map(\.model.name)), found: discovered(name))
    }

    /// That a text is no model's name, and which of some is most alike.
    package static func unknown(_ text: String, besides names: [ModelName]) -> RegistryError {
        .unknown(text, nearest: (try? ModelName(text))?.nearest(of: names), found: nil)
    }

    /// The paths of the registries' files.
    package var files: [String] { inOrder.map(\.file) }

    /// The model that is taken where none is named: the user's default, else the system's.
    package func defaultModel() throws(RegistryError) -> RegisteredModel? {
        for registry in inOrder {
            if let model = try registry.contents().defaultModel { return model }
        }
        return nil
    }

    /// All models, the user's first; a name may stand in both.
    package func all() throws(RegistryError) -> [(model: RegisteredModel, registry: Registry)] {
        var all: [(model: RegisteredModel, registry: Registry)] = []
        for registry in inOrder { all += try registry.contents().models.map { ($0, registry) } }
        return all
    }

    private var inOrder: [Registry] { [user, system].compactMap(\.self) }
}
