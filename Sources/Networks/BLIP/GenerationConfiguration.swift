/// How long a captioner's sentences are, from `generation_config.json` (transformers' GenerationConfig). What else that
/// file says is of other ways to write than the likeliest word at each step.
package struct GenerationConfiguration: Sendable {
    /// The most tokens of a caption, its start, beginning and end included.
    package let limit: Int

    /// The file's name in a captioner's folder.
    package static let file = "generation_config.json"

    /// The limit where no file says one: the default of the releases of transformers that the method was published
    /// with. Published captioners have no other one.
    package static let unstated = GenerationConfiguration(limit: 20)

    private init(limit: Int) { self.limit = limit }

    /// Reads `file`.
    ///
    /// - Parameter positions: of the decoder, which reads no more tokens
    package init(_ file: RegularFile, positions: Int) throws(CheckpointError) {
        let file = try ConfigurationFile(file)
        limit =
            file.value("max_length") == nil
            ? Self.unstated.limit : try file.integer("max_length", absent: nil, in: 2...positions)
    }
}
