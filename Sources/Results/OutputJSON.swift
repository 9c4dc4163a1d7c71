import FoundationEssentials

/// An output as files name it, which `redo` reads: names stay.
extension Output: Codable {
    private enum CodingKeys: String, CodingKey {
        case kind, label, values, included, excluded, grow, feather, largest, format, x, y
        case fillHoles = "fill_holes"
    }

    private enum Kind: String, Codable {
        case mask, overlay, heat, cut, inpaint, attention, format, json
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        switch self {
        case .mask: try container.encode(Kind.mask, forKey: .kind)
        case .greyMask:
            try container.encode(Kind.mask, forKey: .kind)
            try container.encode(MaskValues.grey, forKey: .values)
        case .overlay: try container.encode(Kind.overlay, forKey: .kind)
        case .heat(let label):
            try container.encode(Kind.heat, forKey: .kind)
            try container.encode(label, forKey: .label)
        case .cut(let region):
            try container.encode(Kind.cut, forKey: .kind)
            try Self.encode(region, in: &container)
        case .inpaint(let region, let edits):
            try container.encode(Kind.inpaint, forKey: .kind)
            try Self.encode(region, in: &container)
            try container.encode(edits.fillsHoles, forKey: .fillHoles)
            try container.encode(edits.keepsLargest, forKey: .largest)
            try container.encode(edits.growth, forKey: .grow)
            try container.encode(edits.feather, forKey: .feather)
        case .attention(let x, let y):
            try container.encode(Kind.attention, forKey: .kind)
            try container.encode(x, forKey: .x)
            try container.encode(y, forKey: .y)
        case .format(let format, let label):
            try container.encode(Kind.format, forKey: .kind)
            try container.encode(format, forKey: .format)
            try container.encodeIfPresent(label, forKey: .label)
        case .json: try container.encode(Kind.json, forKey: .kind)
        }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        switch try container.decode(Kind.self, forKey: .kind) {
        case .mask:
            let values = try container.decodeIfPresent(MaskValues.self, forKey: .values) ?? .palette
            self = values == .grey ? .greyMask : .mask
        case .overlay: self = .overlay
        case .heat: self = .heat(label: try container.decode(String.self, forKey: .label))
        case .cut: self = .cut(try Self.region(in: container))
        case .inpaint: self = .inpaint(try Self.region(in: container), try Self.edits(in: container))
        case .attention:
            let (x, y) = (try container.decode(UInt32.self, forKey: .x), try container.decode(UInt32.self, forKey: .y))
            self = .attention(x: x, y: y)
        case .format:
            let format = try container.decode(FileFormat.self, forKey: .format)
            let label = try container.decodeIfPresent(String.self, forKey: .label)
            guard (label != nil) == format.isOfEachLabel else {
                throw DecodingError.dataCorruptedError(
                    forKey: .format, in: container, debugDescription: "a file of another format has a label, or none")
            }
            self = .format(format, label: label)
        case .json: self = .json
        }
    }

    /// One label is written as it is for heat maps; several in two lists.
    private static func encode(
        _ region: RegionExpression, in container: inout KeyedEncodingContainer<CodingKeys>
    ) throws {
        if region.labels.count == 1 { return try container.encode(region.included[0], forKey: .label) }
        try container.encode(region.included, forKey: .included)
        try container.encode(region.excluded, forKey: .excluded)
    }

    private static func region(in container: KeyedDecodingContainer<CodingKeys>) throws -> RegionExpression {
        if let label = try container.decodeIfPresent(String.self, forKey: .label) {
            return RegionExpression(label: label)
        }
        let region = RegionExpression(
            included: try container.decode([String].self, forKey: .included),
            excluded: try container.decode([String].self, forKey: .excluded))
        guard let region else {
            throw DecodingError.dataCorruptedError(
                forKey: .included, in: container, debugDescription: "a region has no labels, or one twice")
        }
        return region
    }

    private static func edits(in container: KeyedDecodingContainer<CodingKeys>) throws -> RegionEdits {
        let fillsHoles = try container.decode(Bool.self, forKey: .fillHoles)
        let keepsLargest = try container.decode(Bool.self, forKey: .largest)
        let growth = try container.decode(Int.self, forKey: .grow)
        let feather = try container.decode(Int.self, forKey: .feather)
        do throws(RegionError) {
            return try RegionEdits(
                fillsHoles: fillsHoles, keepsLargest: keepsLargest, growth: growth, feather: feather)
        } catch {
            throw DecodingError.dataCorruptedError(
                forKey: .grow, in: container, debugDescription: error.description)
        }
    }
}
