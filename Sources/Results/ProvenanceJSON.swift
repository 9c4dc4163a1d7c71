import Limits
import FoundationEssentials
import RPC
import Texts

/// The JSON of a provenance; decoding checks what
/// ``Provenance/init(of:_:words:picturePath:size:files:explains:)`` guarantees.
extension Provenance: Codable {
    private enum CodingKeys: String, CodingKey {
        case schema, output, picture, words, labels, recipe, settings, seed, timestep, threshold, model, captioner,
            filter, choice
        case version, precision, blas, maps, latent, answer, files, notes
        case forwardPrompt = "forward_prompt"
        case instructionSet = "instruction_set"
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(Self.schema, forKey: .schema)
        try container.encode(output, forKey: .output)
        try container.encode(picture, forKey: .picture)
        try container.encode(words, forKey: .words)
        try container.encode(labels, forKey: .labels)
        try container.encode(recipe, forKey: .recipe)
        if !settings.isEmpty { try container.encode(settings, forKey: .settings) }
        try container.encode(forwardPrompt, forKey: .forwardPrompt)
        try container.encode(seed, forKey: .seed)
        try container.encode(timestep, forKey: .timestep)
        try container.encode(threshold, forKey: .threshold)
        try container.encode(model, forKey: .model)
        try container.encodeIfPresent(captioner, forKey: .captioner)
        try container.encodeIfPresent(filter, forKey: .filter)
        try container.encodeIfPresent(choice, forKey: .choice)
        try container.encode(version, forKey: .version)
        try container.encodeIfPresent(precision, forKey: .precision)
        try container.encodeIfPresent(instructionSet, forKey: .instructionSet)
        try container.encodeIfPresent(blas, forKey: .blas)
        try container.encodeIfPresent(RecordedMaps(maps), forKey: .maps)
        try container.encodeIfPresent(latent, forKey: .latent)
        try container.encode(answer, forKey: .answer)
        try container.encodeIfPresent(files, forKey: .files)
        try container.encodeIfPresent(notes, forKey: .notes)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        output = try container.decode(Output.self, forKey: .output)
        picture = try container.decode(Picture.self, forKey: .picture)
        words = try container.decode([String].self, forKey: .words)
        labels = try container.decode([LabelRecord].self, forKey: .labels)
        recipe = try container.decode(String.self, forKey: .recipe)
        settings = try container.decodeIfPresent([String].self, forKey: .settings) ?? []
        seed = try container.decode(UInt32.self, forKey: .seed)
        timestep = try container.decode(UInt32.self, forKey: .timestep)
        threshold = try container.decode(Float.self, forKey: .threshold)
        model = try container.decode(Model.self, forKey: .model)
        captioner = try container.decodeIfPresent(Model.self, forKey: .captioner)
        filter = try container.decodeIfPresent(Model.self, forKey: .filter)
        choice = try container.decodeIfPresent(ChoiceRecord.self, forKey: .choice)
        version = try container.decode(String.self, forKey: .version)
        precision = try container.decodeIfPresent(String.self, forKey: .precision)
        instructionSet = try container.decodeIfPresent(String.self, forKey: .instructionSet)
        blas = try container.decodeIfPresent(String.self, forKey: .blas)
        forwardPrompt = try container.decode(String.self, forKey: .forwardPrompt)
        maps = try container.decodeIfPresent(RecordedMaps.self, forKey: .maps)?.requested ?? .latent
        latent = try container.decodeIfPresent(Latent.self, forKey: .latent)
        answer = try container.decode(String.self, forKey: .answer)
        files = try container.decodeIfPresent([OutputFile].self, forKey: .files)
        notes = nil

        let names = labels.map(\.name)
        let isLegal = output.isThere(among: Set(names.map { ExactString($0) }))
        guard !texts.contains(where: { $0.utf8.contains(0) }) else {
            throw DecodingError.dataCorruptedError(
                forKey: .words, in: container, debugDescription: "a text holds a NUL")
        }
        let least = choice == nil ? 1 : 0
        guard isLegal, (least...Limit.maskedLabels).contains(names.count), (0...1).contains(threshold)
        else {
            throw DecodingError.dataCorruptedError(
                forKey: .labels, in: container,
                debugDescription: "the labels, the output or the threshold contradict each other")
        }
    }
}

/// How a file says which score maps were requested; of latent ones it says nothing.
private enum RecordedMaps: String, Codable {
    case sized, none

    init?(_ maps: SegmentRequest.Maps) {
        switch maps {
        case .sized: self = .sized
        case .none: self = .none
        case .latent: return nil
        }
    }

    var requested: SegmentRequest.Maps {
        switch self {
        case .sized: .sized
        case .none: .none
        }
    }
}

extension Provenance {
    /// All strings, which in a decoded file are untrusted.
    private var texts: [String] {
        let phrases = labels.flatMap(\.phrases).flatMap { [$0.words, $0.prompt, $0.caption ?? ""] }
        let networks = [captioner, filter].compactMap(\.self).flatMap { [$0.name, $0.hash] }
        return [picture.path, picture.sha256, recipe, forwardPrompt, model.name, model.hash, version, answer] + words
            + settings + [precision, instructionSet, blas].compactMap(\.self) + labels.map(\.name) + phrases
            + (files ?? []).map(\.path) + networks + (choice?.texts ?? []) + (output.region?.labels ?? [])
    }
}
